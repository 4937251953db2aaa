"""Gradient × activation."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def gradient_x_activation(activation: Tensor, gradient: Tensor) -> Tensor:
    r"""Return the size of gradient × activation at every place of every picture in a batch.

    .. math::

        R = \Bigl| \sum_k \frac{\partial y^c}{\partial A^k} \odot A^k \Bigr|

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
    "Gradient × input" taken at a layer. The sum is that of ``hires-cam``, which keeps what speaks
    for the class and drops the rest; here, as is usual for saliency, both count by their size, so
    the map shows every place that mattered, for or against.

    Where all that reads the layer is a normalisation over channels, as of the tokens of a vision
    transformer's last blocks, the sum is 0 by construction: scaling a token changes nothing. What
    rounding leaves of it is no evidence; take the output of the normalisation.

    References
    ----------
    Shrikumar et al., "Not Just a Black Box: Learning Important Features Through Propagating
    Activation Differences", arXiv:1605.01713, 2016; Ancona et al., "Towards better understanding
    of gradient-based attribution methods for Deep Neural Networks", ICLR 2018, table 1. Neither
    numbers it as an equation of its own.
    """
    return (gradient * activation).sum(dim=1).abs()
