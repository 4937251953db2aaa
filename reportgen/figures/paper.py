"""Draw sheets with Matplotlib, as PNG and as SVG whose text stays text.

Matplotlib takes its settings from one place for the whole process; here they are the defaults
whatever the user's own are, and back to those afterwards. Sheets are drawn by one thread at a time.
"""

from __future__ import annotations

import io
import warnings
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import BboxImage
from matplotlib.patches import Rectangle
from matplotlib.transforms import Bbox, TransformedBbox

from reportgen.figures.pixels import scaled
from reportgen.figures.sheet import DPI, HEADING, TEXT, WIDTH, Frame, Pixels, Sheet, Words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.text import Text

LATIN = "DejaVu Sans"
"""Comes with Matplotlib, so that figures look alike everywhere."""
FALLBACKS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Microsoft YaHei",
    "SimHei",
    "PingFang SC",
    "PingFang HK",
    "Hiragino Sans GB",
    "Heiti SC",
    "STHeiti",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Arial Unicode MS",
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "Yu Gothic",
    "Hiragino Sans",
    "Noto Sans CJK KR",
    "Noto Sans KR",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "Noto Sans",
    "Segoe UI",
)
"""Families tried, in this order, for signs that `LATIN` lacks."""
LAST = "Last Resort High-Efficiency"
"""Comes with Matplotlib from 3.11 on; has a frame for every sign, with the name of its script."""

_INK = "#000000"
_QUIET = "#4a5058"
_EDGE = "#8b929a"
_SMALLEST = 5.0
"""Points below which text is cut rather than made smaller."""
_COMPRESSION = 4
"""Of the PNG, 0 to 9: half of the time that the usual 6 takes, and hardly larger."""
_BASELINE = 29
"""Pixels from the upper edge of a line to its baseline."""


@contextmanager
def settings() -> Iterator[None]:
    """Let Matplotlib draw with its defaults, and the user's own afterwards."""
    with mpl.rc_context(), warnings.catch_warnings():
        # Where `LAST` is not there, a sign that no font has is an empty frame, and that is all.
        warnings.filterwarnings("ignore", r"Glyph \d+", UserWarning)
        mpl.rcdefaults()
        mpl.rcParams.update(
            {
                "font.sans-serif": [LATIN],
                "svg.fonttype": "none",
                "svg.hashsalt": "reportgen",
                "svg.image_inline": True,
            }
        )
        yield


@cache
def families() -> tuple[str, ...]:
    """Return the font families to write with, of those that are installed."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    found = [name for name in FALLBACKS if name in installed]
    last = [LAST] if LAST in installed else []
    # The generic name is for whoever opens an SVG on a machine with none of them.
    return (LATIN, *found, *last, "sans-serif")


def draw(sheet: Sheet, title: str) -> tuple[bytes, bytes]:
    """Return a sheet as PNG and as SVG; the same sheet gives the same bytes.

    Parameters
    ----------
    sheet
        Drawn within `settings`.
    title
        Of the SVG, for readers that cannot see it.
    """
    figure = Figure(figsize=(WIDTH / DPI, sheet.height / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)  # is then the figure's own: text is measured with it
    pictures = []
    for element in sheet.elements:
        if isinstance(element, Pixels):
            pictures.append((_picture(figure, sheet, element), element))
        elif isinstance(element, Frame):
            _frame(figure, sheet, element)
        else:
            _words(figure, sheet, element)
    png, svg = io.BytesIO(), io.BytesIO()
    for image, item in pictures:
        image.set_data(scaled(item.pixels, item.size, cells=item.cells))
    figure.savefig(
        png,
        format="png",
        dpi=DPI,
        metadata={"Software": None},
        pil_kwargs={"compress_level": _COMPRESSION},
    )
    for image, item in pictures:
        # A reader enlarges it as the PNG is, but would not keep the edges of cells.
        if not item.cells and item.size[0] > item.pixels.shape[1]:
            image.set_data(item.pixels)
    figure.savefig(
        svg, format="svg", dpi=DPI, metadata={"Date": None, "Creator": None, "Title": title}
    )
    return png.getvalue(), svg.getvalue()


def _box(sheet: Sheet, left: int, top: int, width: int, height: int) -> Bbox:
    """Return a rectangle in fractions of the figure, from its lower left corner."""
    bottom = sheet.height - top - height
    return Bbox.from_bounds(
        left / WIDTH, bottom / sheet.height, width / WIDTH, height / sheet.height
    )


def _picture(figure: Figure, sheet: Sheet, item: Pixels) -> BboxImage:
    box = _box(sheet, item.left, item.top, *item.size)
    image = BboxImage(
        TransformedBbox(box, figure.transFigure), interpolation="none", origin="upper"
    )
    figure.add_artist(image)
    return image


def _frame(figure: Figure, sheet: Sheet, item: Frame) -> None:
    # The line, four pixels wide, lies within the frame.
    box = _box(sheet, item.left + 2, item.top + 2, item.width - 4, item.height - 4)
    patch = Rectangle(
        (box.x0, box.y0), box.width, box.height, fill=False, edgecolor=_EDGE, linewidth=0.96
    )
    figure.add_artist(patch)


def _words(figure: Figure, sheet: Sheet, item: Words) -> None:
    size = HEADING if item.strong else TEXT
    text = figure.text(
        item.left / WIDTH,
        1 - (item.top + _BASELINE) / sheet.height,
        item.text,
        fontsize=size,
        family=list(families()),
        color=_QUIET if item.quiet else _INK,
        horizontalalignment=item.align,
        verticalalignment="baseline",
        # A dollar sign in a name is no formula.
        parse_math=False,
    )
    _narrow(text, size, item.width)


def _narrow(text: Text, size: float, room: int) -> None:
    """Make text smaller, and cut its middle, until it is no wider than ``room`` pixels."""
    wide = text.get_window_extent().width
    if wide <= room:
        return
    text.set_fontsize(max(_SMALLEST, size * room / wide * 0.96))
    whole = text.get_text()
    kept = len(whole)
    while (wide := text.get_window_extent().width) > room and kept > 1:
        kept = min(kept - 1, int(kept * room / wide))
        # The end is what tells one layer, or one file, from the next.
        head, tail = kept // 3, max(0, kept - kept // 3 - 1)
        text.set_text(f"{whole[:head]}…{whole[len(whole) - tail :]}")
