"""Grad-CAM++."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def grad_cam_plus_plus(activation: Tensor, gradient: Tensor) -> Tensor:
    r"""Return the Grad-CAM++ map of every picture in a batch.

    .. math::

        \alpha_{ij}^{kc} = \frac{(g_{ij}^k)^2}
            {2 (g_{ij}^k)^2 + (g_{ij}^k)^3 \sum_{a,b} A_{ab}^k}, \qquad
        w_k^c = \sum_{i,j} \alpha_{ij}^{kc} \mathrm{ReLU}(g_{ij}^k), \qquad
        L^c = \mathrm{ReLU}\Bigl(\sum_k w_k^c A^k\Bigr), \qquad
        g = \frac{\partial y^c}{\partial A}

    Parameters
    ----------
    activation
        :math:`A`, ``(N, C, H, W)`` floating point, any range; meant for what a ReLU gives.
    gradient
        :math:`g`, of the same shape; :math:`y^c` is the target's logit.

    Returns
    -------
    ``(N, H, W)``, ≥ 0, not normalised, in units of the logit.

    Notes
    -----
    This is the closed form for a score :math:`\exp(y^c)`, in which all derivatives are powers of
    the first. The factor :math:`\exp(y^c)` of the weights is left out: it is one number for the
    whole map, and overflows.

    It is computed as :math:`\alpha = 1 / (2 + g \sum A)`, which is the same where
    :math:`g \ne 0` and where :math:`g = 0` meets a factor of 0. There is no 0/0 in it then, and no
    small number has to be added below, which would change the map of every network whose squared
    gradients are as small. A pole, :math:`g \sum A = -2`, has the weight 0; only a channel with a
    negative sum can meet one.

    References
    ----------
    Chattopadhay et al., "Grad-CAM++: Generalized Gradient-based Visual Explanations for Deep
    Convolutional Networks", WACV 2018, equation 19 for the coefficients and 7 for the weights.
    """
    below = 2 + gradient * activation.sum(dim=(2, 3), keepdim=True)
    weights = (gradient.relu() / below).masked_fill(below == 0, 0).sum(dim=(2, 3), keepdim=True)
    return (weights * activation).sum(dim=1).relu()
