"""Grey maps that get their colours before they are printed."""

from __future__ import annotations

import io
import re
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from reportgen import overlay
from reportgen.baking import bake

if TYPE_CHECKING:
    from pathlib import Path

CELLS = np.array([[0, 255]], dtype=np.uint8)


def a_map(source: str, kind: str = "heat") -> str:
    return (
        f'<body class="x" data-colormap="jet"><svg><image id="m" class="{kind} c2" href="{source}" '
        'x="3" y="4" width="224" height="112" preserveAspectRatio="none"/></svg></body>'
    )


def png(levels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG")
    return buffer.getvalue()


def drawn(page: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return the pixels of the one map of a page."""
    found = re.search(r'href="data:image/jpeg;base64,([^"]+)"', page)
    assert found
    with Image.open(io.BytesIO(b64decode(found[1]))) as opened:
        return np.asarray(opened.convert("RGB"))


@pytest.mark.parametrize(("kind", "name"), [("heat", "jet"), ("differ", overlay.DIFFERENCE)])
def test_a_map_gets_the_colours_that_the_filter_would_give_it(
    tmp_path: Path, kind: str, name: str
) -> None:
    source = f"data:image/png;base64,{b64encode(png(CELLS)).decode('ascii')}"
    page = bake(a_map(source, kind), tmp_path)
    assert "class=" not in page.partition("<image")[2]
    assert 'width="224" height="112" preserveAspectRatio="none"/>' in page
    pixels = drawn(page)
    assert pixels.shape == (84, 168, 3)
    named = {palette.name: palette.colours for palette in overlay.palettes()}
    colours = np.frombuffer(named[name], np.uint8).reshape(256, 3).astype(int)
    for column, level in ((4, 0), (84, 128), (164, 255)):
        assert np.abs(pixels[42, column] - colours[level]).max() < 16


def test_a_map_in_a_file_beside_the_page_is_found(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "a b.png").write_bytes(png(np.zeros((200, 300), dtype=np.uint8)))
    pixels = drawn(bake(a_map("assets/a%20b.png"), tmp_path))
    assert max(pixels.shape) == 300, "no cell is lost"
    assert np.abs(pixels.astype(int) - overlay.palette("jet")[0]).max() < 8


def test_no_map_of_a_report_is_left_to_the_filter(full_page: Path) -> None:
    text = full_page.read_text(encoding="utf-8")
    filtered = re.compile(r'<image\b[^>]*class="(?:heat|differ)')
    assert filtered.search(text)
    assert not filtered.search(bake(text, full_page.parent))


def test_a_page_without_a_colour_map_is_left_alone(tmp_path: Path) -> None:
    for text in ("<p>x", a_map("a.png").replace("jet", "unheard-of")):
        assert bake(text, tmp_path) == text
