"""Read a local checkpoint without running code from it."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import torch

from reportgen.errors import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

_CONTAINERS = ("state_dict", "model_state_dict", "model")


def read_state_dict(path: Path) -> dict[str, torch.Tensor]:
    """Read the state dict in ``path``, bare or under one of the usual names.

    torch's weights-only unpickler is used: it refuses anything but tensors and plain containers,
    so that nothing in the file is run.

    Raises
    ------
    CheckpointError
        If the file is missing, is not a checkpoint, or holds more than tensors.
    """
    if not path.is_file():
        raise CheckpointError(f"--checkpoint: there is no file '{path}'.")
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()
        raise CheckpointError(
            f"--checkpoint: '{path}' cannot be read as a state dict "
            f"({reason[0] if reason else type(error).__name__}). "
            f"Save one with torch.save(model.state_dict(), FILE).",
        ) from None
    for container in _CONTAINERS:
        if isinstance(loaded, dict) and isinstance(loaded.get(container), dict):
            loaded = loaded[container]
            break
    if not isinstance(loaded, dict) or not loaded:
        raise CheckpointError(
            f"--checkpoint: '{path}' holds a {type(loaded).__name__}, "
            f"but a state dict (name → tensor) is expected.",
        )
    strays = [key for key, value in loaded.items() if not isinstance(value, torch.Tensor)]
    if strays:
        raise CheckpointError(
            f"--checkpoint: in '{path}' the entry '{strays[0]}' is not a tensor. "
            f"Save only the weights, with torch.save(model.state_dict(), FILE).",
        )
    return {str(key): value for key, value in loaded.items()}


def class_count(state: dict[str, torch.Tensor], path: Path) -> int:
    """Return the number of classes: the outputs of the last weight that is a matrix or filter.

    Raises
    ------
    CheckpointError
        If there is no such weight.
    """
    weights = [
        value
        for key, value in state.items()
        if key.endswith("weight") and value.ndim >= 2  # noqa: PLR2004 - a matrix at least
    ]
    if not weights:
        raise CheckpointError(
            f"--checkpoint: '{path}' has no weight matrix, so the number of classes is unknown.",
        )
    return int(weights[-1].shape[0])
