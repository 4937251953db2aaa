"""A report of the sample pictures made once, and a way to run the command in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reportgen import cli

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``reportgen`` with arguments, exactly as the console script does."""

    def call(*arguments: object) -> Ran:
        words = [str(argument) for argument in arguments]
        monkeypatch.setattr(sys, "argv", ["reportgen", *words])
        capsys.readouterr()
        code = cli.run(cli.app)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return call


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Three small pictures, one of them in a sub-folder and with the name of another."""
    folder = tmp_path / "pictures"
    (folder / "sub").mkdir(parents=True)
    for seed, name in enumerate(("a.jpg", "a.png", "sub/a.jpg")):
        pixels = np.random.default_rng(seed).integers(0, 256, (60, 80, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


@pytest.fixture(scope="session")
def sample_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of ``images/`` with the embedded model and two targets."""
    output = tmp_path_factory.mktemp("sample") / "report"
    words = ["build", str(REPOSITORY / "images"), "-o", str(output), "--quiet", "--save-overlays"]
    words += ["--target", "top1", "--target", "espresso"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["reportgen", *words])
        assert cli.run(cli.app) == 0
    return output


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
