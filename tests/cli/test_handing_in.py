"""Forms, sizes and everything that is made of a report, through the command."""

from __future__ import annotations

import io
import itertools
import json
import re
import zipfile
from typing import TYPE_CHECKING
from unicodedata import normalize

import numpy as np
import pytest
from PIL import Image

from cli.conftest import REPOSITORY, Run, files_of
from reportgen import pdf

if TYPE_CHECKING:
    from pathlib import Path

PLUMBING = ("--model", "squeezenet1_1", "--weights", "none", "-q")


def bytes_per_image(page: Path) -> list[int]:
    """Return what each image takes of a single file, the shared parts left out."""
    text = page.read_text(encoding="utf-8")
    starts = [found.start() for found in re.finditer(r'<article class="image"', text)]
    return [later - sooner for sooner, later in itertools.pairwise(starts)]


@pytest.fixture(scope="session")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped pictures at 224×224, once more each, so that a slope can be taken."""
    folder = tmp_path_factory.mktemp("squares")
    for path in sorted((REPOSITORY / "images").glob("*.jpg")):
        with Image.open(path) as image:
            image.convert("RGB").resize((224, 224)).save(folder / path.name, quality=92)
    return folder


@pytest.mark.parametrize(
    ("words", "most"),
    [((), 60_000), pytest.param(("--compact",), 24_000, marks=pytest.mark.slow)],
)
def test_bytes_per_image(
    words: tuple[str, ...], most: int, squares: Path, run: Run, tmp_path: Path
) -> None:
    """With photo, six maps and six overlays; compact, with photo and six maps."""
    one, all_ = tmp_path / "one", tmp_path / "all"
    single = tmp_path / "single"
    single.mkdir()
    first = min(squares.iterdir())
    (single / first.name).write_bytes(first.read_bytes())
    assert run("build", single, "-q", *words, "-o", one).code == 0
    assert run("build", squares, "-q", *words, "-o", all_).code == 0
    sizes = [(path / "index.html").stat().st_size for path in (one, all_)]
    more = len(list(squares.iterdir())) - 1
    assert (sizes[1] - sizes[0]) / more <= most
    assert max(bytes_per_image(all_ / "index.html")) <= 1.1 * most


def test_a_folder_and_back(run: Run, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("build", pictures, *PLUMBING, "-o", out, "--folder", "--page-size", "2").code == 0
    several = files_of(out)
    assert {"index.html", "page-1.html", "page-2.html"} <= several.keys()
    assert any(name.startswith("assets/") for name in several)
    assert b"data:image/jpeg" not in several["page-1.html"]
    assert all(len(name.split("/", 1)[-1]) <= 40 for name in several)
    listed = json.loads(several["manifest.json"])["files"]
    assert listed.keys() == several.keys() - {"manifest.json"}

    assert run("build", pictures, *PLUMBING, "-o", out, "--single-file").code == 0
    one = files_of(out)
    assert not any(name.startswith(("assets/", "page-")) for name in one)
    assert b"data:image/jpeg" in one["index.html"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--single-file", "--folder"), "--single-file and --folder"),
        (("--export", "figure"), "--export: expected figures, found 'figure'"),
        (("--lang", "de"), "--lang: expected one of en, zh, found 'de'"),
        (("--meta", "course"), "--meta"),
        (("--notes", "none.md"), "--notes"),
        (("--pdf", "no/such/folder/it.pdf"), "--pdf"),
        (("--pdf", "it.pdf", "--paper", "a5"), "--paper"),
    ],
)
def test_refused_before_anything_is_computed(
    words: tuple[str, ...], said: str, run: Run, pictures: Path, tmp_path: Path
) -> None:
    ran = run("build", pictures, *PLUMBING, "-o", tmp_path / "out", *words)
    assert ran.code == 2
    assert said in ran.err
    assert not (tmp_path / "out").exists()


def test_without_a_browser_there_is_another_way(
    run: Run, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "find_browser", lambda: None)
    ran = run("build", pictures, *PLUMBING, "-o", tmp_path / "out", "--pdf", tmp_path / "it")
    assert ran.code == 2
    assert "print" in ran.err


@pytest.mark.browser
def test_a_pdf(run: Run, sample_report: Path, tmp_path: Path) -> None:
    pypdf = pytest.importorskip("pypdf")
    if pdf.find_browser() is None:
        pytest.skip("no Chromium")
    words = ("-q", "-o", tmp_path / "out", "--pdf", tmp_path / "it", "--paper", "letter")
    assert run("build", REPOSITORY / "images", *words).code == 0
    printed = tmp_path / "it.pdf"
    assert printed.stat().st_size <= 150_000 * 5
    with printed.open("rb") as file:
        pages = pypdf.PdfReader(file).pages
        assert [round(float(side)) for side in pages[0].mediabox[2:]] == [612, 792]
        text = normalize("NFKC", "\n".join(page.extract_text() for page in pages))  # ligatures
    assert "cat_and_coffee.jpg" in text
    assert str(tmp_path) not in text
    assert sample_report.exists()


def test_the_author_and_the_notes_are_on_the_page(run: Run, pictures: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.md"
    notes.write_text("The lab.\n\n# a.png\n\nLooks at the *corner*.\n", encoding="utf-8")
    words = ("--author", "Anna <Lee>", "--meta", "course=CV 101", "--meta", "number=7")
    ran = run("build", pictures, *PLUMBING, *words, "--notes", notes, "-o", tmp_path / "out")
    assert ran.code == 0
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "Anna &lt;Lee&gt;" in page
    assert "<em>corner</em>" in page
    found = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert (found["author"], found["meta"]) == ("Anna <Lee>", {"course": "CV 101", "number": "7"})
    assert found["notes"].strip() == "The lab."
    by_name = {image["name"]: image["note"].strip() for image in found["images"]}
    assert by_name == {"a.jpg": "", "a.png": "Looks at the *corner*.", "sub/a.jpg": ""}


def test_in_chinese(run: Run, pictures: Path, tmp_path: Path) -> None:
    for language, word in (("zh", "预测"), ("en", "Predictions")):
        out = tmp_path / language
        assert run("build", pictures, *PLUMBING, "--lang", language, "-o", out).code == 0
        page = (out / "index.html").read_text(encoding="utf-8")
        assert f'<html lang="{language}' in page
        assert word in page


def test_figures(run: Run, pictures: Path, tmp_path: Path) -> None:
    words = ("--export", "figures", "--layers", "last:1", "-o", tmp_path / "out")
    assert run("build", pictures, *PLUMBING, *words).code == 0
    made = files_of(tmp_path / "out" / "figures")
    assert "captions.txt" in made
    pictures_made = [name for name in made if name.endswith(".png")]
    assert len(pictures_made) >= 3
    assert {name.replace(".png", ".svg") for name in pictures_made} < made.keys()
    for name in pictures_made:
        with Image.open(io.BytesIO(made[name])) as image:
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.5)


def test_where_a_photo_was_taken_is_not_handed_in(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x010F] = "Canon of Alice"
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0)}
    pixels = np.random.default_rng(1).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "a.jpg", exif=exif)
    words = ("-o", tmp_path / "out", "--zip", tmp_path / "it", "--export", "figures")
    assert run("build", folder, *PLUMBING, *words).code == 0
    with zipfile.ZipFile(tmp_path / "it.zip") as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    contents |= files_of(tmp_path / "out")
    assert b"Canon" in (folder / "a.jpg").read_bytes()
    for name, data in contents.items():
        assert b"Canon" not in data, name
        assert b"GPSLat" not in data, name


def test_no_name_in_an_archive_leads_out_of_it(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", (60, 60), "teal").save(folder / "x\\..\\..\\a.png")
    words = ("-o", tmp_path / "out", "--zip", tmp_path / "it.zip")
    assert run("build", folder, *PLUMBING, *words).code == 0
    with zipfile.ZipFile(tmp_path / "it.zip") as archive:
        names = archive.namelist()
    assert "pictures/x%5C..%5C..%5Ca.png" in names
    assert [name for name in names if "\\" in name or ".." in name.split("/")] == []


def test_comparing_two_runs(run: Run, pictures: Path, tmp_path: Path) -> None:
    runs = [tmp_path / "one", tmp_path / "two"]
    for seed, path in enumerate(runs):
        assert run("build", pictures, *PLUMBING, "--seed", seed, "-o", path).code == 0
    ran = run("compare", *runs, "-o", tmp_path / "both")
    assert ran.code == 0
    assert ran.out.rstrip().splitlines()[-1] == (tmp_path / "both" / "index.html").as_uri()
    found = json.loads((tmp_path / "both" / "comparison.json").read_text(encoding="utf-8"))
    assert len(found["images"]) == 3
    ran = run("compare", runs[0], tmp_path / "none", "-o", tmp_path / "both")
    assert ran.code == 2
    assert "none" in ran.err
