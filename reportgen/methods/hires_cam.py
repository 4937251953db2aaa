"""HiResCAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def hires_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    r"""Return the positive part of the HiResCAM map of every picture in a batch.

    .. math::

        L^c = \mathrm{ReLU}\Bigl(\sum_k \frac{\partial y^c}{\partial A^k} \odot A^k\Bigr)

    Parameters
    ----------
    activation
        :math:`A`, ``(N, C, H, W)`` floating point, any range.
    gradient
        :math:`\partial y^c / \partial A`, of the same shape; :math:`y^c` is the target's logit.

    Returns
    -------
    ``(N, H, W)``, ≥ 0, not normalised, in units of the logit.

    Notes
    -----
    The paper's map has no ReLU and shows evidence against the class as negative values; like every
    map here this one shows the evidence for it. Its absolute value is ``gradient-x-activation``.
    Where all that follows the layer is a mean over space and a linear layer, gradients are equal
    at all places and the map is that of Grad-CAM.

    Where all that reads the layer is a normalisation over channels, as of the tokens of a vision
    transformer's last blocks, the sum is 0 by construction: scaling a token changes nothing. What
    rounding leaves of it is no evidence; take the output of the normalisation.

    References
    ----------
    Draelos and Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional
    neural networks", arXiv:2011.08891, 2020, the defining equation of HiResCAM (section 3).
    """
    return (gradient * activation).sum(dim=1).relu()
