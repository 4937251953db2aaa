"""Where models come from. To add a source: one small file and one line in SOURCES.

A model is named ``source:name`` (``torchvision:alexnet``), or just ``name``, which the sources
are asked for in order, or ``package.module:factory`` for the user's own code. A checkpoint that
holds a whole network needs no name, nor does one whose tensors tell.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reportgen.errors import CheckpointError, ModelError, did_you_mean
from reportgen.models import embedded
from reportgen.models.categories import (
    CategoryNames,
    choose_categories,
    names_from_option,
    names_inside,
    placeholders,
)
from reportgen.models.checkpoint import Checkpoint, read_checkpoint
from reportgen.models.embedded import EmbeddedSource
from reportgen.models.identify import identify, nearest, timm_hint
from reportgen.models.python_source import can_import, load_python, looks_like_python
from reportgen.models.source import (
    LoadedModel,
    ModelListing,
    ModelRequest,
    ModelSource,
    check_weights,
)
from reportgen.models.timm_source import TimmSource
from reportgen.models.torchvision_source import TorchvisionSource, imagenet_categories
from reportgen.models.whole import load_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "SOURCES",
    "LoadedModel",
    "ModelListing",
    "ModelRequest",
    "ModelSource",
    "list_models",
    "load_model",
]

SOURCES: tuple[ModelSource, ...] = (EmbeddedSource(), TorchvisionSource(), TimmSource())
"""In the order in which a bare name is looked for."""


def list_models(text: str = "") -> Iterator[ModelListing]:
    """Yield every model whose ``source:name`` contains ``text``, in any case."""
    for source in SOURCES:
        for listing in source.listings():
            if text.casefold() in f"{source.name}:{listing.name}".casefold():
                yield listing


def load_model(request: ModelRequest) -> LoadedModel:
    """Build the requested model with its weights, on the CPU and in evaluation mode.

    Raises
    ------
    ModelError
        If no source knows the name, or the user's own code does not make a classifier.
    ModelUnavailableError
        If the weights have to be downloaded and that fails.
    CheckpointError
        If a local checkpoint cannot be read, does not fit, or does not say what it is.
    OptionError
        If an option has an unknown value, or ``--classes`` does not fit.
    """
    check_weights(request)
    given = names_from_option(request.classes)
    contents = None
    if request.checkpoint is not None:
        contents = read_checkpoint(request.checkpoint, trust=request.trust)
    if contents is not None and contents.module is not None:
        loaded = load_whole(contents, request)
    else:
        name = request.name or _name_of(contents)
        loaded = _load_named(name, replace(request, name=name, contents=contents))
    return _with_categories(loaded, given, contents)


def _name_of(contents: Checkpoint | None) -> str:
    """Return the name of the model where the user gave none."""
    if contents is None:
        return embedded.NAME
    name = identify(contents.state)
    if name is None:
        keys = ", ".join(list(contents.state)[:3])
        near = nearest(contents.state)
        differs = f" {near[0]} is the nearest ({near[1].describe()})." if near else ""
        raise CheckpointError(
            f"--checkpoint: '{contents.path}' holds {len(contents.state)} tensors ({keys}, …), "
            f"which fit none of torchvision's networks.{differs} Give the architecture that they "
            f"were saved from with --model.{timm_hint(contents.state)}",
        )
    return name


def _load_named(text: str, request: ModelRequest) -> LoadedModel:
    prefix, colon, name = text.rpartition(":")
    for source in SOURCES:
        if (not colon or prefix == source.name) and name in source.names():
            return source.load(name, request)
    if looks_like_python(text) and prefix not in {source.name for source in SOURCES}:
        if can_import(text):
            return load_python(text, request)
        raise ModelError(
            f"--model: there is no model source and no importable Python module '{prefix}'. "
            f"Known sources: {', '.join(source.name for source in SOURCES)}.",
        )
    if colon and prefix not in {source.name for source in SOURCES}:
        raise ModelError(
            f"--model: there is no model source '{prefix}'. "
            f"Known: {', '.join(source.name for source in SOURCES)}.",
        )
    known = [name for source in SOURCES for name in source.names()]
    raise ModelError(
        f"--model: there is no model '{text}'.{did_you_mean(name, known)} "
        f"`reportgen models` lists them all.",
    )


def _with_categories(
    loaded: LoadedModel, given: CategoryNames | None, contents: Checkpoint | None
) -> LoadedModel:
    """Name the classes: as the user says, else the checkpoint or the network, else the source."""
    classes = loaded.info.classes
    inside = contents.names if contents is not None else ()
    inside += names_inside(loaded.module, "network") if not inside else ()
    usual = imagenet_categories()
    origin = "ImageNet-1k"
    if loaded.categories not in {(), usual, placeholders(classes)}:
        usual, origin = loaded.categories, f"{loaded.info.source} {loaded.info.name}"
    chosen = choose_categories(classes, given, inside, CategoryNames(usual, origin))
    return replace(
        loaded,
        categories=chosen.names,
        named=bool(chosen.origin),
        categories_origin=chosen.origin,
    )
