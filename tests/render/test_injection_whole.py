"""No text runs that comes in from outside: whole runs of the command over hostile files, in
Chromium, with every attack at once in every place.
"""

from __future__ import annotations

import csv
import json
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image
from test_injection import CORPUS
from torchvision.models import squeezenet1_1

from reportgen import cli

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

LINES = [text for text in CORPUS if text.isprintable()]
"""What the command takes as a title or an author."""


def as_name(text: str) -> str:
    """Return what a file or folder may be named: all attacks but for the signs that no name has."""
    return text.replace("/", "\u2215").replace("\0", "")[:60]


def command(*words: object) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["reportgen", *(str(word) for word in words)])
        assert cli.run(cli.app) in {0, 1}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the report in both forms, one with other maps, and a comparison of two of them."""
    root = tmp_path_factory.mktemp("whole")
    names = [f"{number} {text}" for number, text in enumerate(CORPUS)]
    network = squeezenet1_1(num_classes=len(names))
    state = {"arch": "squeezenet1_1", "state_dict": network.state_dict(), "classes": names}
    torch.save(state, root / "weights.pth")
    labels = []
    for number, text in enumerate(CORPUS):
        folder = root / "in" / as_name(text).lstrip(".")
        folder.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        for tag in (0x010E, 0x010F, 0x0110, 0x0131, 0x013B, 0x8298):
            exif[tag] = text.encode("ascii", "replace").replace(b"\0", b"").decode()
        pixels = np.random.default_rng(number).integers(0, 256, (40, 50, 3), dtype=np.uint8)
        file = folder / f"{number} {as_name(text)}.jpg"
        Image.fromarray(pixels).save(file, exif=exif, comment=text.encode())
        labels.append([file.relative_to(root / "in").as_posix(), names[number]])
    (root / "in" / f"{as_name(CORPUS[0])}.png").write_text(CORPUS[0])
    with (root / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["file", "label"], *labels])
    notes = "\n\n".join(text.replace("\0", "").replace("\x01", "") for text in CORPUS)
    (root / "notes.md").write_text(
        f"{notes}\n\n# {labels[1][0]}\n\n{notes}\n", encoding="utf-8", newline="\n"
    )
    title, meta = " ".join(LINES), [f"{text.replace('=', ' ')}={text}" for text in LINES[:5]]
    config = {"title": title, "author": title, "meta": meta, "labels": "labels.csv"}
    config |= {"notes": "notes.md", "checkpoint": "weights.pth", "preprocess": "auto"}
    text = "\n".join(f"{key} = {json.dumps(value)}" for key, value in config.items())
    (root / "reportgen.toml").write_text(text, encoding="utf-8")
    words = ["build", root / "in", "--config", root / "reportgen.toml", "-q"]
    command(*words, "-o", root / "single", "--single-file")
    command(*words, "-o", root / "folder", "--folder", "--page-size", 10)
    command(*words, "-o", root / "other", "--seed", 3, "--alpha", 0.3)
    command("compare", root / "single", root / "other", "-o", root / "compared", "--title", title)
    return root


@pytest.mark.browser
@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("single/index.html", False),
        *(
            pytest.param(*item, marks=pytest.mark.slow)
            for item in (
                ("folder/index.html", True),
                ("folder/page-1.html", True),
                ("folder/page-2.html", True),
                ("compared/index.html", False),
            )
        ),
    ],
)
def test_nothing_runs(name: str, *, beside: bool, runs: Path, visit: Callable[..., Page]) -> None:
    page = visit(runs / name, beside=beside)
    page.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
    page.evaluate(
        """() => document.querySelectorAll("[onerror], [onload], [onfocus], [onmouseover]")
            .forEach((e) => { window.hacked = e.outerHTML; })"""
    )
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("Object.keys(Object.prototype)") == []
    assert "window.hacked=1" in (page.text_content("body") or ""), "the attacks are there, as text"
