"""Where models come from. To add a source: one small file and one line in SOURCES.

A model is named ``source:name`` (``torchvision:alexnet``), or just ``name``, which the sources
are asked for in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.errors import ModelError, did_you_mean
from reportgen.models.embedded import EmbeddedSource
from reportgen.models.source import LoadedModel, ModelListing, ModelRequest, ModelSource
from reportgen.models.torchvision_source import TorchvisionSource

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

SOURCES: tuple[ModelSource, ...] = (EmbeddedSource(), TorchvisionSource())
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
        If no source knows the name.
    ModelUnavailableError
        If the weights have to be downloaded and that fails.
    CheckpointError
        If a local checkpoint cannot be read or does not fit.
    """
    prefix, colon, name = request.name.rpartition(":")
    for source in SOURCES:
        if (not colon or prefix == source.name) and name in source.names():
            return source.load(name, request)
    if colon and prefix not in {source.name for source in SOURCES}:
        raise ModelError(
            f"--model: there is no model source '{prefix}'. "
            f"Known: {', '.join(source.name for source in SOURCES)}.",
        )
    known = [name for source in SOURCES for name in source.names()]
    raise ModelError(
        f"--model: there is no model '{request.name}'.{did_you_mean(name, known)} "
        f"`reportgen models` lists them all.",
    )
