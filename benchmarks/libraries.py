"""grad-cam and torchcam, each as its documentation does it best and as it is mostly written.

Both compute the same maps as everybody: Grad-CAM at the last layer, Layer-CAM at each stage, for
the first choice, at the size of the pictures. The network is as they find it, parameters with
gradients, as neither asks for anything else.

grad-cam
    Takes a batch, and wants its object made once and used again. Several layers in one object give
    the mean of their maps, not the maps, so that each map needs an object, and passes, of its own.
torchcam
    Takes a batch with a list of classes, and several layers at once. Two extractors can share one
    forward pass if the first keeps the graph.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

    from networks import Network

MODULES = {"grad-cam": "pytorch_grad_cam", "torchcam": "torchcam"}


def missing() -> list[str]:
    """Return the names of the libraries that are not installed."""
    return [name for name, module in MODULES.items() if find_spec(module) is None]


def grad_cam_batched(network: Network, inputs: Tensor, batch_size: int) -> None:
    """Make one object per map, and use it for batch after batch."""
    for method, layer in network.places:
        with _grad_cam(network, method, layer) as cam:
            for batch in torch.split(inputs, batch_size):
                cam(input_tensor=batch, targets=None)


def grad_cam_one_by_one(network: Network, inputs: Tensor, _batch_size: int) -> None:
    """Make a new object for every map of every picture."""
    for picture in torch.split(inputs, 1):
        for method, layer in network.places:
            with _grad_cam(network, method, layer) as cam:
                cam(input_tensor=picture, targets=None)


def _grad_cam(network: Network, method: str, layer: str) -> Any:  # noqa: ANN401 - untyped
    import pytorch_grad_cam  # noqa: PLC0415 - may be missing

    kind = {"grad-cam": pytorch_grad_cam.GradCAM, "layer-cam": pytorch_grad_cam.LayerCAM}[method]
    return kind(
        model=network.module,
        target_layers=[network.module.get_submodule(layer)],
        reshape_transform=network.layouts[layer].to_grid,
    )


def torchcam_batched(network: Network, inputs: Tensor, batch_size: int) -> None:
    """Let two extractors share one forward pass per batch, each with one backward pass."""
    with _torchcam(network, "GradCAM") as one, _torchcam(network, "LayerCAM") as many:
        for batch in torch.split(inputs, batch_size):
            scores = network.module(batch)
            classes = scores.argmax(dim=1).tolist()
            maps = [*one(classes, scores, retain_graph=True), *many(classes, scores)]
            _upsampled(maps, batch)


def torchcam_one_by_one(network: Network, inputs: Tensor, _batch_size: int) -> None:
    """Make a new extractor for each method and picture, with a forward pass of its own."""
    for picture in torch.split(inputs, 1):
        for kind in ("GradCAM", "LayerCAM"):
            with _torchcam(network, kind) as extractor:
                scores = network.module(picture)
                _upsampled(extractor(scores.squeeze(0).argmax().item(), scores), picture)


def _torchcam(network: Network, kind: str) -> Any:  # noqa: ANN401 - untyped
    import torchcam.methods  # noqa: PLC0415 - may be missing

    layers = [network.last] if kind == "GradCAM" else list(network.stages)
    # All layers of a vision transformer lie over the picture in the same way.
    to_grid = network.layouts[layers[-1]].to_grid
    return getattr(torchcam.methods, kind)(network.module, layers, reshape_transform=to_grid)


def _upsampled(maps: list[Tensor], pictures: Tensor) -> None:
    size = (pictures.shape[2], pictures.shape[3])
    for raw in maps:
        functional.interpolate(raw[:, None], size, mode="bilinear").numpy()
