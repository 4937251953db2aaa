"""Every classifier of torchvision, by name, with its default weights."""

from __future__ import annotations

import http.client
import socket
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

import torch
from torch import nn

from reportgen.errors import ModelUnavailableError
from reportgen.language import _
from reportgen.models.source import (
    LoadedModel,
    ModelListing,
    ModelRequest,
    build,
    categories_for,
    describe_model,
)
from reportgen.values import Preprocessing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

DOWNLOAD_TIMEOUT_S = 30.0
"""Without one, a network that swallows packets would hang the command for ever."""

_SIDE_HEADS = ("AuxLogits", "aux1", "aux2")


class TorchvisionSource:
    """torchvision's classification registry."""

    name = "torchvision"

    def names(self) -> Collection[str]:
        """Return the names of all classifiers."""
        from torchvision import models  # noqa: PLC0415 - slow to import

        found: list[str] = models.list_models(module=models)
        return found

    def listings(self) -> Iterator[ModelListing]:
        """Yield every classifier with what its default weights say of themselves."""
        for name in self.names():
            weights = _default_weights(name)
            meta = weights.meta
            accuracy = meta["_metrics"]["ImageNet-1K"]["acc@1"]
            crop = weights.transforms().crop_size
            yield ModelListing(
                name=name,
                source=self.name,
                input_size="×".join(str(side) for side in dict.fromkeys(crop)),
                parameters=f"{meta['num_params'] / 1e6:.1f} M",
                accuracy=f"{accuracy:.1f}",
                weights=f"download, {meta['_file_size']:.0f} MB",
            )

    def load(self, name: str, request: ModelRequest) -> LoadedModel:
        """Build the classifier; its default weights are downloaded on first use."""
        weights = _default_weights(name)
        imagenet = tuple(weights.meta["categories"])
        built = build(
            request,
            make=lambda classes: make(name, classes),
            default_weights=lambda: (
                _download(weights, name, show_progress=request.show_progress),
                f"torchvision {weights}",
            ),
            classes=len(imagenet),
        )
        if not built.trained:
            _wake_zero_head(built.module)
        return LoadedModel(
            module=built.module,
            architecture=name,
            info=describe_model(built, name, source=self.name, architecture=f"torchvision {name}"),
            categories=categories_for(built.classes, imagenet),
            preprocessing=_preprocessing(weights),
            recipe_origin=_("torchvision {name}'s default weights").format(name=name),
        )


def imagenet_categories() -> tuple[str, ...]:
    """Return the 1,000 ImageNet category names in the order of the logits."""
    return tuple(_default_weights("alexnet").meta["categories"])


def recipe(name: str) -> Preprocessing:
    """Return the preprocessing that belongs to a classifier's default weights."""
    return _preprocessing(_default_weights(name))


def _default_weights(name: str) -> Any:  # noqa: ANN401 - torchvision.models.WeightsEnum, untyped
    from torchvision.models import get_model_weights  # noqa: PLC0415 - slow to import

    return get_model_weights(name).DEFAULT


def make(name: str, classes: int) -> nn.Module:
    """Build a classifier with fresh random weights and without side heads."""
    from torchvision.models import get_model  # noqa: PLC0415 - slow to import

    model: nn.Module = get_model(name, weights=None, num_classes=classes, **_builder_options(name))
    if hasattr(model, "aux_logits"):
        # They only help training; a checkpoint may come without them.
        for name_, value in (("aux_logits", False), *((head, None) for head in _SIDE_HEADS)):
            if hasattr(model, name_):
                setattr(model, name_, value)
    return model


def _builder_options(name: str) -> dict[str, Any]:
    """Return what torchvision itself passes to a builder together with the default weights.

    Without these the weights would load and the predictions be wrong, or not load at all.
    """
    if name in {"googlenet", "inception_v3"}:
        # Unless told, these two also warn about their slow initialisation.
        return {"transform_input": True, "init_weights": False}
    if name.startswith("vit_"):
        return {"image_size": _default_weights(name).meta["min_size"][0]}
    return {}


def _wake_zero_head(module: nn.Module) -> None:
    """Give a head that starts at zero random weights, or an untrained net has no gradient.

    torchvision's vision transformers begin with a zero classifier: every logit, and so every map,
    would be zero.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Linear) and not layer.weight.any():
            nn.init.trunc_normal_(layer.weight, std=0.02)


def _download(
    weights: Any,  # noqa: ANN401 - torchvision.models.WeightsEnum, untyped
    name: str,
    *,
    show_progress: bool,
) -> dict[str, torch.Tensor]:
    """Return the state dict of ``weights``, from torch's cache or from the network."""
    try:
        with _socket_timeout(DOWNLOAD_TIMEOUT_S):
            state = weights.get_state_dict(progress=show_progress, check_hash=True)
    except (OSError, RuntimeError, EOFError, http.client.HTTPException) as error:
        cache = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(weights.url).path).name
        reason = getattr(error, "reason", None) or error
        raise ModelUnavailableError(
            f"--model: the weights of '{name}' could not be fetched from {weights.url} "
            f"({reason}).\nTwo ways out without a network: give a local checkpoint with "
            f"--checkpoint FILE (or put that download at {cache}), or use the embedded model, "
            f"--model efficientnet_lite0. To try the plumbing only: --weights none.",
        ) from None
    # In place: the dict also carries the versions of the layers, which decide how it is loaded.
    for key in [key for key in state if key.startswith(_SIDE_HEADS)]:
        del state[key]
    loaded: dict[str, torch.Tensor] = state
    return loaded


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _preprocessing(weights: Any) -> Preprocessing:  # noqa: ANN401 - torchvision's, untyped
    """Read the recipe from the transforms that belong to the weights."""
    preset = weights.transforms()
    crop = list(preset.crop_size)
    return Preprocessing(
        resize=preset.resize_size[0],
        crop=(crop[-1], crop[0]),
        mean=tuple(preset.mean),
        std=tuple(preset.std),
        interpolation=preset.interpolation.value,
    )
