"""Networks from the user's own Python code: ``package.module:factory`` or ``net.py:Net``."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from reportgen.errors import ModelError, OptionError, did_you_mean
from reportgen.language import _
from reportgen.models.categories import names_from_option
from reportgen.models.imports import current_folder_importable
from reportgen.models.outline import outline_of
from reportgen.models.probe import assumed_recipe, probe
from reportgen.models.source import (
    Built,
    LoadedModel,
    ModelRequest,
    describe_model,
    load_checkpoint,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

SOURCE = "python"

_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def looks_like_python(name: str) -> bool:
    """Whether a model's name may be that of Python code, a known source's name aside."""
    place, colon, attribute = name.rpartition(":")
    return bool(
        colon
        and attribute.isidentifier()
        and (place.endswith(".py") or _MODULE.fullmatch(place) is not None)
    )


def can_import(name: str) -> bool:
    """Whether the file or module before the colon is there; nothing of it is run."""
    place = name.rpartition(":")[0]
    if place.endswith(".py"):
        return True  # its absence has an error of its own
    with current_folder_importable():
        importlib.invalidate_caches()
        try:
            return importlib.util.find_spec(place.partition(".")[0]) is not None
        except (ImportError, ValueError):
            return False


def load_python(name: str, request: ModelRequest) -> LoadedModel:
    """Import the user's code, call its factory, and load a checkpoint if there is one.

    A parameter ``num_classes`` of the factory gets the number that the checkpoint's head or
    ``--classes`` says.

    Raises
    ------
    ModelError
        If the code cannot be imported or fails, or what it makes is no network that takes RGB
        pictures and gives logits.
    CheckpointError
        If the checkpoint does not fit.
    """
    what = f"--model: {name}"
    if request.weights == "none" and request.checkpoint is not None:
        raise OptionError("--weights none and --checkpoint: give one of them, not both.")
    torch.manual_seed(request.seed)
    place, _colon, attribute = name.rpartition(":")
    beside = (Path(place).resolve().parent,) if place.endswith(".py") else ()
    with current_folder_importable(*beside):
        factory = _factory(place, attribute, what)
        built = _build(factory, name, request, what)
        probed = probe(built.module, what, ModelError)
    built = Built(built.module, built.weights, probed.classes, trained=built.trained)
    kind = type(built.module)
    return LoadedModel(
        module=built.module,
        architecture=kind.__name__.lower(),
        info=describe_model(
            built, name, source=SOURCE, architecture=f"{kind.__module__}.{kind.__qualname__}"
        ),
        categories=(),
        preprocessing=assumed_recipe(probed.side),
        recipe_origin=_("assumed: the code does not say"),
    )


def _build(factory: Callable[..., Any], name: str, request: ModelRequest, what: str) -> Built:
    """Call the factory and load the checkpoint; the number of classes is not settled yet."""
    takes_count = _takes_count(factory)

    def make(classes: int) -> nn.Module:
        return _call(factory, what, classes if takes_count else None)

    if request.checkpoint is not None:
        outline = outline_of(make) if takes_count else None
        return load_checkpoint(request, make=make, outline=outline, classes=0)
    given = names_from_option(request.classes)
    count = len(given.names) if given is not None and takes_count else None
    module = _call(factory, what, count).float().eval()
    if request.weights == "none":
        return Built(module, f"as {name} made them, seed {request.seed}", 0, trained=False)
    return Built(module, f"as {name} made them", 0)


def _factory(place: str, attribute: str, what: str) -> Callable[..., Any]:
    module = _import(place, what)
    found = getattr(module, attribute, None)
    if found is None:
        near = did_you_mean(attribute, [key for key in vars(module) if not key.startswith("_")])
        raise ModelError(f"{what}: '{place}' has no '{attribute}'.{near}")
    if not callable(found):
        raise ModelError(
            f"{what}: '{attribute}' is a {type(found).__name__}, but a class or a function that "
            f"makes the network is expected.",
        )
    factory: Callable[..., Any] = found
    return factory


def _import(place: str, what: str) -> ModuleType:
    path = Path(place)
    if place.endswith(".py") and not path.is_file():
        raise ModelError(f"{what}: there is no file '{path}'.")
    try:
        if not place.endswith(".py"):
            importlib.invalidate_caches()
            return importlib.import_module(place)
        return _import_file(path)
    except (Exception, SystemExit) as error:
        raise ModelError(
            f"{what}: importing '{place}' failed ({type(error).__name__}: {error}). The current "
            f"folder and the installed packages are looked through.",
        ) from error


def _import_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"no Python code in {path}")
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(path.stem)
    sys.modules[path.stem] = module  # as dataclasses and pickle in that code expect
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[path.stem]
        raise
    finally:
        if before is not None:
            sys.modules[path.stem] = before  # a library of that name stays what it was
    return module


def _takes_count(factory: Callable[..., Any]) -> bool:
    try:
        return "num_classes" in inspect.signature(factory).parameters
    except (TypeError, ValueError):  # some callables have no signature
        return False


def _call(factory: Callable[..., Any], what: str, count: int | None) -> nn.Module:
    try:
        made = factory() if count is None else factory(num_classes=count)
    except Exception as error:
        given = "no arguments" if count is None else f"num_classes={count}"
        raise ModelError(
            f"{what}: called with {given} it failed ({type(error).__name__}: {error}).",
        ) from error
    if not isinstance(made, nn.Module):
        raise ModelError(
            f"{what}: it gave a {type(made).__name__}, but a torch.nn.Module is expected.",
        )
    return made
