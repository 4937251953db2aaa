"""What a model source gives, and what all sources share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from reportgen.errors import CheckpointError, OptionError
from reportgen.models.categories import check_count, names_from_option, placeholders
from reportgen.models.checkpoint import read_checkpoint
from reportgen.models.outline import (
    Outline,
    best_variant,
    load_weights,
    outline_of,
    shapes_of,
)
from reportgen.values import ModelInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from torch import nn

    from reportgen.models.checkpoint import Checkpoint
    from reportgen.models.outline import Misfit
    from reportgen.values import Preprocessing


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What the user asked for."""

    name: str | None
    """None: what the checkpoint holds, or without one the embedded model."""
    weights: str = "default"
    """``default``, or ``none`` for random weights."""
    checkpoint: Path | None = None
    """A local file to load instead of the default weights: a whole network or a state dict."""
    seed: int = 0
    """Seeds torch before a model with random weights is built."""
    show_progress: bool = True
    """Whether a download draws a progress line on stderr."""
    classes: str | None = None
    """Names of the classes between commas, or the path of a file of names."""
    trust: bool = False
    """Whether code in the checkpoint may be run."""
    contents: Checkpoint | None = None
    """What was read from ``checkpoint``, so that it is read once; None: not read yet."""


@dataclass(frozen=True, slots=True)
class ModelListing:
    """One line of ``reportgen models``."""

    name: str
    source: str
    input_size: str
    """For example ``224``, or ``224×192``."""
    parameters: str
    accuracy: str
    """ImageNet top-1 in percent, or a dash."""
    weights: str
    """Where the weights are: in the package, or how large the download is."""


@dataclass(frozen=True, slots=True)
class Built:
    """A network with its weights, before its source says the rest about it."""

    module: nn.Module
    """In evaluation mode."""
    weights: str
    """Where the weights came from, as text."""
    classes: int
    trained: bool = True


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A network ready to explain, with all that is known about it."""

    module: nn.Module
    architecture: str
    """Bare architecture name, for example ``alexnet``."""
    info: ModelInfo
    categories: tuple[str, ...]
    """One name per logit; `load_model` fills it in where a source left it empty."""
    preprocessing: Preprocessing
    """The recipe that belongs to the weights, or the likeliest where they do not say."""
    named: bool = True
    """Whether the categories are names, and not ``class 0``, ``class 1``, …"""
    categories_origin: str = ""
    """Where the names are from, as text; empty where there are none."""
    recipe_origin: str = ""
    """Where the preprocessing is from, as text."""


class ModelSource(Protocol):
    """One place where models come from."""

    name: str

    def names(self) -> Collection[str]:
        """Return the names that `load` takes."""
        ...

    def listings(self) -> Iterator[ModelListing]:
        """Yield one line per model."""
        ...

    def load(self, name: str, request: ModelRequest) -> LoadedModel:
        """Build the model of that name; see `reportgen.models.load_model`."""
        ...


def build(
    request: ModelRequest,
    *,
    make: Callable[[int], nn.Module],
    default_weights: Callable[[], tuple[dict[str, torch.Tensor], str]],
    classes: int,
) -> Built:
    """Make a network and give it the weights that were asked for.

    Parameters
    ----------
    request
        What the user asked for.
    make
        Number of classes → the network with fresh random weights.
    default_weights
        Returns the state dict of the default weights and a text that says where it is from.
    classes
        Number of classes of the default weights.

    Raises
    ------
    OptionError
        If the request contradicts itself.
    CheckpointError
        If the checkpoint cannot be read or does not fit the network.
    """
    check_weights(request)
    given = names_from_option(request.classes)
    torch.manual_seed(request.seed)
    if request.checkpoint is not None:
        return load_checkpoint(request, make=make, outline=outline_of(make), classes=classes)
    if request.weights == "none":
        count = classes if given is None else len(given.names)
        return Built(
            make(count).eval(),
            f"torch's own initialisation, seed {request.seed}",
            count,
            trained=False,
        )
    check_count(given, classes)  # before a download
    state, origin = default_weights()
    module = make(classes)
    module.load_state_dict(state)
    return Built(module.eval(), origin, classes)


def check_weights(request: ModelRequest) -> None:
    """Raise OptionError if ``--weights`` is unknown or contradicts ``--checkpoint``."""
    if request.weights not in {"default", "none"}:
        raise OptionError(
            f"--weights: 'default' or 'none' is expected, found '{request.weights}'. "
            f"A file of weights goes to --checkpoint.",
        )
    if request.checkpoint is not None and request.weights == "none":
        raise OptionError("--weights none and --checkpoint: give one of them, not both.")


def load_checkpoint(
    request: ModelRequest,
    *,
    make: Callable[[int], nn.Module],
    outline: Outline | None,
    classes: int,
) -> Built:
    """Make a network with as many classes as the checkpoint's head has, and load its weights.

    Parameters
    ----------
    request
        With a checkpoint.
    make
        Number of classes → the network.
    outline
        Of ``make``; None if it always makes the same network.
    classes
        Number of classes where the outline does not show a head.

    Raises
    ------
    CheckpointError
        If the checkpoint cannot be read or does not fit the network, with what does not, and
        with the name of a network that it fits if it is a common one.
    """
    assert request.checkpoint is not None  # noqa: S101 - see above
    contents = request.contents or read_checkpoint(request.checkpoint, trust=request.trust)
    state = contents.state if contents.module is None else contents.module.state_dict()
    fixed = make(classes) if outline is None else None
    known = outline or Outline(shapes_of(fixed) if fixed is not None else {}, {})
    state = best_variant(state, known)
    misfit = known.misfit(state)
    if misfit.size:
        raise CheckpointError(_misfit(request, contents, misfit))
    count = known.count(state) or classes
    module = fixed if fixed is not None else make(count)
    load_weights(module, state)
    module = module.float().eval()
    return Built(module, f"checkpoint {contents.path.name} (state dict)", count)


def _misfit(request: ModelRequest, contents: Checkpoint, misfit: Misfit) -> str:
    from reportgen.models.identify import identify, timm_hint  # noqa: PLC0415 - needs the sources

    other = identify(contents.state)
    advice = (
        f"It fits {other}: give --model {other}, or leave --model out."
        if other is not None
        else f"Give the architecture that it was saved from.{timm_hint(contents.state)}"
    )
    return (
        f"--checkpoint: '{contents.path}' does not fit --model {request.name} "
        f"({misfit.describe()}). {advice}"
    )


def describe_model(built: Built, name: str, *, source: str, architecture: str) -> ModelInfo:
    """Collect what the report says about a network."""
    return ModelInfo(
        name=name,
        source=source,
        architecture=architecture,
        weights=built.weights,
        weights_sha256=hash_weights(built.module),
        trained=built.trained,
        parameters=sum(parameter.numel() for parameter in built.module.parameters()),
        classes=built.classes,
    )


def hash_weights(module: nn.Module) -> str:
    """Return the SHA-256 over every tensor of the state dict: name, dtype, shape and bytes."""
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        if not isinstance(tensor, torch.Tensor):
            continue  # a layer may keep a state of its own kind there
        values = tensor.detach().cpu().contiguous()
        digest.update(f"{name}:{values.dtype}:{tuple(values.shape)}\n".encode())
        digest.update(values.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def categories_for(classes: int, imagenet: tuple[str, ...]) -> tuple[str, ...]:
    """Return ImageNet's names where the count fits, and ``class 0``, ``class 1``, … elsewhere."""
    if classes == len(imagenet):
        return imagenet
    return placeholders(classes)
