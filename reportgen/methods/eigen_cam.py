"""Eigen-CAM, and the same of gradient × activation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def eigen_cam(activation: Tensor, gradient: Tensor) -> Tensor:  # noqa: ARG001 - as all methods
    r"""Return the Eigen-CAM map of every picture in a batch; it is the same for every class.

    .. math::

        O = U \Sigma V^\top, \qquad L = \mathrm{ReLU}(O v_1)

    where row *p* of :math:`O` holds the activations of all channels at place *p*.

    Parameters
    ----------
    activation
        :math:`A`, ``(N, C, H, W)`` floating point, any range.
    gradient
        Not used.

    Returns
    -------
    ``(N, H, W)``, ≥ 0, not normalised, in units of the activation.

    Notes
    -----
    As published, :math:`O` is not centred. A singular vector has no sign of its own; of the two
    the one is taken whose map goes with the positive activations, :math:`\langle O v_1, \sum_k
    \mathrm{ReLU}(A^k) \rangle \ge 0`. After a ReLU no value of the map is negative then, and the
    ReLU here is without effect.

    References
    ----------
    Muhammad and Yeasin, "Eigen-CAM: Class Activation Map using Principal Components", IJCNN 2020,
    the equation of the projection on the first eigenvector.
    """
    return first_component(activation, activation.relu().sum(dim=1)).relu()


def eigen_grad_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    r"""Return the Eigen-CAM map of gradient × activation, which differs from class to class.

    .. math::

        \frac{\partial y^c}{\partial A} \odot A = U \Sigma V^\top, \qquad
        L^c = \mathrm{ReLU}\Bigl(\bigl(\tfrac{\partial y^c}{\partial A} \odot A\bigr) v_1\Bigr)

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
    Of both signs the one is taken whose map goes with the evidence for the class, :math:`\langle L,
    \sum_k g^k \odot A^k \rangle \ge 0` before the ReLU. Where nearly all evidence is against the
    class, the component is that, and the map is 0.

    References
    ----------
    The equation of Eigen-CAM (Muhammad and Yeasin, IJCNN 2020) applied to gradient × activation,
    as the package grad-cam does (``EigenGradCAM``); there is no paper of its own.
    """
    product = gradient * activation
    return first_component(product, product.sum(dim=1)).relu()


def first_component(values: Tensor, towards: Tensor) -> Tensor:
    """Project the channels at every place on their first right singular vector.

    Parameters
    ----------
    values
        ``(N, C, H, W)`` floating point.
    towards
        ``(N, H, W)``: of both signs the one is taken whose inner product with this is positive.

    Returns
    -------
    ``(N, H, W)``, of either sign; NaN throughout for a picture with any value that is not finite.
    """
    # No decomposition is made in half precision, and none of what is not finite.
    exact = values.to(torch.promote_types(values.dtype, torch.float32))
    finite = exact.isfinite().all(dim=3).all(dim=2).all(dim=1)
    places = exact.flatten(2).transpose(1, 2).nan_to_num(0, 0, 0)
    vector = torch.linalg.svd(places, full_matrices=False).Vh[:, 0, :, None]
    projected: Tensor = (places @ vector).reshape(towards.shape)
    along = (projected * towards.to(exact.dtype)).sum(dim=(1, 2), keepdim=True)
    signed = torch.where(along < 0, -projected, projected)
    return signed.masked_fill(~finite[:, None, None], torch.nan).to(values.dtype)
