"""The ratios of `compare` as a picture: ``python benchmarks/plot.py compare.json speed.svg``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

TEXT = "#777777"
"""Readable on white (4.5 : 1) and on the near-black of dark pages (4.2 : 1), so that one file
serves both. A style sheet in it would follow the system, not the page."""
OURS, OTHERS = "#2f81c7", "#9a7d3c"
"""Marks of reportgen and of everybody else; both at least 3 : 1 on either ground."""
STYLE: dict[Any, Any] = {
    "svg.fonttype": "path",  # the same letters everywhere
    "svg.hashsalt": "reportgen",  # and the same bytes every time
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "text.color": TEXT,
    "axes.labelcolor": TEXT,
    "axes.edgecolor": TEXT,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
}
TICKS = (0.5, 1, 1.5, 2, 3, 5, 10, 20, 30, 50, 100)
SMALLEST = 0.3
"""Ratios below are drawn here; a slope over a few images may come out at anything."""
LEFT_OUT = "bare loop"
"""Labels that begin so are what the others are compared with: the line at 1."""


def draw(found: Mapping[str, Any], path: Path) -> None:
    """Draw what `compare` wrote as JSON into an SVG file, the same bytes for the same numbers."""
    ratios: dict[str, dict[str, list[float]]] = {
        name.rpartition(":")[2]: {
            label: [max(value, SMALLEST) for value in share]
            for label, share in of_model.items()
            if not label.startswith(LEFT_OUT)
        }
        for name, of_model in found["ratios"].items()
    }
    labels = list(dict.fromkeys(label for of_model in ratios.values() for label in of_model))
    labels.sort(key=lambda label: (not _is_ours(label), label.startswith("grad-cam")))
    shares = [share for of_model in ratios.values() for share in of_model.values()]
    every = [value for share in shares for value in share]
    limits = (min(0.9, *every) * 0.9, max(2, *every) * 1.6)
    with plt.rc_context(STYLE):
        height = 0.75 + len(ratios) * (0.45 + 0.21 * len(labels))
        figure, grid = plt.subplots(
            len(ratios), 1, figsize=(7.2, height), sharex=True, squeeze=False, layout="constrained"
        )
        for axes, (name, of_model) in zip(grid[:, 0], ratios.items(), strict=True):
            _panel(axes, of_model, labels, found["goal"])
            axes.set_title(name, loc="left", fontsize=10, fontweight="bold", color=TEXT)
        bottom = grid[-1, 0]
        bottom.set_xscale("log")
        bottom.set_xlim(*limits)
        bottom.xaxis.set_major_locator(FixedLocator(TICKS))
        bottom.xaxis.set_minor_locator(NullLocator())
        bottom.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
        bottom.set_xlabel(
            "time per image, as a multiple of the bare loop (logarithmic)\n"
            f"dot: median; bar: smallest to largest; dotted: goal for the whole command, "
            f"{found['goal']:g}×"
        )
        figure.savefig(path, format="svg", transparent=True, metadata={"Date": None})
        plt.close(figure)


def _panel(axes: Axes, shares: Mapping[str, list[float]], labels: list[str], goal: float) -> None:
    """Draw one network: a dot for everybody, with smallest and largest, and its number."""
    axes.axvline(1, color=TEXT, linewidth=1)
    axes.axvline(goal, color=OURS, linewidth=1, linestyle=":")
    for place, label in enumerate(labels):
        if label not in shares:
            continue
        middle, low, high = shares[label]
        colour = OURS if _is_ours(label) else OTHERS
        axes.plot([low, high], [place, place], color=colour, linewidth=2.5, alpha=0.5)
        axes.plot([middle], [place], "o", color=colour, markersize=5)
        axes.annotate(
            f"{middle:.2f}",
            (max(middle, high), place),
            xytext=(6, 0),
            textcoords="offset points",
            verticalalignment="center",
            fontsize=8,
        )
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _is_ours(label: str) -> bool:
    return label.startswith("reportgen")


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text("utf-8")), Path(sys.argv[2]))
