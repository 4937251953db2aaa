"""Unpickle networks without running code from the file.

A pickle is a program: its opcodes name classes and functions and call them. Here nothing is named
but what stands on an allow-list, and nothing is called but a handful of functions of ours:

- Classes of modules from torch.nn, torchvision and timm may be *named*, and instances made
  without calling the class: ``__new__`` and then the saved attributes. Their constructors are
  never called.
- Some functions on tensors may be named (a layer may keep ``torch.nn.functional.relu`` as an
  attribute), but the file cannot call them.
- Called are only the functions in `reportgen.models.rebuild` and constructors of plain
  containers, which check or ignore what they are given.
- Opcodes that set items, append or set attributes work on plain containers and on these
  instances only, never on a class, so that the file cannot change the library's own classes.
"""

from __future__ import annotations

import argparse
import pickle
import types
from collections import Counter, OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from reportgen.models import rebuild
from reportgen.models.allowlist import (
    PARTIAL,
    Reducible,
    RefusedGlobalError,
    describe,
    is_known_callable,
    resolve,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def load_restricted(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    """Load a file of torch.save, whole modules of known classes included, onto the CPU.

    Raises
    ------
    RefusedGlobalError
        If it names anything else.
    pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError and others
        If the file is damaged.
    """
    if _is_script(path):
        raise pickle.UnpicklingError("a TorchScript archive, which torch would run")
    # weights_only would be torch's own restricted unpickler, which takes no whole modules in the
    # legacy format and would call the constructors of the classes that it is told to allow. The
    # pickle module given here is stricter than that one.
    return torch.load(
        path,
        map_location="cpu",
        weights_only=False,
        pickle_module=_AS_PICKLE_MODULE,
    )


_Base: Any = pickle._Unpickler  # noqa: SLF001 - the pure Python one, whose opcodes can be replaced

_PLAIN_OPCODES = (
    pickle.PROTO, pickle.FRAME, pickle.STOP, pickle.MARK, pickle.POP, pickle.POP_MARK, pickle.DUP,
    pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE, pickle.INT, pickle.BININT, pickle.BININT1,
    pickle.BININT2, pickle.LONG, pickle.LONG1, pickle.LONG4, pickle.FLOAT, pickle.BINFLOAT,
    pickle.STRING, pickle.BINSTRING, pickle.SHORT_BINSTRING, pickle.UNICODE, pickle.BINUNICODE,
    pickle.SHORT_BINUNICODE, pickle.BINUNICODE8, pickle.BINBYTES, pickle.SHORT_BINBYTES,
    pickle.BINBYTES8, pickle.BYTEARRAY8, pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1,
    pickle.TUPLE2, pickle.TUPLE3, pickle.EMPTY_LIST, pickle.LIST, pickle.EMPTY_DICT, pickle.DICT,
    pickle.EMPTY_SET, pickle.FROZENSET, pickle.GET, pickle.BINGET, pickle.LONG_BINGET, pickle.PUT,
    pickle.BINPUT, pickle.LONG_BINPUT, pickle.MEMOIZE, pickle.GLOBAL, pickle.STACK_GLOBAL,
)  # fmt: skip
"""Opcodes that make plain values, or name a global by way of `find_class`."""


def _is_script(path: Path) -> bool:
    """Whether torch's own reader, which may see another zip archive than ours, finds a script."""
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            return False
    records: list[str] = torch._C.PyTorchFileReader(str(path)).get_all_records()  # noqa: SLF001
    return any(record.endswith("constants.pkl") for record in records)


class _RestrictedUnpickler(_Base):  # type: ignore[misc]
    """Python's own unpickler with fewer opcodes, and with checks in those that act."""

    dispatch: dict[int, Callable[[Any], None]] = {  # noqa: RUF012 - the base's name for it
        opcode[0]: _Base.dispatch[opcode[0]] for opcode in _PLAIN_OPCODES
    }

    def load(self) -> Any:  # noqa: ANN401 - whatever the file holds
        """Return what the file holds, onwards from where it stands."""
        try:
            return super().load()
        except KeyError as error:
            raise pickle.UnpicklingError(f"unsupported opcode or memo {error}") from None
        except (IndexError, AttributeError, TypeError) as error:
            raise pickle.UnpicklingError(f"{type(error).__name__}: {error}") from None

    def find_class(self, module_name: str, global_name: str, /) -> Any:  # noqa: ANN401
        """Return what stands for a global; torch's wrapper has dealt with storages before."""
        return resolve(module_name, global_name)

    def load_reduce(self) -> None:
        """Call one of `_reducible`."""
        arguments = self.stack.pop()
        function = self.stack[-1]
        if type(function) is not Reducible or type(arguments) is not tuple:
            raise RefusedGlobalError(describe(function))
        if function is PARTIAL and not is_known_callable(arguments[0]):
            raise RefusedGlobalError(describe(arguments[0]))
        self.stack[-1] = function.call(*arguments)

    def load_newobj(self) -> None:
        """Make an instance without calling its class."""
        arguments = self.stack.pop()
        made = self.stack.pop()
        is_module = isinstance(made, type) and issubclass(made, nn.Module)
        if (not is_module and made is not argparse.Namespace) or arguments != ():
            raise RefusedGlobalError(describe(made))
        self.append(made.__new__(made))

    def load_build(self) -> None:
        """Give an instance its saved attributes."""
        state = self.stack.pop()
        instance = self.stack[-1]
        if isinstance(instance, nn.Module) and not isinstance(instance, type):
            _set_attributes(instance, state)
        elif type(instance) is argparse.Namespace or type(instance) is OrderedDict:
            instance.__dict__.update(_checked_dict(state))
        elif type(instance) is partial:
            if not is_known_callable(state[0]):
                raise RefusedGlobalError(describe(state[0]))
            restored: Any = instance
            restored.__setstate__(state)
        elif not rebuild.restore_numpy(instance, state):
            raise RefusedGlobalError(describe(instance))

    def load_binpersid(self) -> None:
        """Give a storage, or a class which the legacy format keeps with its source text."""
        what = self.stack.pop()
        kind = what[0] if type(what) is tuple and len(what) > 1 else None
        if kind in {"module", b"module"}:
            if not isinstance(what[1], type) or not issubclass(what[1], nn.Module):
                raise RefusedGlobalError(describe(what[1]))
            self.append(what[1])  # the source text beside it is left unread
        elif kind in {"storage", b"storage"}:
            self.append(self.persistent_load(what))
        else:
            raise pickle.UnpicklingError("an unknown kind of persistent object")

    def load_append(self) -> None:
        """Append one item to a list."""
        value = self.stack.pop()
        _only(self.stack[-1], list).append(value)

    def load_appends(self) -> None:
        """Append items to a list."""
        items = self.pop_mark()
        _only(self.stack[-1], list).extend(items)

    def load_additems(self) -> None:
        """Add items to a set."""
        items = self.pop_mark()
        _only(self.stack[-1], set).update(items)

    def load_setitem(self) -> None:
        """Set one item of a dict."""
        value = self.stack.pop()
        key = self.stack.pop()
        _only(self.stack[-1], dict, OrderedDict, Counter)[key] = value

    def load_setitems(self) -> None:
        """Set items of a dict."""
        items = self.pop_mark()
        target = _only(self.stack[-1], dict, OrderedDict, Counter)
        target.update(zip(items[::2], items[1::2], strict=True))

    dispatch |= {
        pickle.REDUCE[0]: load_reduce,
        pickle.NEWOBJ[0]: load_newobj,
        pickle.BUILD[0]: load_build,
        pickle.BINPERSID[0]: load_binpersid,
        pickle.APPEND[0]: load_append,
        pickle.APPENDS[0]: load_appends,
        pickle.ADDITEMS[0]: load_additems,
        pickle.SETITEM[0]: load_setitem,
        pickle.SETITEMS[0]: load_setitems,
    }


def _set_attributes(module: nn.Module, state: object) -> None:
    """Restore a module, without hooks and without anything in place of its class's methods.

    What the file may name is harmless to keep; so that it is also never *called* but where the
    class itself calls an attribute of its own, the ways to have it called are cut off.
    """
    attributes = dict(_checked_dict(state))
    for name, value in attributes.items():
        if name.endswith("_hooks") and isinstance(value, dict):
            attributes[name] = OrderedDict()
        elif name == "_compiled_call_impl":
            attributes[name] = None
        elif callable(value) and callable(getattr(type(module), name, None)):
            raise RefusedGlobalError(
                f"{describe(module)}.{name}", "the file replaces this method with another"
            )
    # Of the type: an attribute that was set before must not take its place.
    kind: Any = type(module)
    kind.__setstate__(module, attributes)


def _checked_dict(state: object) -> dict[str, Any]:
    if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
        raise pickle.UnpicklingError("attributes are expected as a dict of names")
    return state


def _only(value: Any, *kinds: type) -> Any:  # noqa: ANN401 - one of ``kinds``
    if type(value) not in kinds:
        raise pickle.UnpicklingError(f"items of a {type(value).__name__} cannot be set")
    return value


def _load(file: Any, **options: Any) -> Any:  # noqa: ANN401 - pickle.load's signature
    return _RestrictedUnpickler(file, **options).load()


_AS_PICKLE_MODULE = types.SimpleNamespace(
    __name__="restricted", Unpickler=_RestrictedUnpickler, load=_load
)
"""Has what torch.load uses of a pickle module."""
