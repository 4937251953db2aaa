"""The store of a run: what goes in comes out, and what is not a store is refused."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
import runs

from reportgen.errors import RunFileError
from reportgen.store import (
    LAYOUT_VERSION,
    RUN_STORE,
    Cache,
    Encoded,
    Found,
    RunReader,
    RunWriter,
    read_run,
    write_run,
)
from reportgen.values import Caution, Contrast, FailureRecord, Picture, Report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BROKEN = FailureRecord("broken.jpg", "truncated after 1200 of 5000 bytes")


def small() -> Report:
    return runs.report(runs.image("a.png"), runs.image("b/ü \U0001f600.png"), failures=(BROKEN,))


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / RUN_STORE
    write_run(small(), path)
    return path


def test_a_run_comes_back_equal(stored: Path) -> None:
    assert read_run(stored) == small()
    assert read_run(stored.parent) == small()
    assert repr(read_run(stored)) == repr(small())


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1, 0.1 + 0.2])
def test_numbers_come_back_to_the_last_bit(tmp_path: Path, number: float) -> None:
    plain = runs.image()
    first = replace(plain.predictions[0], logit=number)
    written = runs.report(replace(plain, predictions=(first,)))
    write_run(written, tmp_path / RUN_STORE)
    found = read_run(tmp_path).images[0].predictions[0].logit
    assert repr(found) == repr(number)


@pytest.mark.parametrize("text", ["", "\0", "\udc80.png", "日本", "\u2028</script>", '"\\', "NaN"])
def test_texts_come_back(tmp_path: Path, text: str) -> None:
    written = runs.report(
        replace(runs.image(), name=text, cautions=(Caution(text, text),)),
        failures=(FailureRecord(text, text),),
    )
    write_run(written, tmp_path / RUN_STORE)
    assert read_run(tmp_path) == written


def test_a_date_keeps_its_offset(tmp_path: Path) -> None:
    zone = timezone(timedelta(hours=-3, minutes=-30))
    plain = small()
    created = datetime(2025, 11, 23, 3, 16, 42, 123456, tzinfo=zone)
    write_run(replace(plain, run=replace(plain.run, created=created)), tmp_path / RUN_STORE)
    assert read_run(tmp_path).run.created.isoformat() == created.isoformat()


@pytest.mark.parametrize("number", [0.25, math.nan])
def test_the_cache_gives_what_would_be_encoded(tmp_path: Path, number: float) -> None:
    plain = runs.image()
    first = replace(plain.predictions[0], logit=number)
    pictures = [Picture("image/png", bytes([place]), (1, 1)) for place in range(4)]
    record = replace(
        plain,
        predictions=(first,),
        photo=pictures[0],
        view=pictures[1],
        targets=tuple(replace(item, guided=pictures[2]) for item in plain.targets),
        contrast=Contrast(0, 1, "grad-cam", "layer", pictures[3], 0.5),
    )
    with Cache(tmp_path) as cache:
        cache.put([("key", Found(record, {}))])
        found = cache.find("key")
    assert found is not None
    assert found.encoded == Encoded.of(record)
    for name, encoded in (("cached", found.encoded), ("fresh", None)):
        with RunWriter(tmp_path / name) as writer:
            writer.add(record, "key", encoded)
            writer.finish(small())
    assert (tmp_path / "cached").read_bytes() == (tmp_path / "fresh").read_bytes()


def test_images_come_one_by_one(stored: Path) -> None:
    with RunReader(stored) as reader:
        assert len(reader) == 2
        assert reader.report == replace(small(), images=())
        assert [entry.name for entry in reader.entries] == ["a.png", "b/ü \U0001f600.png"]
        assert reader.entries[1].sha256 == small().images[1].sha256
        assert reader.image(reader.entries[1]) == small().images[1]
        images = reader.images()
        assert next(images) == small().images[0]


def test_records_keep_their_places_among_failures(tmp_path: Path) -> None:
    first, second = small().images
    with RunWriter(tmp_path / RUN_STORE) as writer:
        for record in (first, BROKEN, second):
            writer.add(record)
        writer.finish(small())
    with RunReader(tmp_path) as reader:
        assert [entry.position for entry in reader.entries] == [0, 2]
        assert tuple(reader.images()) == (first, second)
        assert reader.report.failures == (BROKEN,)


def test_a_picture_is_stored_once(stored: Path) -> None:
    # Two images with equal photos and equal maps, and the colour bar.
    assert query(stored, "SELECT COUNT(*) FROM pictures") == [(3,)]


def test_pictures_that_differ_in_size_alone_are_two(tmp_path: Path) -> None:
    one, other = Picture("image/png", b"same", (1, 2)), Picture("image/png", b"same", (2, 1))
    images = replace(runs.image("a"), photo=one), replace(runs.image("b"), photo=other)
    write_run(runs.report(*images), tmp_path / RUN_STORE)
    assert read_run(tmp_path).images == images


def test_the_same_run_gives_the_same_bytes(tmp_path: Path, stored: Path) -> None:
    again = tmp_path / "again.sqlite"
    write_run(small(), again)
    assert again.read_bytes() == stored.read_bytes()


def test_a_failed_record_leaves_nothing_behind(tmp_path: Path) -> None:
    first, second = small().images
    nothing: Any = object()
    unwritable = replace(first, photo=Picture("image/png", b"new", (1, 1)), note=nothing)
    other = tmp_path / "other.sqlite"
    with RunWriter(tmp_path / RUN_STORE) as writer, RunWriter(other) as plain:
        with pytest.raises(TypeError):
            writer.add(unwritable)
        for each in (writer, plain):
            each.add(replace(second, photo=Picture("image/png", b"new", (1, 1))))
            each.finish(small())
    assert (tmp_path / RUN_STORE).read_bytes() == other.read_bytes()


def test_only_the_store_is_left(stored: Path) -> None:
    assert [path.name for path in stored.parent.iterdir()] == [RUN_STORE]


def test_what_is_there_is_never_overwritten(stored: Path) -> None:
    before = stored.read_bytes()
    with pytest.raises(FileExistsError):
        RunWriter(stored)
    assert stored.read_bytes() == before


# -- what is not a store ---------------------------------------------------------------------


def query(path: Path, sql: str, *cells: object) -> list[tuple[object, ...]]:
    base = sqlite3.connect(path)
    found = base.execute(sql, cells).fetchall()
    base.commit()
    base.close()
    return found


def refused(path: Path, words: str) -> None:
    with pytest.raises(RunFileError, match=words) as caught:
        read_run(path)
    assert str(path.name) in str(caught.value)


def test_nothing_there(tmp_path: Path) -> None:
    refused(tmp_path / "gone", "found nothing")
    refused(tmp_path, f"found no {RUN_STORE} in it")


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", b"{}" * 200])
def test_another_kind_of_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / RUN_STORE).write_bytes(content)
    refused(tmp_path / RUN_STORE, "not SQLite")


def test_another_program_s_file(tmp_path: Path) -> None:
    query(tmp_path / "history.db", "CREATE TABLE run (report TEXT)")
    refused(tmp_path / "history.db", "of another program")


@pytest.mark.parametrize(
    ("version", "words"),
    [(LAYOUT_VERSION + 1, "newer.*Update"), (0, "older.*Make the report again")],
)
def test_another_layout(stored: Path, version: int, words: str) -> None:
    query(stored, f"PRAGMA user_version = {version}")
    refused(stored, words)


@pytest.mark.parametrize("left", [101, 4096, -1])
def test_a_file_cut_off(stored: Path, left: int) -> None:
    stored.write_bytes(stored.read_bytes()[:left])
    refused(stored, "cut off")


def test_a_run_that_was_interrupted(tmp_path: Path) -> None:
    with RunWriter(tmp_path / RUN_STORE) as writer:
        writer.add(runs.image())
    refused(tmp_path / RUN_STORE, "interrupted")


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE images ADD COLUMN more TEXT",
        "CREATE VIEW more AS SELECT * FROM images",
        "CREATE TRIGGER more AFTER INSERT ON images BEGIN DELETE FROM run; END",
        "DROP TABLE failures",
    ],
)
def test_other_tables(stored: Path, change: str) -> None:
    query(stored, change)
    refused(stored, "damaged, or was changed")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE run SET report = '{'",
        "UPDATE run SET report = '[]'",
        "UPDATE run SET report = 'null'",
        "UPDATE run SET report = CAST('{}' AS BLOB)",
        'UPDATE run SET report = replace(report, \'"top_k":3\', \'"top_k":"3"\')',
        "UPDATE run SET report = replace(report, '\"top_k\":3', '\"top_k\":3.5')",
        "UPDATE run SET report = replace(report, '\"trained\":true', '\"trained\":1')",
        "UPDATE run SET report = replace(report, '+00:00', '')",
        "UPDATE images SET record = replace(record, '\"sha256\"', '\"sha\"')",
        "UPDATE images SET record = replace(record, '\"shown\"', '\"seen\"')",
        "UPDATE images SET record = replace(record, '\"logit\":3.5', '\"logit\":null')",
        "UPDATE images SET record = replace(record, '\"logit\":3.5', '\"logit\":1e999')",
        "UPDATE images SET record = replace(record, '\"picture\"', '\"photo\"')",
        "UPDATE pictures SET data = data || x'00'",
        "UPDATE pictures SET data = 'text'",
        "UPDATE pictures SET width = width + 1",
        "UPDATE pictures SET mime = 'text/html'",
        "DELETE FROM pictures",
    ],
)
def test_content_that_was_changed(stored: Path, change: str) -> None:
    before = stored.read_bytes()
    query(stored, change)
    assert stored.read_bytes() != before
    refused(stored, "damaged, or was changed")


def test_json_nested_without_end(stored: Path) -> None:
    query(stored, "UPDATE run SET report = ?", "[" * 100_000)
    refused(stored, "damaged, or was changed")


def test_a_picture_of_another_kind_is_refused_even_with_its_hash(tmp_path: Path) -> None:
    # Written into an address on the page, its kind must not be able to end that address.
    odd = Picture('image/png"><script>alert(1)</script>', b"x", (1, 1))
    write_run(runs.report(replace(runs.image(), photo=odd)), tmp_path / RUN_STORE)
    refused(tmp_path / RUN_STORE, "damaged, or was changed")


def test_pages_that_were_overwritten(stored: Path) -> None:
    content = bytearray(stored.read_bytes())
    content[4096 : len(content)] = b"\xff" * (len(content) - 4096)
    stored.write_bytes(content)
    refused(stored, "damaged, or was changed")


@pytest.mark.parametrize(
    "change", ["UPDATE images SET record = '{}'", "UPDATE run SET report = '{}'"]
)
def test_fields_without_a_default_are_needed(stored: Path, change: str) -> None:
    query(stored, change)
    refused(stored, "damaged, or was changed")


def test_a_field_with_a_default_may_be_missing(stored: Path) -> None:
    query(stored, 'UPDATE images SET record = replace(record, \'"note":""\', \'"later":1\')')
    assert read_run(stored) == small()


def test_reading_changes_nothing(
    stored: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = stored.read_bytes()
    stored.chmod(0o400)
    odd = tmp_path / "a?b#c%20d"
    odd.mkdir()
    (odd / RUN_STORE).write_bytes(before)
    monkeypatch.chdir(tmp_path)
    check: Callable[[], Report] = lambda: read_run(odd.relative_to(tmp_path))  # noqa: E731
    assert check() == small()
    assert read_run(stored) == small()
    assert stored.read_bytes() == before
    assert [path.name for path in odd.iterdir()] == [RUN_STORE]
