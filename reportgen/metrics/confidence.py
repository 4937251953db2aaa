"""Average drop and increase in confidence: what is left when only the heat can be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.metrics.common import scored

if TYPE_CHECKING:
    from torch import Tensor

    from reportgen.metrics.common import Scorer


@dataclass(frozen=True, slots=True)
class Confidence:
    """The target's probability for a picture, and for the picture seen through one map."""

    original: float
    """Y, the probability for the whole picture, 0…1."""
    masked: float
    """O, the probability for the picture multiplied with the map, 0…1."""

    @property
    def drop(self) -> float:
        """``max(0, Y - O) / Y``, 0…1; 0 where Y is 0. Lower is better."""
        return max(0.0, self.original - self.masked) / self.original if self.original > 0 else 0.0

    @property
    def increased(self) -> bool:
        """Whether ``Y < O``; the share of pictures where it is so is the increase in confidence."""
        return self.original < self.masked


def confidences(
    score: Scorer,
    picture: Tensor,
    masks: Tensor,
    *,
    original: float,
    batch: int = 32,
) -> tuple[Confidence, ...]:
    """Score a picture through each of its maps.

    The explanation map is ``E = mask ∘ picture``, multiplied pixel by pixel on the normalised
    input. After [1]_: ``Average Drop % = Σ max(0, Y - O) / Y / N · 100`` and
    ``% Increase in Confidence = Σ 1[Y < O] / N · 100`` over N pictures, Y the probability for the
    picture and O for E.

    ``torchcam.metrics.ClassificationMetric`` has the same definition, with ``Y + 1e-7`` below the
    line, maps scaled from minimum to maximum, and maps of the probability where that is what it is
    given, while maps here are of the logit. grad-cam's ``DropInConfidence`` leaves out the
    division by Y: it is this drop times Y. Its ``IncreaseInConfidence`` is the same.

    Parameters
    ----------
    score
        The network's probability of the target.
    picture
        ``(3, H, W)``, normalised, on the network's device.
    masks
        ``(K, H, W)``, 0…1, from `masks_of`.
    original
        Y, 0…1: already known from explaining the picture.
    batch
        Inputs in one forward pass.

    Returns
    -------
    One per mask. It takes K forward passes.

    References
    ----------
    .. [1] A. Chattopadhay, A. Sarkar, P. Howlader, V. N. Balasubramanian, "Grad-CAM++: Improved
       Visual Explanations for Deep Convolutional Networks", WACV 2018.
    """
    through = masks.to(picture)

    def explanation_maps(start: int, stop: int) -> Tensor:
        return picture * through[start:stop, None]

    found = scored(score, len(through), explanation_maps, batch=batch)
    return tuple(Confidence(original, float(value)) for value in found)
