"""How many forward passes the metrics will take, known before any of them is made."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.metrics.perturbation import curve_counts


@dataclass(frozen=True, slots=True)
class Cost:
    """Inputs that the network has to see, each counted once however they are batched."""

    forward: int
    backward: int
    """Backward passes; each needs the forward pass before it, which ``forward`` includes."""

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.forward + other.forward, self.backward + other.backward)


def confidence_cost(maps: int) -> Cost:
    """Return the cost of `confidences` for ``maps`` maps of one target of one picture."""
    return Cost(maps, 0)


def perturbation_cost(maps: int, pixels: int, steps: int) -> Cost:
    """Return the most that `perturb` costs: the two ends once, the points between for each map.

    Parameters
    ----------
    maps
        Maps of one target of one picture: methods times layers.
    pixels
        Height times width of the input.
    steps
        Steps from none to all pixels.
    """
    inner = len(curve_counts(pixels, steps)) - 2
    return Cost(2 + 2 * inner * maps, 0)


def road_cost(maps: int, percentiles: int) -> Cost:
    """Return the most that `road` costs for ``maps`` maps of one target of one picture."""
    return Cost(2 * percentiles * maps, 0)


def coherency_cost(maps: int) -> Cost:
    """Return the cost of `coherencies` for ``maps`` maps."""
    return Cost(maps, maps)
