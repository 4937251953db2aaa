"""Give networks pickled by older versions the attributes that newer ones look for.

A pickled module keeps the attributes that its class had when it was saved, but runs with the code
that is installed now. What that code expects beyond them is added here with the value that leaves
the module computing what it did.
"""

from __future__ import annotations

import copy
import inspect
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIBRARIES = ("torch.nn.", "torchvision.", "timm.")

_SIDE_HEADS = {
    "GoogLeNet": ("aux1", "aux2"),
    "Inception3": ("AuxLogits",),
}
"""Class name → heads for training, which are looked for even where there are none."""

_Plain = bool | int | float | str | None


def repair(module: nn.Module, donor: nn.Module | None = None) -> None:
    """Add to a network, in place, what an older version did not save.

    Parameters
    ----------
    module
        The network as it was unpickled.
    donor
        The same architecture as the installed version builds it, whose values are taken where
        the network has none; its tensors are not looked at.
    """
    for part in _every(module):
        _add_missing(part, _base_attributes())
        _unwrap_children(part)
        if type(part).__module__.startswith(_LIBRARIES):
            _add_missing(part, _defaults(type(part)))
        _repair_layer(part)
    if donor is not None:
        _take_from(module, donor)
    for part in _every(module):
        for name in _SIDE_HEADS.get(type(part).__name__, ()):
            if not hasattr(part, name):
                setattr(part, name, None)


def _every(module: nn.Module) -> Iterator[nn.Module]:
    # A list, since children are replaced on the way.
    yield from list(module.modules())


def _base_attributes() -> dict[str, Any]:
    """Return what every module of the installed torch has: hooks, modes and containers."""
    return vars(nn.Module())


def _defaults(kind: type[nn.Module]) -> dict[str, _Plain]:
    """Return the plain default values of a constructor's parameters.

    New options of a layer come as parameters whose default keeps the old behaviour, and are
    stored under their own names: ``padding_mode``, ``approximate``, ``ceil_mode``, ….
    """
    return {
        parameter.name: parameter.default
        for parameter in inspect.signature(kind).parameters.values()
        if isinstance(parameter.default, bool | int | float | str) or parameter.default is None
        if parameter.name not in {"device", "dtype"}
    }


def _add_missing(part: nn.Module, attributes: dict[str, Any]) -> None:
    for name, value in attributes.items():
        if not _has(part, name):
            part.__dict__[name] = copy.copy(value)


def _has(part: nn.Module, name: str) -> bool:
    """Whether a module has an attribute of its own, its class's, or in one of its containers."""
    if name in vars(part) or hasattr(type(part), name):
        # The class only says of which type some attributes are, or None for those not yet there.
        return name in vars(part) or getattr(type(part), name) is not None
    containers = (part._parameters, part._buffers, part._modules)  # noqa: SLF001 - hasattr needs them
    return any(name in container for container in containers)


def _repair_layer(part: nn.Module) -> None:
    """Add what is computed from other attributes."""
    if isinstance(part, nn.Conv1d | nn.Conv2d | nn.Conv3d) and not _has(
        part, "_reversed_padding_repeated_twice"
    ):
        padding = part.padding if isinstance(part.padding, tuple) else ()
        twice = [side for side in reversed(padding) for _ in range(2)]
        part._reversed_padding_repeated_twice = twice  # noqa: SLF001
    if isinstance(part, nn.modules.batchnorm._NormBase) and (  # noqa: SLF001 - all batch norms
        "num_batches_tracked" not in part._buffers  # noqa: SLF001
    ):
        counted = part._buffers.get("running_mean") is not None  # noqa: SLF001
        part._buffers["num_batches_tracked"] = torch.tensor(0) if counted else None  # noqa: SLF001


def _unwrap_children(part: nn.Module) -> None:
    """Take children out of DataParallel, which would look for the graphics cards of then."""
    for name, child in part._modules.items():  # noqa: SLF001
        if isinstance(child, nn.DataParallel):
            part._modules[name] = child._modules["module"]  # noqa: SLF001


def _take_from(module: nn.Module, donor: nn.Module) -> None:
    """Copy attributes and layers without weights from the same place of another network."""
    places = dict(module.named_modules())
    for place, model in donor.named_modules():
        part = places.get(place)
        if part is None or type(part) is not type(model):
            continue
        known = {
            name: value
            for name, value in vars(model).items()
            if not isinstance(value, torch.Tensor)
        }
        _add_missing(part, known)
        if isinstance(part, nn.Sequential | nn.ModuleList):
            continue  # another layer would be run
        for name, child in model._modules.items():  # noqa: SLF001
            if not _has(part, name) and child is not None and not child.state_dict():
                part._modules[name] = copy.deepcopy(child)  # noqa: SLF001
