"""Nothing in a checkpoint is run unless it is trusted: attacks, in both of torch's formats."""

from __future__ import annotations

import argparse
import io
import os
import pickle
import zipfile
from collections import OrderedDict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn

from reportgen.errors import CheckpointError
from reportgen.models.allowlist import RefusedGlobalError, resolve
from reportgen.models.checkpoint import read_checkpoint
from reportgen.models.unpickle import _AS_PICKLE_MODULE, load_restricted

if TYPE_CHECKING:
    from collections.abc import Callable

ZIP, LEGACY = True, False
FORMATS = pytest.mark.parametrize("zipped", [ZIP, LEGACY], ids=["zip", "legacy"])


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.path),)


def save(content: object, path: Path, *, zipped: bool, protocol: int = 2) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=zipped, pickle_protocol=protocol)


def small_net() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())


def nested(evil: object) -> nn.Module:
    net = small_net()
    vars(net[0])["note"] = evil
    return net


def hooked(evil: object) -> nn.Module:
    net = small_net()
    net._forward_hooks[0] = evil  # type: ignore[assignment]
    return net


HIDING_PLACES: dict[str, Callable[[object], object]] = {
    "bare": lambda evil: evil,
    "in a dict": lambda evil: {"state_dict": small_net().state_dict(), "note": evil},
    "as a key": lambda evil: {"model": small_net(), (evil,): 1},
    "in a list": lambda evil: [evil],
    "on a layer": nested,
    "as a hook": hooked,
    "in a namespace": lambda evil: {"model": small_net(), "args": argparse.Namespace(a=evil)},
    "in a partial": lambda evil: {"model": small_net(), "f": partial(nn.LayerNorm, evil)},
}


@FORMATS
@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("place", HIDING_PLACES)
def test_a_call_in_the_file_is_not_made(
    tmp_path: Path, place: str, protocol: int, *, zipped: bool
) -> None:
    file, made = tmp_path / "evil.pth", tmp_path / "made"
    save(HIDING_PLACES[place](Touch(made)), file, zipped=zipped, protocol=protocol)
    with pytest.raises(CheckpointError, match=rf"names {os.mkdir.__module__}\.mkdir") as caught:
        read_checkpoint(file)
    assert not made.exists()
    assert "--trust-checkpoint" in str(caught.value)
    assert "runs code in the file" in str(caught.value).replace("\n", " ")


@FORMATS
def test_trust_runs_it(tmp_path: Path, *, zipped: bool) -> None:
    """Which also shows that the attack above would have worked."""
    file, made = tmp_path / "evil.pth", tmp_path / "made"
    save({"model": small_net(), "note": Touch(made)}, file, zipped=zipped)
    contents = read_checkpoint(file, trust=True)
    assert isinstance(contents.module, nn.Sequential)
    assert made.is_dir()


# -- pickles written by hand -----------------------------------------------------------------


def run_pickle(program: bytes) -> object:
    return _AS_PICKLE_MODULE.load(io.BytesIO(program), encoding="utf-8")


def text(value: str) -> bytes:
    return pickle.SHORT_BINUNICODE + bytes([len(value.encode())]) + value.encode()


def stack_global(module: str, name: str) -> bytes:
    return text(module) + text(name) + pickle.STACK_GLOBAL


START = pickle.PROTO + b"\x04"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("posix", "system"),
        ("os", "system"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("builtins", "__import__"),
        ("__builtin__", "eval"),
        ("subprocess", "Popen"),
        ("torch", "load"),
        ("torch", "hub.load"),
        ("torch", "ops"),
        ("torch", "classes"),
        ("torch.hub", "load_state_dict_from_url"),
        ("torch.jit", "load"),
        ("torch.nn.modules.module", "Module.__init__"),
        ("torch.nn", "Module.__init__.__globals__"),
        ("torch.nn.modules.module", "torch"),
        ("torch.nn.modules.module", "functools.partial"),
        ("torch.nn.modules.module", "inspect"),
        ("torch.nn.modules.module", "_EXTRA_STATE_KEY_SUFFIX"),
        ("torch.nn.modules.module", "register_module_forward_hook"),
        ("torch.nn.modules..module", "Module"),
        ("torch.nn.modules.module.", "Module"),
        ("torch.nn.parallel.distributed", "DistributedDataParallel"),
        ("torch.nn.utils.weight_norm", "WeightNorm"),
        ("torchvision.models._api", "get_model"),
        ("torchvision.models.resnet", "resnet18"),
        ("torchvision.models.resnet", "partial"),
        ("torchvision.io.image", "write_jpeg"),
        ("timm.models._helpers", "load_checkpoint"),
        ("timm.models._features_fx", "FeatureGraphNet"),
        ("timm.models._hub", "torch"),
        ("torch.fx.graph_module", "GraphModule"),
        ("torch._utils", "_rebuild_from_type_v2"),
        ("__main__", "Net"),
        ("types", "FunctionType"),
        ("numpy", "load"),
        ("numpy.core.multiarray", "fromfile"),
    ],
)
def test_a_forged_global_is_refused(module: str, name: str) -> None:
    with pytest.raises(RefusedGlobalError) as caught:
        run_pickle(START + stack_global(module, name) + pickle.STOP)
    assert caught.value.name == f"{module}.{name}"
    with pytest.raises(RefusedGlobalError):
        run_pickle(pickle.GLOBAL + f"{module}\n{name}\n".encode() + pickle.STOP)


def test_a_memoized_name_is_refused() -> None:
    put = pickle.BINPUT + b"\x00" + pickle.POP
    get = pickle.BINGET + b"\x00"
    program = START + text("posix") + put + get + text("system") + pickle.STACK_GLOBAL
    with pytest.raises(RefusedGlobalError, match=r"posix\.system"):
        run_pickle(program + pickle.STOP)


@pytest.mark.parametrize(
    "program",
    [
        # A class is never called, by whichever opcode.
        stack_global("torch.nn.modules.linear", "Linear")
        + (pickle.BININT1 + b"\x01") * 2
        + pickle.TUPLE2
        + pickle.REDUCE,
        # Neither is a function on tensors,
        stack_global("torch.nn.functional", "relu") + pickle.NONE + pickle.TUPLE1 + pickle.REDUCE,
        # nor a network, whose forward would run,
        stack_global("torch.nn.modules.activation", "ReLU")
        + pickle.EMPTY_TUPLE
        + pickle.NEWOBJ
        + pickle.EMPTY_TUPLE
        + pickle.REDUCE,
        # nor a partial.
        stack_global("functools", "partial")
        + stack_global("torch.nn.modules.activation", "ReLU")
        + pickle.TUPLE1
        + pickle.REDUCE
        + pickle.EMPTY_TUPLE
        + pickle.REDUCE,
        # A partial of a function that may be called is none of a known one.
        stack_global("functools", "partial")
        + stack_global("_codecs", "encode")
        + pickle.TUPLE1
        + pickle.REDUCE,
        # New objects come without arguments, and of modules only.
        stack_global("torch.nn.modules.activation", "ReLU")
        + pickle.NONE
        + pickle.TUPLE1
        + pickle.NEWOBJ,
        stack_global("collections", "OrderedDict") + pickle.EMPTY_TUPLE + pickle.NEWOBJ,
        # The attributes of a class stay as they are: this would change the library's own.
        stack_global("torch.nn.modules.activation", "ReLU") + pickle.EMPTY_DICT + pickle.BUILD,
    ],
    ids=["class", "function", "network", "partial", "partial of", "arguments", "dict", "build"],
)
def test_what_may_be_named_may_not_be_called(program: bytes) -> None:
    with pytest.raises(RefusedGlobalError):
        run_pickle(START + program + pickle.STOP)


@pytest.mark.parametrize(
    "program",
    [
        pickle.MARK + stack_global("torch.nn.modules.activation", "ReLU") + pickle.OBJ,
        pickle.INST + b"torch.nn.modules.activation\nReLU\n",
        pickle.EXT1 + b"\x01",
        stack_global("torch.nn.modules.activation", "ReLU")
        + pickle.EMPTY_TUPLE
        + pickle.EMPTY_DICT
        + pickle.NEWOBJ_EX,
        pickle.PERSID + b"0\n",
        # Items of dicts only.
        stack_global("builtins", "bytearray")
        + pickle.SHORT_BINBYTES
        + b"\x01x"
        + pickle.TUPLE1
        + pickle.REDUCE
        + (pickle.BININT1 + b"\x00") * 2
        + pickle.SETITEM,
        pickle.EMPTY_DICT + pickle.NONE + pickle.APPEND,
        pickle.BINGET + b"\x07",
    ],
    ids=["OBJ", "INST", "EXT", "NEWOBJ_EX", "PERSID", "SETITEM", "APPEND", "memo"],
)
def test_other_opcodes_are_damage(program: bytes) -> None:
    with pytest.raises(pickle.UnpicklingError):
        run_pickle(START + program + pickle.STOP)


def relu_with(attributes: bytes, *, times: int = 1) -> bytes:
    relu = stack_global("torch.nn.modules.activation", "ReLU") + pickle.EMPTY_TUPLE
    return START + relu + pickle.NEWOBJ + (attributes + pickle.BUILD) * times + pickle.STOP


@pytest.mark.parametrize("name", ["forward", "__call__", "__setstate__", "state_dict", "eval"])
def test_methods_stay_the_class_s_own(name: str) -> None:
    attributes = pickle.EMPTY_DICT + text(name) + stack_global("torch.nn.functional", "relu")
    with pytest.raises(RefusedGlobalError) as caught:
        run_pickle(relu_with(attributes + pickle.SETITEM))
    assert caught.value.name.endswith(f"ReLU.{name}")


def test_hooks_are_dropped() -> None:
    hooks = pickle.EMPTY_DICT + pickle.NONE + stack_global("torch.nn.functional", "relu")
    attributes = pickle.EMPTY_DICT + text("_forward_hooks") + hooks + pickle.SETITEM
    network = run_pickle(relu_with(attributes + pickle.SETITEM))
    assert isinstance(network, nn.ReLU)
    assert network._forward_hooks == OrderedDict()


@pytest.mark.parametrize("kind", ["O", "V8", "f4,O", "M8[ns]", "O8"])
def test_numpy_objects_are_refused(kind: str) -> None:
    program = stack_global("numpy", "dtype") + text(kind) + pickle.TUPLE1 + pickle.REDUCE
    with pytest.raises(pickle.UnpicklingError, match="not a type of numbers"):
        run_pickle(START + program + pickle.STOP)


def test_a_script_that_only_torch_s_reader_sees_is_refused(tmp_path: Path) -> None:
    """The two readers of zip archives differ; torch would run what its own one finds."""
    file = tmp_path / "script.pth"
    torch.save({"weight": torch.zeros(1)}, file)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(f"{archive.namelist()[0].partition('/')[0]}/constants.pkl", b"")
    with pytest.raises(pickle.UnpicklingError, match="TorchScript"):
        load_restricted(file)


def test_a_tar_archive_in_disguise_is_refused(tmp_path: Path) -> None:
    import tarfile  # noqa: PLC0415 - for this attack alone

    file = tmp_path / "old.pth"
    with tarfile.open(file, "w", format=tarfile.USTAR_FORMAT, encoding="latin-1") as archive:
        archive.addfile(tarfile.TarInfo("\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."))
    with pytest.raises(CheckpointError, match="tar archive"):
        read_checkpoint(file)


# -- and what harmless files hold ------------------------------------------------------------


@FORMATS
@pytest.mark.parametrize("protocol", [2, 4])
def test_harmless_things_beside_the_weights(tmp_path: Path, protocol: int, *, zipped: bool) -> None:
    file = tmp_path / "run.pth"
    net = small_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    content = {
        "state_dict": net.state_dict(),
        "optimizer": optimizer.state_dict(),
        "args": argparse.Namespace(lr=0.1, out=Path("runs/1"), names={"a", "b"}),
        "best": np.float64(0.75),
        "history": np.arange(6.0).reshape(2, 3),
        "size": torch.Size([1, 2]),
        "device": torch.device("cpu"),
        "dtype": torch.float16,
        "blob": b"\x00\xff",
    }
    save(content, file, zipped=zipped, protocol=protocol)
    loaded = load_restricted(file)
    assert loaded["best"] == 0.75
    np.testing.assert_array_equal(loaded["history"], content["history"])
    assert loaded["args"].names == {"a", "b"}
    assert str(loaded["args"].out) == "runs/1"
    assert not hasattr(loaded["args"].out, "write_text")
    for key in ("size", "device", "dtype", "blob"):
        assert loaded[key] == content[key]
    contents = read_checkpoint(file)
    assert list(contents.state) == ["0.weight", "0.bias"]
    assert torch.equal(contents.state["0.weight"], net.get_parameter("0.weight"))


def test_only_modules_of_the_packages_themselves_are_imported() -> None:
    """A module that a file names is looked for in torch.nn, torchvision and timm only."""
    import sys  # noqa: PLC0415 - for this test alone

    assert "wave" not in sys.modules
    for module in ("wave", "torchvision.models.wave", "torch.nn.modules.wave"):
        with pytest.raises(RefusedGlobalError):
            resolve(module, "open")
    assert "wave" not in sys.modules
