"""Element-wise Grad-CAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def grad_cam_elementwise(activation: Tensor, gradient: Tensor) -> Tensor:
    r"""Return the element-wise Grad-CAM map of every picture in a batch.

    .. math::

        L^c = \sum_k \mathrm{ReLU}\Bigl(\frac{\partial y^c}{\partial A^k} \odot A^k\Bigr)

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
    The ReLU comes before the sum: channels against the class cannot cancel those for it. Where
    no activation is negative, this is Layer-CAM. Where some are, the two differ: a negative
    activation with a negative gradient counts for the class here, and not at all there.

    References
    ----------
    Pillai and Pirsiavash, "Explainable Models with Consistent Interpretations", AAAI 2021, in the
    form of the package grad-cam (``GradCAMElementWise``), which gives code and no equation.
    """
    return (gradient * activation).relu().sum(dim=1)
