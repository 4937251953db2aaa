"""The registry of CAM methods. To add one: a function of its own file and one line in METHODS."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from reportgen.errors import OptionError, did_you_mean
from reportgen.methods.grad_cam import grad_cam
from reportgen.methods.layer_cam import layer_cam

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor


class Scope(Enum):
    """Which layers a method is computed at unless the user says otherwise."""

    LAST = "last"
    """The output of the last convolutional block."""
    STAGES = "stages"
    """One layer per resolution, shallow to deep."""


@dataclass(frozen=True, slots=True)
class Method:
    """One CAM method."""

    name: str
    """What ``--methods`` takes."""
    title: str
    compute: Callable[[Tensor, Tensor], Tensor]
    """(activation, gradient), both ``(N, C, H, W)`` → raw map ``(N, H, W)``."""
    scope: Scope
    formula: str
    citation: str


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            name="grad-cam",
            title="Grad-CAM",
            compute=grad_cam,
            scope=Scope.LAST,
            formula="ReLU(Σₖ wₖ·Aₖ), wₖ = mean over space of ∂yᶜ/∂Aₖ",
            citation="Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via "
            "Gradient-based Localization, ICCV 2017, eq. 1–2",
        ),
        Method(
            name="layer-cam",
            title="Layer-CAM",
            compute=layer_cam,
            scope=Scope.STAGES,
            formula="ReLU(Σₖ ReLU(∂yᶜ/∂Aₖ)·Aₖ), place by place",
            citation="Jiang et al., LayerCAM: Exploring Hierarchical Class Activation Maps for "
            "Localization, IEEE Transactions on Image Processing 30, 2021, eq. 6–8",
        ),
    )
}
"""Name → method, in the order in which a report shows them."""


def choose_methods(names: Iterable[str]) -> tuple[Method, ...]:
    """Return the named methods without repeats, in registry order.

    Raises
    ------
    OptionError
        If a name is unknown, or there is none.
    """
    wanted = {name.strip().casefold() for name in names if name.strip()}
    for name in sorted(wanted - METHODS.keys()):
        raise OptionError(
            f"--methods: there is no method '{name}'.{did_you_mean(name, METHODS)} "
            f"Known: {', '.join(METHODS)}.",
        )
    if not wanted:
        raise OptionError(f"--methods: name at least one of {', '.join(METHODS)}.")
    return tuple(method for method in METHODS.values() if method.name in wanted)
