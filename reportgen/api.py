"""Maps from Python, without a report: see `explain`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from reportgen import overlay
from reportgen.attribution import Attribution, explain_batch
from reportgen.capture import quiet_mode
from reportgen.decode import decode
from reportgen.layers import choose_layers, default_layers, survey
from reportgen.methods import choose_methods
from reportgen.options import DEFAULT_COLORMAP, DEFAULT_METHODS, DEFAULT_TARGETS, DEFAULT_TOP_K
from reportgen.plan import place
from reportgen.preprocess import preprocess
from reportgen.recipe import IMAGENET
from reportgen.targets import parse_targets
from reportgen.values import DecodedImage, ImageFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import nn

    from reportgen.values import (
        ClassMap,
        Prediction,
        Preprocessing,
        TargetMaps,
        UInt8Array,
        ViewGeometry,
    )

    Picture = str | Path | UInt8Array


@dataclass(frozen=True, slots=True)
class Explained:
    """What a network said about one picture."""

    name: str
    """The file's name, or ``image 0``, ``image 1``, … of an array."""
    predictions: tuple[Prediction, ...]
    """The most probable classes, best first."""
    targets: tuple[TargetMaps, ...]
    """Each explained class or group with its raw maps."""
    geometry: ViewGeometry
    """Where the network's view lies in the picture."""
    view: UInt8Array = field(repr=False)
    """``(height, width, 3)`` uint8 RGB: the pixels that the network saw."""

    def overlay(
        self, raw: ClassMap, *, alpha: float = 0.3, colormap: str = DEFAULT_COLORMAP
    ) -> UInt8Array:
        """Return a map over the view, as a report shows it.

        Parameters
        ----------
        raw
            One of this picture's maps.
        alpha
            Share of heat, 0…1; the picture has the rest.
        colormap
            As ``--colormap`` takes it.

        Returns
        -------
        ``(height, width, 3)`` uint8 RGB; the plain view where the map has no positive evidence or
        is not finite.
        """
        blend = overlay.draw(raw, self.view, alpha=alpha, colormap=colormap).blend
        return self.view if blend is None else blend


def explain(  # noqa: PLR0913 - one keyword for each choice, as the command has options
    model: nn.Module,
    images: Picture | Sequence[Picture],
    *,
    targets: str | Sequence[str] = DEFAULT_TARGETS,
    methods: Sequence[str] = DEFAULT_METHODS,
    layers: str | Sequence[str] = (),
    categories: Sequence[str] | None = None,
    recipe: Preprocessing = IMAGENET,
    batch_size: int = 16,
    architecture: str = "",
) -> tuple[Explained, ...]:
    """Explain pictures with a network of one's own.

    Parameters
    ----------
    model
        A classifier of RGB pictures, in any mode, on any device; it is left as it was found, and
        parameters that are frozen do not matter.
    images
        A file, or pixels ``(height, width, 3)`` uint8 RGB, or several of them.
    targets
        What to explain, as ``--target`` takes it: ``top1``, an index, a category, ``a=1,2``.
    methods
        Names of CAM methods, as ``--methods`` takes them.
    layers
        As ``--layers`` takes them; by default Grad-CAM gets the last block, and Layer-CAM one
        layer per resolution.
    categories
        Names of the classes by index; by default ``class 0``, ``class 1``, …
    recipe
        How a picture becomes the network's input; by default ImageNet's usual one.
    batch_size
        Pictures per pass.
    architecture
        A name whose usual layers differ from the general rule, such as ``alexnet``.

    Returns
    -------
    One result per picture, in order, with the same maps as a report of them has.

    Raises
    ------
    LayerError, TargetError, OptionError
        If a choice does not fit the network.
    ImageError
        If a picture cannot be read.

    Examples
    --------
    >>> import numpy, torch
    >>> from reportgen import explain
    >>> net = torch.nn.Sequential(
    ...     torch.nn.Conv2d(3, 4, 3, stride=2, padding=1),
    ...     torch.nn.ReLU(),
    ...     torch.nn.AdaptiveAvgPool2d(1),
    ...     torch.nn.Flatten(),
    ...     torch.nn.Linear(4, 2),
    ... )
    >>> picture = numpy.zeros((300, 400, 3), dtype=numpy.uint8)
    >>> (found,) = explain(net, picture, targets="dog", categories=("cat", "dog"))
    >>> found.targets[0].target.name
    'dog'
    >>> [(raw.method, raw.layer, raw.values.shape) for raw in found.targets[0].maps]
    [('grad-cam', '1', (112, 112)), ('layer-cam', '1', (112, 112))]
    >>> found.overlay(found.targets[0].maps[0]).shape
    (224, 224, 3)
    """
    pictures = [images] if isinstance(images, str | Path | np.ndarray) else list(images)
    plan = _plan(
        model,
        targets=[targets] if isinstance(targets, str) else targets,
        methods=methods,
        layers=layers.split(",") if isinstance(layers, str) else layers,
        categories=categories,
        recipe=recipe,
        batch_size=batch_size,
        architecture=architecture,
    )
    found: list[Explained] = []
    for start in range(0, len(pictures), batch_size):
        chunk = pictures[start : start + batch_size]
        found += _explain_chunk(model, chunk, start, plan, recipe)
    return tuple(found)


def _plan(  # noqa: PLR0913 - as above
    model: nn.Module,
    *,
    targets: Iterable[str],
    methods: Iterable[str],
    layers: Iterable[str],
    categories: Sequence[str] | None,
    recipe: Preprocessing,
    batch_size: int,
    architecture: str,
) -> Attribution:
    width, height = recipe.crop or (224, 224)
    known = survey(model, (height, width))
    defaults = default_layers(known, architecture)
    placed = place(choose_methods(methods), choose_layers(layers, known, defaults), defaults)
    names = tuple(categories or (f"class {index}" for index in range(known.classes)))
    layouts = {
        name: layout
        for _, chosen in placed
        for name in chosen
        if (layout := known.layers[known.order[name]].layout) is not None
    }
    return Attribution(
        targets=parse_targets(targets, names),
        methods=placed,
        layouts=layouts,
        categories=names,
        top_k=min(DEFAULT_TOP_K, len(names)),
        batch_size=batch_size,
    )


def _explain_chunk(
    model: nn.Module,
    pictures: Sequence[Picture],
    start: int,
    plan: Attribution,
    recipe: Preprocessing,
) -> list[Explained]:
    inputs = [
        preprocess(_decoded(picture, start + number), recipe)
        for number, picture in enumerate(pictures)
    ]
    reference = next(model.parameters(), torch.empty(0))
    found: list[Explained] = []
    with quiet_mode(model):
        # Pictures at their own size go through one by one; all others together.
        groups = [inputs] if recipe.crop is not None else [[item] for item in inputs]
        for group in groups:
            stacked = torch.from_numpy(np.stack([item.tensor for item in group]))
            stacked = stacked.to(device=reference.device, dtype=reference.dtype)
            for item, explanation in zip(group, explain_batch(model, stacked, plan), strict=True):
                found.append(
                    Explained(
                        name=item.file.name,
                        predictions=explanation.predictions,
                        targets=explanation.targets,
                        geometry=item.geometry,
                        view=item.view,
                    )
                )
    return found


def _decoded(picture: Picture, number: int) -> DecodedImage:
    if isinstance(picture, str | Path):
        path = Path(picture)
        return decode(ImageFile(path=path, name=path.name))
    name = f"image {number}"
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:  # noqa: PLR2004
        raise TypeError(
            f"{name}: pixels of shape (height, width, 3) and dtype uint8 are expected, found "
            f"{picture.shape} and {picture.dtype}.",
        )
    pixels = np.ascontiguousarray(picture)
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    return DecodedImage(ImageFile(Path(name), name), pixels, digest)
