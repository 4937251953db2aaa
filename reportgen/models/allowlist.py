"""What a checkpoint may name: modules of known libraries, and a few functions of our own."""

from __future__ import annotations

import argparse
import importlib
import pickle
import warnings
from collections import Counter, OrderedDict
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from reportgen.models import rebuild

if TYPE_CHECKING:
    from collections.abc import Callable

_PACKAGES = (
    "torch.nn.modules.",
    "torchvision.models.",
    "torchvision.ops.",
    "timm.models.",
    "timm.layers.",
)
"""Only modules in these are imported, and only classes defined in them are used."""

_SINGLE_MODULES = frozenset({"torch.nn.parallel.data_parallel"})
_EXCEPT = ("timm.models._features", "timm.models.features")
"""Their constructors generate code; a partial of one would be a way to have that called."""

_SEQUENTIAL = ("torch.nn.modules.container", "Sequential")
_MOVED = {
    ("torchvision.models.mobilenet", "ConvBNReLU"): _SEQUENTIAL,
    ("torchvision.models.mobilenetv2", "ConvBNReLU"): _SEQUENTIAL,
    ("torchvision.models.mobilenetv2", "ConvBNActivation"): _SEQUENTIAL,
    ("torchvision.models.mobilenetv3", "ConvBNActivation"): _SEQUENTIAL,
    ("torchvision.models.efficientnet", "ConvBNActivation"): _SEQUENTIAL,
    ("torchvision.ops.misc", "ConvTranspose2d"): ("torch.nn.modules.conv", "ConvTranspose2d"),
    ("torchvision.ops.misc", "Conv2d"): ("torch.nn.modules.conv", "Conv2d"),
    ("torchvision.ops.misc", "BatchNorm2d"): ("torch.nn.modules.batchnorm", "BatchNorm2d"),
}
"""Classes that older versions had and newer ones have under another name."""

_MOVED_PREFIXES = (
    ("timm.models.layers.", "timm.layers."),
    ("timm.models.efficientnet_blocks", "timm.models._efficientnet_blocks"),
    ("__builtin__", "builtins"),
    ("numpy._core.", "numpy.core."),
    ("pathlib._local", "pathlib"),
)

_FUNCTIONS = frozenset(
    [
        *("relu", "relu_", "relu6", "gelu", "silu", "elu", "selu", "celu", "leaky_relu", "mish"),
        *("hardswish", "hardtanh", "hardsigmoid", "softplus", "tanh", "sigmoid", "glu"),
        *("softmax", "log_softmax", "dropout", "normalize", "flatten"),
        *("adaptive_avg_pool2d", "adaptive_max_pool2d", "avg_pool2d", "max_pool2d"),
    ]
)
"""Of `_FUNCTION_HOMES`: they may be named and kept, not called by the file."""

_FUNCTION_HOMES = {
    "torch": torch,
    "torch.nn.functional": nn.functional,
    "torch._C._nn": torch._C._nn,  # noqa: SLF001 - where pickle finds F.gelu
    "torch._VariableFunctions": torch,
    "torch._C._VariableFunctions": torch,
}


_REASONS = {
    "torch._utils._rebuild_qtensor": "its weights are quantized, and carry no gradient",
    "torch._utils._rebuild_meta_tensor_no_storage": "its weights were saved without their values",
}
"""Functions that are refused for what they make, not for what they might do."""


class RefusedGlobalError(pickle.UnpicklingError):
    """The file names something that is not on the allow-list.

    Parameters
    ----------
    name
        For example ``posix.system``.
    reason
        Why not, where it looks as if it should be; empty otherwise.
    """

    def __init__(self, name: str, reason: str = "") -> None:
        super().__init__(f"{name} is not allowed here")
        self.name = name
        self.reason = reason


class Reducible:
    """One function that the file may call, wrapped so that nothing else can pass for it."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call


PARTIAL = Reducible(rebuild.new_partial)


@cache
def _reducible() -> dict[str, Reducible]:
    """Return every global that the file may call, with our own function in its place."""
    table: dict[str, Callable[..., Any]] = {
        "collections.OrderedDict": OrderedDict,
        "collections.Counter": Counter,
        "collections.defaultdict": rebuild.plain_dict,
        "builtins.set": set,
        "builtins.frozenset": frozenset,
        "builtins.complex": complex,
        "builtins.bytearray": rebuild.byte_array,
        "_codecs.encode": rebuild.encoded,
        "pathlib.PosixPath": rebuild.pure_path,
        "pathlib.WindowsPath": rebuild.pure_path,
        "pathlib.Path": rebuild.pure_path,
        "torch.Size": torch.Size,
        "torch.device": rebuild.cpu,
        "torch._utils._rebuild_tensor": rebuild.tensor,
        "torch._utils._rebuild_tensor_v2": rebuild.tensor,
        "torch._utils._rebuild_parameter": rebuild.parameter,
        "torch._utils._rebuild_parameter_with_state": rebuild.parameter,
        "torch.nn.parameter.Parameter": rebuild.parameter,
        "torch.nn.parameter.Buffer": rebuild.parameter,
        "timm.layers.format.Format": rebuild.timm_format,
        "numpy.dtype": rebuild.number_type,
        "numpy.core.multiarray.scalar": rebuild.number,
        "numpy.core.multiarray._reconstruct": rebuild.empty_array,
    }
    return {name: Reducible(call) for name, call in table.items()} | {"functools.partial": PARTIAL}


def _moved(module: str, name: str) -> tuple[str, str]:
    """Return where a global is found today."""
    module, name = _MOVED.get((module, name), (module, name))
    for old, new in _MOVED_PREFIXES:
        if module.startswith(old):
            return new + module.removeprefix(old), name
    return module, name


def _module_class(module: str, name: str) -> type[nn.Module] | None:
    """Return the class of that name if it is one of the known packages' modules.

    Nothing is imported but modules of the packages themselves, and the attribute is taken from
    the module's dictionary, so that neither a dotted name nor a module's ``__getattr__`` leads
    anywhere else.
    """
    if not _is_known_package(module):
        return None
    if not all(part.isidentifier() for part in (*module.split("."), name)):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old homes of classes warn that they are old
            found = vars(importlib.import_module(module)).get(name)
    except ImportError:
        found = None
    if found is None:
        package = module.partition(".")[0]
        raise RefusedGlobalError(
            f"{module}.{name}", f"the installed {package} has no such class, or no longer"
        )
    if not isinstance(found, type) or not issubclass(found, nn.Module):
        return None
    return found if _is_known_package(found.__module__) else None


def _is_known_package(module: str) -> bool:
    known = module.startswith(_PACKAGES) or module in _SINGLE_MODULES
    return known and not module.startswith(_EXCEPT)


def resolve(module: str, name: str) -> Any:  # noqa: ANN401 - a class, a function or a value
    """Return what stands for a global of the file, or refuse it."""
    original = f"{module}.{name}"
    module, name = _moved(module, name)
    full = f"{module}.{name}"
    if full in _reducible():
        return _reducible()[full]
    if full == "argparse.Namespace":
        return argparse.Namespace
    if full == "numpy.ndarray":
        return rebuild.ARRAY  # the first argument of _reconstruct, which ignores it
    if module == "torch" and isinstance(vars(torch).get(name), torch.dtype | torch.memory_format):
        return vars(torch)[name]
    if module in _FUNCTION_HOMES and name in _FUNCTIONS:
        function = getattr(_FUNCTION_HOMES[module], name, None)
        if function is not None:
            return function
    found = _module_class(module, name)
    if found is None:
        raise RefusedGlobalError(original, _REASONS.get(full, ""))
    return found


def is_known_callable(value: object) -> bool:
    """Whether it is a module class or a function that `resolve` gave."""
    if isinstance(value, type):
        return issubclass(value, nn.Module)
    return any(
        value is getattr(home, name, None)
        for home in _FUNCTION_HOMES.values()
        for name in _FUNCTIONS
    )


def describe(value: object) -> str:
    """Return the name under which to refuse a value on the unpickler's stack."""
    if isinstance(value, Reducible):
        names = [name for name, item in _reducible().items() if item is value]
        return names[0]
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{getattr(named, '__module__', '')}.{getattr(named, '__qualname__', named)}"
