"""Read a local checkpoint: a whole network or a state dict, without running code from it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from reportgen.errors import CheckpointError
from reportgen.models.allowlist import RefusedGlobalError
from reportgen.models.categories import CategoryNames, names_inside
from reportgen.models.fileformat import Format, recognise
from reportgen.models.imports import current_folder_importable
from reportgen.models.unpickle import load_restricted

if TYPE_CHECKING:
    from pathlib import Path

_CONTAINERS = (
    "state_dict",
    "model_state_dict",
    "model",
    "net",
    "network",
    "module",
    "ema",
    "model_ema",
    "params",
    "weights",
)
"""Where training scripts put the network or its weights, the first that is there is taken."""

_DEEPEST = 4
"""How many dicts may lie in one another."""

_SAVE_WEIGHTS = "save only the weights with torch.save(model.state_dict(), FILE)"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a file holds."""

    path: Path
    module: nn.Module | None
    """The whole network, as it was saved but without wrappers; None where only weights are."""
    state: dict[str, Tensor]
    """Name → tensor on the CPU, floating-point ones float32."""
    names: tuple[CategoryNames, ...]
    """Names of the classes found beside or on the network."""


def read_checkpoint(path: Path, *, trust: bool = False) -> Checkpoint:
    """Read ``path``; unless it is trusted nothing in it is run.

    Parameters
    ----------
    path
        A file of torch.save (of any version since 0.1.10) or of safetensors.
    trust
        Whether to load it with Python's own pickle where that is needed, which runs the file's
        code with the user's rights.

    Raises
    ------
    CheckpointError
        If the file is missing, is no checkpoint, holds something that would run code, or holds
        neither a network nor weights.
    """
    kind = recognise(path)
    content = _read_safetensors(path) if kind is Format.SAFETENSORS else _unpickle(path, trust)
    found = _find(content)
    if found is None:
        raise CheckpointError(_nothing_found(content, path))
    names = names_inside(content)
    if isinstance(found, nn.Module):
        module = _unwrapped(found)
        return Checkpoint(path, module, {}, (*names_inside(module), *names))
    return Checkpoint(path, None, _as_state(found, path), names)


def as_float32(tensor: Tensor) -> Tensor:
    """Return a floating-point tensor as dense float32, any other as it is."""
    return tensor.detach().float() if tensor.is_floating_point() else tensor.detach()


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError  # noqa: PLC0415 - needed for these files alone
    from safetensors.torch import load_file  # noqa: PLC0415

    try:
        return load_file(path)
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise CheckpointError(
            f"--checkpoint: '{path}' is damaged or cut short as a safetensors file ({error}). "
            f"Download or copy it again.",
        ) from None


def _unpickle(path: Path, trust: bool) -> Any:  # noqa: ANN401, FBT001 - whatever the file holds
    with warnings.catch_warnings():
        # Storages of old kinds, sources of classes that have changed, unusual protocols: nothing
        # that a user could do anything about.
        warnings.simplefilter("ignore")
        try:
            return load_restricted(path)
        except RefusedGlobalError as refused:
            if not trust:
                raise CheckpointError(_refusal(path, refused)) from None
        except Exception as error:
            # A damaged file raises almost anything, from struct.error to UnicodeDecodeError.
            raise CheckpointError(
                f"--checkpoint: '{path}' cannot be read: it is damaged, cut short or not written "
                f"by torch.save ({_first_line(error)}). Download or copy it again, or "
                f"{_SAVE_WEIGHTS}.",
            ) from error
        return _unpickle_trusted(path)


def _unpickle_trusted(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    try:
        with current_folder_importable():
            return torch.load(path, map_location="cpu", weights_only=False)
    except (AttributeError, ImportError) as error:
        raise CheckpointError(
            f"--checkpoint: '{path}' is trusted, but a class that it needs is not there "
            f"({_first_line(error)}). pickle keeps only the names of classes: their module must "
            f"be importable as it was when the file was saved. Or {_SAVE_WEIGHTS} and give the "
            f"class with --model package.module:factory.",
        ) from error
    except Exception as error:
        raise CheckpointError(
            f"--checkpoint: '{path}' is trusted, but loading it failed "
            f"({type(error).__name__}: {_first_line(error)}).",
        ) from error


def _refusal(path: Path, refused: RefusedGlobalError) -> str:
    why = (
        f": {refused.reason}"
        if refused.reason
        else ", which is not among the classes of torch.nn, torchvision and timm that can be "
        "loaded without running code from the file"
    )
    own = (
        " For a network of your own, safer: --model package.module:factory with a state dict."
        if not refused.reason and refused.name.rpartition(".")[2][:1].isupper()
        else ""
    )
    return (
        f"--checkpoint: '{path}' names {refused.name}{why}.\n"
        f"If you trust whoever made the file, --trust-checkpoint loads it all the same: that runs "
        f"code in the file, which can do anything that you can. Otherwise {_SAVE_WEIGHTS}.{own}"
    )


def _find(content: object, depth: int = 0) -> nn.Module | Mapping[Any, Any] | None:
    """Return the network or the state dict in what was loaded; None where there is neither."""
    if isinstance(content, nn.Module):
        return content
    if not isinstance(content, Mapping) or depth > _DEEPEST:
        return None
    for key in _CONTAINERS:
        found = _find(content.get(key), depth + 1)
        if found is not None:
            return found
    if any(isinstance(value, Tensor) for value in content.values()):
        return content
    # Under a name of the author's own, where it is the only one.
    held = [item for value in content.values() if (item := _find_named(value)) is not None]
    return held[0] if len(held) == 1 else None


def _find_named(value: object) -> nn.Module | Mapping[Any, Any] | None:
    """Return a network or a dict of named weights, which an optimizer's numbered state is not."""
    if isinstance(value, nn.Module):
        return value
    if isinstance(value, Mapping) and value:
        named = all(isinstance(key, str) for key in value)
        if named and all(isinstance(item, Tensor) for item in value.values()):
            return value
    return None


def _nothing_found(content: object, path: Path) -> str:
    if isinstance(content, Mapping):
        entries = ", ".join(f"'{key}'" for key in list(content)[:6]) or "nothing"
        holds = f"a dict of {entries}, and none of it is a network or a dict of named weights"
    elif isinstance(content, Tensor):
        holds = f"one tensor of shape {tuple(content.shape)}"
    else:
        holds = f"a {type(content).__name__}"
    return (
        f"--checkpoint: '{path}' holds {holds}. A whole network (torch.save(model, FILE)) or a "
        f"state dict (torch.save(model.state_dict(), FILE)) is expected."
    )


def _unwrapped(module: nn.Module) -> nn.Module:
    """Return the network inside DataParallel and its like."""
    while type(module).__name__ in {"DataParallel", "DistributedDataParallel"}:
        inner = module._modules.get("module")  # noqa: SLF001 - may lack what getattr needs
        if inner is None:
            break
        module = inner
    return module


def _as_state(content: Mapping[Any, Any], path: Path) -> dict[str, Tensor]:
    """Keep the tensors of a state dict; an epoch or a version beside them does no harm.

    Raises
    ------
    CheckpointError
        If its tensors are of a kind that carries no gradient.
    """
    state = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    for key, value in state.items():
        if value.is_quantized or value.is_meta:
            kind = "quantized" if value.is_quantized else "without data"
            raise CheckpointError(
                f"--checkpoint: in '{path}' the weights '{key}' are {kind}, so no gradient can be "
                f"taken. Save the network's ordinary weights.",
            )
    return {key: as_float32(value) for key, value in state.items()}


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
