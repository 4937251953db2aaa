"""A plan as bytes, so that a worker on another machine needs none of the files it was made from.

The weights travel in it, and the source of a network of the user's own: neither a checkpoint nor
its Python file has to lie on the workers.
"""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import torch
from ray import cloudpickle

from reportgen.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from torch import nn

    from reportgen.plan import Plan

_THERE = frozenset({"reportgen", "torch", "torchvision", "timm", "builtins"})
"""Packages that every worker has, in the same version; `reportgen.engines.cluster` makes sure."""


class _Pickler(cloudpickle.CloudPickler):  # type: ignore[misc]
    """Knows what pickle does not: TorchScript, which has a file format of its own."""

    def reducer_override(self, value: Any) -> Any:  # noqa: ANN401 - pickle's own type
        """Return how to make ``value`` again."""
        if isinstance(value, torch.jit.ScriptModule):
            buffer = io.BytesIO()
            torch.jit.save(value, buffer)
            return _script, (buffer.getvalue(),)
        return super().reducer_override(value)


def _script(data: bytes) -> object:
    load = cast("Callable[[io.BytesIO], object]", torch.jit.load)
    return load(io.BytesIO(data))


def pack(plan: Plan) -> bytes:
    """Return a plan as bytes.

    Raises
    ------
    ModelError
        If the network cannot be sent to another process.
    """
    try:
        with _by_value(plan.loaded.module):
            return packed(plan)
    except Exception as error:
        raise ModelError(
            f"--engine ray: the network cannot be sent to the workers "
            f"({type(error).__name__}: {error}). Use --engine local.",
        ) from error


def packed(value: object) -> bytes:
    """Return any value as bytes for `pickle.loads`; raises what pickle raises."""
    buffer = io.BytesIO()
    _Pickler(buffer).dump(value)
    return buffer.getvalue()


def unpack(data: bytes) -> Plan:
    """Return the plan that `pack` made ``data`` of."""
    return cast("Plan", cloudpickle.loads(data))


@contextmanager
def _by_value(network: nn.Module) -> Iterator[None]:
    """Let the classes of a network of the user's own travel with their code."""
    own = list(_own_modules(network))
    for module in own:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in own:
            cloudpickle.unregister_pickle_by_value(module)


def _own_modules(network: nn.Module) -> Iterator[ModuleType]:
    names = {type(part).__module__ for part in network.modules()}
    for name in sorted(names):
        module = sys.modules.get(name)
        if module is not None and name.partition(".")[0] not in _THERE:
            yield module
