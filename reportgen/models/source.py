"""What a model source gives, and what all sources share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from reportgen.errors import CheckpointError, OptionError
from reportgen.models.checkpoint import class_count, read_state_dict
from reportgen.values import ModelInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from torch import nn

    from reportgen.values import Preprocessing


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What the user asked for."""

    name: str
    weights: str = "default"
    """``default``, or ``none`` for random weights."""
    checkpoint: Path | None = None
    """A local state dict to load instead of the default weights."""
    seed: int = 0
    """Seeds torch before a model with random weights is built."""
    show_progress: bool = True
    """Whether a download draws a progress line on stderr."""


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
    preprocessing: Preprocessing


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
    if request.weights not in {"default", "none"}:
        raise OptionError(
            f"--weights: 'default' or 'none' is expected, found '{request.weights}'. "
            f"A file of weights goes to --checkpoint.",
        )
    if request.checkpoint is not None and request.weights == "none":
        raise OptionError("--weights none and --checkpoint: give one of them, not both.")
    torch.manual_seed(request.seed)
    if request.checkpoint is not None:
        state = read_state_dict(request.checkpoint)
        count = class_count(state, request.checkpoint)
        module = make(count)
        _load(module, state, request.checkpoint, request.name)
        return Built(module.eval(), f"checkpoint {request.checkpoint.name}", count)
    if request.weights == "none":
        return Built(
            make(classes).eval(),
            f"torch's own initialisation, seed {request.seed}",
            classes,
            trained=False,
        )
    state, origin = default_weights()
    module = make(classes)
    module.load_state_dict(state)
    return Built(module.eval(), origin, classes)


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
        values = tensor.detach().cpu().contiguous()
        digest.update(f"{name}:{values.dtype}:{tuple(values.shape)}\n".encode())
        digest.update(values.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def categories_for(classes: int, imagenet: tuple[str, ...]) -> tuple[str, ...]:
    """Return ImageNet's names where the count fits, and ``class 0``, ``class 1``, … elsewhere."""
    if classes == len(imagenet):
        return imagenet
    return tuple(f"class {index}" for index in range(classes))


def _load(module: nn.Module, state: dict[str, torch.Tensor], path: Path, name: str) -> None:
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:4]]
        raise CheckpointError(
            f"--checkpoint: '{path}' does not fit --model {name}: {' '.join(lines)} "
            f"Give the architecture that the checkpoint was saved from.",
        ) from None
