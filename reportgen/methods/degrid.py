"""Layer-CAM without the grid that a pooling or a stride leaves in the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from torch.nn import functional

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn


def degrid_gradient(following: Tensor, size: tuple[int, int]) -> Tensor:
    r"""Return a smooth gradient for a layer, made from that of the pooling right behind it.

    The gradient that comes back through a max-pooling is 0 at all places but one of every window,
    and that grid shows in the map. The gradient with respect to what the pooling *gives* has no
    such holes.

    .. math::

        \tilde g = \frac{h' w'}{h w} \, \mathrm{Up}_{h \times w} \Bigl(
            \frac{\partial y^c}{\partial \mathrm{pool}(A)}\Bigr)

    Parameters
    ----------
    following
        :math:`\partial y^c / \partial \mathrm{pool}(A)`, ``(N, C, h', w')`` floating point. The
        layer behind must keep channels apart and in order, as poolings do; behind a convolution
        with a stride channel *k* is another thing.
    size
        ``(h, w)`` of the layer's activation :math:`A`.

    Returns
    -------
    ``(N, C, h, w)``, to be used as the gradient of the layer by Layer-CAM.

    Notes
    -----
    The factor keeps the sum over space, and with it the unit of the map: with windows that do not
    overlap this is, but for the smoothing, the gradient of a mean-pooling.

    References
    ----------
    None of the equations of LayerCAM (Jiang et al., IEEE Transactions on Image Processing 30,
    2021). Its first author warns of layers in front of a pooling or a stride, and advises to
    upsample the following layer's gradient (frgfm/torch-cam, issue 76, and
    jacobgil/pytorch-grad-cam, issue 106); the factor above is ours. For a strided
    convolution, whose gradient has other channels, see `unstrided_gradient`.
    """
    share = following.shape[2] * following.shape[3] / (size[0] * size[1])
    return share * functional.interpolate(
        following, size=size, mode="bilinear", align_corners=False
    )


def strided_gradient(following: Tensor, convolution: nn.Conv2d, size: tuple[int, int]) -> Tensor:
    r"""Return the gradient that a convolution with a stride hands back to its input.

    Parameters
    ----------
    following
        :math:`\partial y^c / \partial \mathrm{conv}(A)`, ``(N, C', h', w')`` floating point.
    convolution
        With zeros as padding.
    size
        ``(h, w)`` of :math:`A`.

    Returns
    -------
    ``(N, C, h, w)``: :math:`\partial y^c / \partial A`, if nothing else takes :math:`A`.
    """
    geometry = zip(
        size,
        following.shape[2:],
        convolution.stride,
        _padding(convolution),
        convolution.dilation,
        convolution.kernel_size,
        strict=True,
    )
    rest = [
        side - ((out - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1)
        for side, out, stride, padding, dilation, kernel in geometry
    ]
    return functional.conv_transpose2d(
        following,
        convolution.weight,
        stride=convolution.stride,
        padding=_padding(convolution),
        output_padding=(rest[0], rest[1]),
        groups=convolution.groups,
        dilation=convolution.dilation,
    )


def unstrided_gradient(following: Tensor, convolution: nn.Conv2d, size: tuple[int, int]) -> Tensor:
    r"""Return a smooth gradient for a layer, made from that of the strided convolution behind it.

    A stride reads some places of :math:`A` with more weights than others, or not at all, and the
    gradient has that pattern. Here the convolution's gradient is upsampled to the size that it
    would have without the stride, and handed back by the convolution without its stride.

    .. math::

        \tilde g = \frac{h' w'}{h_1 w_1} \, \mathrm{conv}_1^\top \Bigl( \mathrm{Up}_{h_1 \times w_1}
            \frac{\partial y^c}{\partial \mathrm{conv}(A)} \Bigr)

    The parameters and the result are those of `strided_gradient`.
    """
    geometry = zip(
        size,
        _padding(convolution),
        convolution.dilation,
        convolution.kernel_size,
        strict=True,
    )
    dense = [
        side + 2 * padding - dilation * (kernel - 1) for side, padding, dilation, kernel in geometry
    ]
    return functional.conv_transpose2d(
        degrid_gradient(following, (dense[0], dense[1])),
        convolution.weight,
        padding=_padding(convolution),
        groups=convolution.groups,
        dilation=convolution.dilation,
    )


def _padding(convolution: nn.Conv2d) -> tuple[int, int]:
    assert not isinstance(convolution.padding, str)  # noqa: S101 - words exclude a stride in torch
    return (convolution.padding[0], convolution.padding[1])


def checkerboard_energy(values: NDArray[np.floating], stride: int = 2) -> float:
    r"""Return which share of a map's energy lies nearer to the stride's frequencies than to 0.

    .. math::

        E = \frac{\sum_{\max(|f_x|, |f_y|) > 1 / 2s} |\hat M(f)|^2}{\sum_{f \ne 0} |\hat M(f)|^2}

    Parameters
    ----------
    values
        ``(height, width)`` floating point, finite.
    stride
        :math:`s` of the layer behind, 2 or more.

    Returns
    -------
    0…1, 0 for a constant map. What picks one place of every window puts copies of the map's
    spectrum at multiples of 1/stride; a map that the next layer could hold has next to nothing
    there.
    """
    centred = values.astype(np.float64) - values.mean(dtype=np.float64)
    energy = np.abs(np.fft.fft2(centred)) ** 2
    rows, columns = (np.abs(np.fft.fftfreq(side)) for side in values.shape)
    fast = np.maximum(rows[:, None], columns[None, :]) > 1 / (2 * stride)
    total = energy.sum()
    return float(energy[fast].sum() / total) if total > 0 else 0.0
