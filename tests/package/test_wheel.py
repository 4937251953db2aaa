"""The built wheel, installed elsewhere, renders what the source tree renders."""

from __future__ import annotations

import os
import re
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


def test_the_installed_wheel_renders_the_same(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site)]
    subprocess.run([sys.executable, *install, str(wheel)], check=True, capture_output=True)
    (tmp_path / "in").mkdir()
    Image.linear_gradient("L").save(tmp_path / "in" / "ramp.png")
    pages = {}
    for name, source in (("installed", site), ("source", REPOSITORY)):
        script = (
            "import sys, reportgen; from pathlib import Path; "
            f"assert Path(reportgen.__file__).is_relative_to({str(source)!r}), reportgen.__file__; "
            "from reportgen.cli import app, run; sys.argv = ['reportgen', 'build', 'in', '-o', "
            f"{name!r}, '-q', '--model', 'squeezenet1_1', '--weights', 'none']; sys.exit(run(app))"
        )
        environment = {**os.environ, "PYTHONPATH": str(source), "SOURCE_DATE_EPOCH": "0"}
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        page = (tmp_path / name / "index.html").read_text(encoding="utf-8")
        assert "ramp.png" in page
        pages[name] = re.sub(r"\d+(\.\d+)? s\b", "N s", page).replace(f"-o {name}", "-o OUT")
    assert pages["installed"] == pages["source"]
