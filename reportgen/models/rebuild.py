"""The functions that a checkpoint may call, instead of the libraries' own.

Each takes what the libraries' functions take, and makes a plain value of it or raises. None calls
anything that it is given, and hooks, attributes and types that the file wants to add are left out.
"""

from __future__ import annotations

import pickle
import re
import sys
from collections import OrderedDict
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable

ARRAY = "numpy.ndarray"
"""Stands for the class, which the file only passes to `empty_array`."""

_NUMBER_TYPE = re.compile(r"[<|=]?([biufc]\d{1,2}|\?|[SU]\d{1,6})")


def tensor(storage: Any, offset: int, size: Any, stride: Any, *extra: Any) -> torch.Tensor:  # noqa: ANN401
    """Make a tensor; ``extra`` says whether it needs a gradient, and hooks, which are dropped.

    It is one over values that the file holds: with strides of zero a few bytes would claim to be
    terabytes, which the first copy would really take.
    """
    rebuilt: torch.Tensor = torch._utils._rebuild_tensor_v2(  # type: ignore[no-untyped-call] # noqa: SLF001
        storage, offset, size, stride, bool(extra and extra[0] is True), OrderedDict()
    )
    held = rebuilt.untyped_storage().nbytes()
    if not rebuilt.is_meta and rebuilt.numel() * rebuilt.element_size() > held:
        raise pickle.UnpicklingError(
            f"a tensor of shape {tuple(rebuilt.shape)} claims more values than the file holds"
        )
    return rebuilt


def parameter(data: object = None, *extra: object) -> nn.Parameter:
    """Make a parameter without hooks or further attributes."""
    if not isinstance(data, torch.Tensor):
        raise pickle.UnpicklingError("a parameter is expected to hold a tensor")
    wanted = not extra or extra[0] is True
    return nn.Parameter(data.detach(), wanted and data.is_floating_point())


def plain_dict(*_factory: object) -> OrderedDict[Any, Any]:
    """Make a dict in place of a defaultdict, whose factory would be called later."""
    return OrderedDict()


def new_partial(function: Callable[..., Any]) -> partial[Any]:
    """Make a partial of a function that the unpickler has checked."""
    return partial(function)


def byte_array(*arguments: object) -> bytearray:
    """Make a bytearray from bytes, or from text in Latin-1, and not of a length."""
    value = arguments[0] if arguments else b""
    if isinstance(value, str):
        return bytearray(value, "latin-1")
    if not isinstance(value, bytes):
        raise pickle.UnpicklingError("a bytearray is expected to come from bytes")
    return bytearray(value)


def encoded(text: object, encoding: object = "latin1") -> bytes:
    """Return bytes, which protocol 2 writes as text in Latin-1."""
    if not isinstance(text, str) or encoding not in {"latin1", "latin-1", b"latin1"}:
        raise pickle.UnpicklingError("bytes are expected as text in Latin-1")
    return text.encode("latin-1")


def pure_path(*parts: object) -> PurePosixPath:
    """Make a path that cannot touch the disk."""
    return PurePosixPath(*(str(part) for part in parts))


def cpu(*_where: object) -> torch.device:
    """Return the CPU, wherever the file says."""
    return torch.device("cpu")


def timm_format(value: object) -> Any:  # noqa: ANN401 - timm's enumeration, untyped
    """Return one of timm's orders of dimensions, ``NCHW`` and the like."""
    from timm.layers.format import Format  # noqa: PLC0415 - slow to import

    return Format(value)


def number_type(text: object, *_flags: object) -> np.dtype[Any]:
    """Make one of NumPy's types of numbers and text, never of objects."""
    if not isinstance(text, str) or not _NUMBER_TYPE.fullmatch(text):
        raise pickle.UnpicklingError(f"the NumPy type {text!r} is not a type of numbers")
    return np.dtype(text)


def number(kind: object, data: object) -> Any:  # noqa: ANN401 - a NumPy scalar
    """Make a NumPy number from its bytes."""
    if not isinstance(kind, np.dtype) or not isinstance(data, bytes):
        raise pickle.UnpicklingError("a NumPy number is expected as a type and bytes")
    return np.frombuffer(data, dtype=kind, count=1)[0]


def empty_array(*_ignored: object) -> np.ndarray[Any, Any]:
    """Make an array, to be filled by `restore_numpy`."""
    return np.empty((0,), dtype=np.uint8)


def restore_numpy(instance: object, state: Any) -> bool:  # noqa: ANN401 - from the file
    """Give an array its contents, or check a type's byte order; whether it was one of these."""
    if isinstance(instance, np.dtype):
        native = "<" if sys.byteorder == "little" else ">"
        if not isinstance(state, tuple) or state[1] not in {native, "|", "="}:
            raise pickle.UnpicklingError("a NumPy type of this machine's byte order is expected")
        return True
    if type(instance) is not np.ndarray:
        return False
    _, shape, kind, fortran, data = state
    if not isinstance(kind, np.dtype) or kind.hasobject or not isinstance(data, bytes):
        raise pickle.UnpicklingError("a NumPy array of numbers is expected")
    restored: Any = instance
    restored.__setstate__((1, shape, kind, bool(fortran), data))
    return True
