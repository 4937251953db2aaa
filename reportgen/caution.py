"""Warnings beside a map: what was measured of it that speaks against reading much into it.

Each is a sentence that says what was found and what it means. None of them says that a map is
wrong; a map without any of them may still be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from reportgen.language import _
from reportgen.normalise import map_state, normalise
from reportgen.values import Caution, MapState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from reportgen.values import Agreement, ClassMap, Float32Array, Target, ViewGeometry

FLAT_RANGE = 0.05
"""Range, as a share of the peak, below which a map is flat."""

FLAT_AREA = 0.9
"""Share of cells at half of the peak or more above which a map is flat."""

PLATEAU_LEVEL = 0.999
"""Share of the peak that a cell reaches to be as high as the peak."""

PLATEAU_AREA = 0.1
"""Share of cells as high as the peak above which a map is saturated."""

PLATEAU_CELLS = 49
"""Fewest cells of which a share means anything: a peak between four cells is not a plateau."""

FAINT_PEAK = 1e-6
"""Peak, as a share of the logit (of 1 for smaller ones), below which rounding may have made it."""

SURE = 0.9999
"""Probability above which a network is called certain."""

BORDER = 0.05
"""Width of the border on each side, as a share of the map; one cell at least."""

BORDER_RATIO = 4.0
"""How many times hotter than the inside the border is, on average, to be warned of."""

BORDER_CELLS = 5
"""Fewest cells along each side for a map to have an inside."""

PADDING_SHARE = 0.1
"""Share of the heat on padding above which it is warned of."""

IMPROBABLE = 0.01
"""Probability of the target below which its map explains what the network does not claim."""

ALIKE = 0.98
"""Correlation above which maps of two targets are the same for all practical purposes."""

CHECKERBOARD_SHARE = 0.15
"""Share of a map's variance between the phases of a grid above which it is a checkerboard. Smooth
maps and single spots are below 0.05; a hill that is zero in every second cell is above 0.2."""

CHECKERBOARD_REPEATS = 4
"""Fewest periods along each side for the phases to be told apart."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of a map besides its values."""

    geometry: ViewGeometry
    norm_follows: bool = False
    """Whether a BatchNorm takes the layer's output directly."""
    stride: int = 1
    """Stride of the layer that takes this one's output, where it is larger than its kernel needs;
    1 where no checkerboard is to be looked for."""


def cautions_of_map(
    source: ClassMap, target: Target, circumstances: Circumstances
) -> tuple[Caution, ...]:
    """Return the warnings that apply to one map alone.

    Parameters
    ----------
    source
        The raw map.
    target
        What it explains.
    circumstances
        The view, the network and the layer.

    Returns
    -------
    What concerns the layer first, then the map. Of a map with nothing to show, nothing else about
    its values is said.
    """
    found = [*_of_layer(circumstances)]
    state = map_state(source.values)
    if state is MapState.NOT_FINITE:
        found.append(
            Caution(
                "not-finite",
                _("The map holds values that are not finite, so nothing can be drawn or measured."),
            )
        )
    elif state is MapState.NO_EVIDENCE:
        found.append(
            Caution(
                "no-evidence",
                _(
                    "The map has no positive value: by this method nothing at this layer speaks "
                    "for {name}."
                ).format(name=target.name),
            )
        )
    else:
        found.extend(_of_values(source, target, circumstances))
    return tuple(found)


def cautions_of_target(target: Target, *, trained: bool) -> tuple[Caution, ...]:
    """Return the warnings that apply to every map of a target.

    Parameters
    ----------
    target
        A class or a group.
    trained
        Whether the network has trained weights.
    """
    found = []
    if not trained:
        found.append(
            Caution(
                "untrained",
                _(
                    "The network's weights are random, so the map shows its architecture, not "
                    "anything that it has learned."
                ),
            )
        )
    if target.probability < IMPROBABLE:
        found.append(
            Caution(
                "improbable",
                _(
                    "The network gives {name} {share}, so the map shows what would speak for it, "
                    "not why it was chosen."
                ).format(name=target.name, share=_percent(target.probability)),
            )
        )
    return tuple(found)


def _of_layer(circumstances: Circumstances) -> Iterator[Caution]:
    if circumstances.norm_follows:
        yield Caution(
            "norm-follows",
            _(
                "A BatchNorm takes this layer's output directly and shifts and scales every "
                "channel, so the sign and size of these activations say little about what the "
                "network uses."
            ),
        )


def _of_values(source: ClassMap, target: Target, circumstances: Circumstances) -> Iterator[Caution]:
    values = normalise(source.values)
    faint = _faint(source.peak, target)
    if faint:
        yield faint
    flat = _flat(values)
    if flat:
        # Where nothing stands out, there is no peak to be saturated and no place to be hot.
        yield flat
    else:
        yield from _where(values, circumstances)
    share = checkerboard_share(values, circumstances.stride)
    if share > CHECKERBOARD_SHARE:
        yield Caution(
            "checkerboard",
            _(
                "{share} of the map's variance follows a grid of {stride}: the layer after it "
                "reads these places unequally, and the pattern is its stride, not the picture."
            ).format(share=_percent(share), stride=circumstances.stride),
        )


def _faint(peak: float, target: Target) -> Caution | None:
    if peak >= FAINT_PEAK * max(1.0, abs(target.logit)):
        return None
    said = _(
        "The map's peak is {peak:.1e} against a logit of {logit:.3g}: so little may be rounding, "
        "and drawing it at full heat overstates it."
    ).format(peak=peak, logit=target.logit)
    if target.probability > SURE:
        certain = _("The network is all but certain of {name}, and its gradients have vanished.")
        said = f"{said} {certain.format(name=target.name)}"
    return Caution("faint", said)


def _flat(values: Float32Array) -> Caution | None:
    """Warn of a map, its maximum 1, in which nothing stands out."""
    spread = float(np.ptp(values))
    if spread < FLAT_RANGE:
        return Caution(
            "flat",
            _(
                "The map's values differ by {share} of its peak only, so what looks cooler in it "
                "is hardly less."
            ).format(share=_percent(spread)),
        )
    area = float((values >= 0.5).mean())  # noqa: PLR2004 - half
    if area > FLAT_AREA:
        return Caution(
            "flat",
            _(
                "{share} of the map reaches half of its peak, so it points at hardly any place "
                "more than at others."
            ).format(share=_percent(area)),
        )
    return None


def _where(values: Float32Array, circumstances: Circumstances) -> Iterator[Caution]:
    """Warn of a plateau, and of heat where no object can be expected."""
    plateau = float((values >= PLATEAU_LEVEL).mean())
    if values.size >= PLATEAU_CELLS and plateau > PLATEAU_AREA:
        yield Caution(
            "saturated",
            _(
                "{share} of the map is as high as its peak, so an activation is at its limit there "
                "and the order within is lost."
            ).format(share=_percent(plateau)),
        )
    ratio = border_ratio(values)
    if ratio > BORDER_RATIO:
        times = (
            _("only the border is hot")
            if math.isinf(ratio)
            else _("{ratio:.1f} times as hot").format(ratio=ratio)
        )
        yield Caution(
            "border",
            _(
                "The border of the map is hotter than its inside ({times}), which padding inside "
                "the network causes too; or the object is cut off."
            ).format(times=times),
        )
    share = padding_share(values, circumstances.geometry)
    if share > PADDING_SHARE:
        yield Caution(
            "padding",
            _(
                "{share} of the heat lies on padding around the picture, where there is nothing "
                "to see."
            ).format(share=_percent(share)),
        )


# -- measures --------------------------------------------------------------------------------


def border_ratio(values: Float32Array) -> float:
    """Return the mean heat of the border over the mean heat inside.

    The border is ``max(1, round(0.05 · side))`` cells wide on each side. 1 for an even map,
    infinity where the inside has none, 0 for a map too small to have an inside.

    Parameters
    ----------
    values
        ``(height, width)`` float32; what is below zero counts as none.
    """
    height, width = values.shape
    if min(height, width) < BORDER_CELLS:
        return 0.0
    heat = np.maximum(values, 0).astype(np.float64)
    rows, columns = max(1, round(BORDER * height)), max(1, round(BORDER * width))
    inside = heat[rows : height - rows, columns : width - columns]
    outside = heat.sum() - inside.sum()
    cells = heat.size - inside.size
    # The difference of two sums may leave 1e-16 where there is nothing.
    if inside.sum() <= np.finfo(np.float32).eps * heat.sum():
        return math.inf
    return float(outside / cells / inside.mean())


def padding_share(values: Float32Array, geometry: ViewGeometry) -> float:
    """Return the share (0…1) of the heat, as drawn, on padding; 0 where there is none.

    Parameters
    ----------
    values
        ``(height, width)`` float32, normalised.
    geometry
        Where the picture lies in the view; offsets below zero are padding.
    """
    if geometry.crop_left >= 0 and geometry.crop_top >= 0:
        return 0.0
    drawn: NDArray[np.float32] = np.maximum(
        cv2.resize(values, geometry.view, interpolation=cv2.INTER_LINEAR), 0
    )
    total = float(drawn.sum(dtype=np.float64))
    left, top = -geometry.crop_left, -geometry.crop_top
    shown = drawn[
        max(0, top) : top + geometry.resized[1],
        max(0, left) : left + geometry.resized[0],
    ]
    return 1 - float(shown.sum(dtype=np.float64)) / total if total > 0 else 0.0


def checkerboard_share(values: Float32Array, stride: int) -> float:
    """Return how much of a map's variance follows a grid of ``stride`` cells, 0…1.

    ``Σ_p n_p (mean_p - mean)² / Σ (x - mean)²`` over the ``stride²`` phases ``p`` of the grid: the
    share of the variance between them. 0 for a stride of 1, for a constant map, and for one that
    has fewer than four periods along a side.

    Parameters
    ----------
    values
        ``(height, width)`` float32.
    stride
        Period of the grid in cells.
    """
    if stride < 2 or min(values.shape) < CHECKERBOARD_REPEATS * stride:  # noqa: PLR2004 - no grid
        return 0.0
    centred = values.astype(np.float64) - values.mean(dtype=np.float64)
    total = float(np.vdot(centred, centred))
    if total <= 0:
        return 0.0
    phases = [
        centred[row::stride, column::stride] for row in range(stride) for column in range(stride)
    ]
    return math.fsum(phase.size * float(phase.mean()) ** 2 for phase in phases) / total


def alike(agreements: Iterable[Agreement]) -> tuple[Caution, ...]:
    """Return a warning for every two targets whose maps are all but identical.

    Parameters
    ----------
    agreements
        Targets compared by one method at one layer each, as `compare_targets` does.
    """
    return tuple(
        Caution(
            "alike",
            _(
                "The maps of {first} and {second} by {method} at {layer} are all but identical "
                "(r = {r:.3f}), so they do not show what tells the two apart."
            ).format(
                first=item.first,
                second=item.second,
                method=item.method,
                layer=item.layer,
                r=item.correlation,
            ),
        )
        for item in agreements
        if item.correlation > ALIKE
    )


def _percent(share: float) -> str:
    """Return a share as per cent, with as many digits as it takes to not be 0 or 100."""
    percent = 100 * share
    if 0 < percent < 1:
        return f"{percent:.1g} %" if percent >= 0.001 else _("less than 0.001 %")  # noqa: PLR2004
    return f"{percent:.0f} %"
