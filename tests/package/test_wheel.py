"""The built wheel, installed elsewhere, renders what the source tree renders."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

REPOSITORY = Path(__file__).parents[2]

pytestmark = pytest.mark.package


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run(
        [sys.executable, *command, str(REPOSITORY)], check=True, capture_output=True, text=True
    )
    return next(folder.glob("*.whl"))


def test_the_wheel_carries_what_a_report_needs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    templates = {
        f"reportgen/{path.relative_to(REPOSITORY).as_posix()}"
        for path in (REPOSITORY / "templates").rglob("*")
        if path.is_file()
    }
    assert templates
    assert templates <= names
    assert {"reportgen/py.typed", "reportgen/render/report.schema.json"} <= names


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target"]
    words = [sys.executable, *install, str(folder), str(wheel)]
    subprocess.run(words, check=True, capture_output=True)
    return folder


@pytest.mark.slow
def test_the_installed_wheel_renders_the_same(site: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Image.linear_gradient("L").save(tmp_path / "in" / "ramp.png")
    network = ("--model", "squeezenet1_1", "--weights", "none")
    reportgen(site, tmp_path, "build", "in", "-o", "installed", "-q", *network)
    reportgen(REPOSITORY, tmp_path, "render", "installed", "-o", "source", "-q")
    page, again = (tmp_path / name / "index.html" for name in ("installed", "source"))
    assert "ramp.png" in page.read_text(encoding="utf-8")
    assert again.read_bytes() == page.read_bytes()


def reportgen(source: Path, folder: Path, *words: str) -> None:
    """Run a command of the package in ``source``."""
    script = (
        "import sys, reportgen; from pathlib import Path; "
        f"assert Path(reportgen.__file__).is_relative_to({str(source)!r}), reportgen.__file__; "
        "from reportgen.cli import app, run; sys.exit(run(app))"
    )
    environment = {**os.environ, "PYTHONPATH": str(source), "SOURCE_DATE_EPOCH": "0"}
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
