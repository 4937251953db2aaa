"""``--engine ray`` on a cluster of two nodes: the same report as the local engine's."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from clusters.conftest import REPOSITORY, content, draw
from reportgen.store import read_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from clusters.conftest import S3, Cluster, Ran

    Run = Callable[..., Ran]

pytestmark = [pytest.mark.ray, pytest.mark.slow]

SMALL = ("--model", "small_net:small", "--preprocess", "unit", "--input-size", "32", "--no-cache")


def both(run: Run, cluster: Cluster, folder: object, tmp_path: Path, *words: object) -> Ran:
    """Run both engines, hold their reports against each other, and return the cluster's run."""
    local = run("build", folder, *words, "-o", tmp_path / "local" / "report")
    ray = run(
        *("build", folder, *words, "-o", tmp_path / "ray" / "report"),
        *("--engine", "ray", "--address", cluster.address, "--workers", "2"),
    )
    assert ray.code == local.code, ray.err
    assert content(tmp_path / "ray") == content(tmp_path / "local")
    return ray


def test_report_of_the_sample_photos_is_the_local_one(
    run: Run, cluster: Cluster, tmp_path: Path
) -> None:
    # Two batches, and so two workers.
    done = both(
        *(run, cluster, REPOSITORY / "images", tmp_path),
        *("--no-cache", "--batch-size", "4", "--save-overlays", "--save-maps"),
    )
    assert done.code == 0
    assert len(read_run(tmp_path / "ray" / "report").images) == 5
    assert "2 workers" in done.err
    assert "images/s" in done.err
    assert not any(word in done.err for word in ("WARNING", "INFO", "core_worker", "Traceback"))


def test_two_thousand_pictures_come_each_once_and_in_order(
    run: Run, cluster: Cluster, tmp_path: Path
) -> None:
    folder = draw(tmp_path / "photos", 2000)
    both(run, cluster, folder, tmp_path, *SMALL, "--methods", "grad-cam", "--compact")
    names = [image.name for image in read_run(tmp_path / "ray" / "report").images]
    assert names == [f"{number:05}.png" for number in range(2000)]


def test_bad_pictures_are_failures_and_no_crash(run: Run, cluster: Cluster, tmp_path: Path) -> None:
    folder = draw(tmp_path / "photos", 40)
    (folder / "00003.png").write_bytes(b"no picture")
    (folder / "00020.png").write_bytes((folder / "00021.png").read_bytes()[:100])
    (folder / "00030.png").write_bytes(b"")
    done = both(run, cluster, folder, tmp_path, *SMALL, "--lang", "zh")
    assert done.code == 1
    report = read_run(tmp_path / "ray" / "report")
    assert [item.name for item in report.failures] == ["00003.png", "00020.png", "00030.png"]
    assert len(report.images) == 37


def test_killed_worker_loses_and_doubles_nothing(
    run: Run, cluster: Cluster, tmp_path: Path
) -> None:
    folder = draw(tmp_path / "photos", 200)
    Image.new("RGB", (48, 48), (90, 90, 90)).save(folder / "00090.png")
    local = run("build", folder, *SMALL, "-o", tmp_path / "local" / "report")
    cluster.kill.touch()
    done = run(
        *("build", folder, *SMALL, "-o", tmp_path / "ray" / "report"),
        *("--engine", "ray", "--address", cluster.address),
    )
    assert not cluster.kill.exists(), "no worker was killed"
    assert (local.code, done.code) == (0, 0), done.err
    assert "A worker ended and was started again" in done.err
    assert content(tmp_path / "ray") == content(tmp_path / "local")


def test_pictures_of_a_bucket_give_the_report_of_a_folder(
    run: Run, cluster: Cluster, s3: S3, tmp_path: Path
) -> None:
    folder = draw(tmp_path / "photos", 40)
    (folder / "sub").mkdir()
    (folder / ".hidden").mkdir()
    shutil.copy(folder / "00001.png", folder / "sub" / "é #1%20?.PNG")
    shutil.copy(folder / "00001.png", folder / ".hidden" / "x.png")
    (folder / "notes.txt").write_text("no picture")
    (folder / "00004.png").write_bytes(b"")
    s3.put("a-bucket", folder.parent)
    local = run("build", folder, *SMALL, "-o", tmp_path / "local" / "report")
    url = "s3://a-bucket/photos"
    for name, words in {
        "ray": ("--engine", "ray", "--address", cluster.address),
        "here": (),
    }.items():
        out = tmp_path / name / "report"
        done = run("build", url, *SMALL, "-o", out, *words, **s3.environment)
        assert done.code == local.code == 1, done.err
        made, expected = content(out.parent), content(tmp_path / "local")
        for found in (made, expected):  # where the pictures are
            run_file = found.pop("report/run.toml")
            found.pop("report/manifest.json")
            assert (url.encode() in run_file) == (found is made)  # type: ignore[operator]
        assert made == expected
    again = run(
        *("build", "--config", tmp_path / "here/report/run.toml", "-o", tmp_path / "again"),
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
    )
    assert again.code == 2
    assert "s3://a-bucket/photos' cannot be listed" in again.err


def test_file_address_is_a_folder(run: Run, cluster: Cluster, tmp_path: Path) -> None:
    folder = draw(tmp_path / "my photos", 20)
    both(run, cluster, folder.as_uri(), tmp_path, *SMALL)
    done = run("build", folder, *SMALL, "-o", tmp_path / "path" / "report")
    assert done.code == 0
    assert content(tmp_path / "path") == content(tmp_path / "ray")


def test_what_one_engine_computed_the_other_takes_over(
    run: Run, cluster: Cluster, tmp_path: Path
) -> None:
    folder = draw(tmp_path / "photos", 64)
    network = ("--model", "squeezenet1_1", "--weights", "none", "--input-size", "32")
    words = ("build", folder, *network, "-o", tmp_path / "out")
    on_ray = ("--engine", "ray", "--address", cluster.address)
    later = [folder / f"{number:05}.png" for number in range(32, 64)]
    for path in later:
        path.rename(path.with_suffix(".later"))
    assert run(*words, *on_ray).code == 0
    for path in later:
        path.with_suffix(".later").rename(path)
    done = run(*words)
    assert done.code == 0
    assert "32 of 64; the rest was known" in done.out
    again = run(*words, *on_ray)
    assert "0 of 64; the rest was known" in again.out
    assert "Joining" not in again.err


def test_an_error_of_the_network_is_the_one_that_the_local_engine_has(
    run: Run, cluster: Cluster, tmp_path: Path
) -> None:
    folder = draw(tmp_path / "photos", 20)
    words = ("build", folder, *SMALL, "--model", "small_net:failing", "-o", tmp_path / "out")
    local = run(*words)
    done = run(*words, "--engine", "ray", "--address", cluster.address)
    assert done.code == local.code == 2
    assert "the network's own fault" in local.err
    assert "the network's own fault" in done.err
    assert not (tmp_path / "out").exists()


def test_more_workers_than_cores_are_refused(run: Run, cluster: Cluster, tmp_path: Path) -> None:
    folder = draw(tmp_path / "photos", 80)
    words = ("build", folder, *SMALL, "-o", tmp_path / "out", "--engine", "ray")
    done = run(*words, "--address", cluster.address, "--workers", "3")
    assert done.code == 2
    assert "3 workers" in done.err
    assert "room for 2 (2 nodes)" in done.err
    assert not (tmp_path / "out").exists()


def test_ray_is_started_here_without_an_address(run: Run, tmp_path: Path) -> None:
    folder = draw(tmp_path / "photos", 20)
    home = tmp_path / "home"
    home.mkdir()
    local = run("build", folder, *SMALL, "-o", tmp_path / "local" / "report")
    done = run(
        *("build", folder, *SMALL, "-o", tmp_path / "ray" / "report"),
        *("--engine", "ray", "--workers", "1"),
        # As a user has it: nothing is set, and a token is none of anybody's business.
        HOME=str(home),
        RAY_AUTH_MODE="",
        RAY_AUTH_TOKEN="",
        RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="",
    )
    assert (local.code, done.code) == (0, 0), done.err
    assert "1 worker," in done.err
    assert content(tmp_path / "ray") == content(tmp_path / "local")
    assert not (home / ".ray").exists()
    assert not any(word in done.err for word in ("WARNING", "INFO", ".cc:", "Traceback"))
