"""What a checkpoint file can be, and what is said of one that cannot be used."""

from __future__ import annotations

import io
import pickle
import tarfile
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from reportgen.errors import CheckpointError
from reportgen.models.checkpoint import read_checkpoint
from reportgen.models.imports import current_folder_importable

if TYPE_CHECKING:
    from pathlib import Path


def state_of(width: int = 2) -> dict[str, torch.Tensor]:
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width)).state_dict()


def zipped(**entries: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name.replace("__", "/"), data)
    return buffer.getvalue()


def tarred() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.pth"))
    return buffer.getvalue()


def saved(content: object, **options: Any) -> bytes:  # noqa: ANN401 - torch.save's own
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("empty.pth", b"", "is empty"),
        ("note.pth", b"weights: see the drive\n", "text file that begins with 'weights:'"),
        ("page.pth", b"<!DOCTYPE html><html>", "a web page"),
        (
            "pointer.pth",
            b"version https://git-lfs.example/spec/v1\noid sha256:0\n",
            "Git LFS pointer.*git lfs pull",
        ),
        ("net.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 64, "HDF5 file.*Keras and TensorFlow"),
        ("net.tflite", b"\x1c\0\0\0TFL3\0\0", "TensorFlow Lite"),
        ("net.gguf", b"GGUF\3\0\0\0", "GGUF"),
        ("net.pth.gz", b"\x1f\x8b\x08\0\0", "gzip archive. Unpack"),
        ("net.tar", tarred(), "tar archive. Unpack"),
        ("net.npy", b"\x93NUMPY\1\0", "NumPy array"),
        ("net.onnx", b"anything", "ONNX file.*no gradient"),
        ("net.bin", b"\x08\x08\x12\x07pytorch\x1a\x052.0.0:", "ONNX file.*no gradient"),
        ("net.pkl", pickle.dumps({"a": 1}), "a pickle that torch.save did not write"),
        ("net.safetensors", b"\0" * 9, "no safetensors file"),
        ("noise.pth", bytes(range(129, 256)), "not a checkpoint"),
        ("net.keras", zipped(**{"config.json": b"{}", "model.weights.h5": b""}), "Keras"),
        ("net.pt2", zipped(net__archive_format=b"pt2"), "torch.export"),
        ("files.zip", zipped(**{"a.txt": b""}), r"zip archive \(of a.txt\)"),
        ("script.pt", zipped(net__constants=b"", **{"net/constants.pkl": b""}), "TorchScript"),
        ("script2.pt", zipped(**{"net/data.pkl": b"", "net/constants.pkl": b""}), "TorchScript"),
        ("cut.pth", saved(state_of())[:-40], "damaged or cut short"),
        (
            "cut2.pth",
            saved(state_of(64), _use_new_zipfile_serialization=False)[:-40],
            "damaged, cut short",
        ),
        ("tensor.pth", saved(torch.zeros(2, 3)), r"one tensor of shape \(2, 3\)"),
        ("number.pth", saved(3), "holds a int"),
        ("dict.pth", saved({"epoch": 3, "loss": 0.5}), "a dict of 'epoch', 'loss'"),
        ("dict2.pth", saved({}), "a dict of nothing"),
        (
            "meta.pth",
            saved({"w": torch.zeros(2, device="meta")}),
            "its weights were saved without their values",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value[-12:] else "",
)
def test_what_cannot_be_used(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=rf"(?s)^--checkpoint: .*{name}.*{words}"):
        read_checkpoint(path)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    (tmp_path / "model.pth").write_bytes(saved(state_of()))
    with pytest.raises(CheckpointError, match=r"no file '.*mode.pth'. Did you mean 'model.pth'"):
        read_checkpoint(tmp_path / "mode.pth")
    with pytest.raises(CheckpointError, match=r"is a folder.*It holds model.pth"):
        read_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="no file"):
        read_checkpoint(tmp_path / "no" / "such.pth")


STATE = state_of()
CONTAINERS = {
    "bare": STATE,
    "state_dict": {"epoch": 3, "state_dict": STATE},
    "model": {"model": STATE, "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]}},
    "model_state_dict": {"model_state_dict": STATE, "loss": torch.tensor(0.5)},
    "net": {"net": STATE},
    "ema": {"ema": {"module": STATE, "decay": 0.99}, "epoch": 1},
    "model_ema": {"model_ema": STATE},
    "params": {"params": STATE},
    "weights": {"weights": STATE},
    "two deep": {"model": {"state_dict": STATE}},
    "a name of its own": {"epoch": 3, "classifier_weights": STATE},
    "a name for the model": {"model": "resnet18", "state_dict": STATE},
}


@pytest.mark.parametrize("where", CONTAINERS)
def test_containers(tmp_path: Path, where: str) -> None:
    torch.save(CONTAINERS[where], tmp_path / "net.pth")
    state = read_checkpoint(tmp_path / "net.pth").state
    assert list(state) == list(STATE)
    assert torch.equal(state["0.weight"], STATE["0.weight"])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32(tmp_path: Path, dtype: torch.dtype) -> None:
    state = {"w": torch.ones(2, dtype=dtype), "count": torch.tensor(3)}
    torch.save(state, tmp_path / "half.pth")
    loaded = read_checkpoint(tmp_path / "half.pth").state
    assert loaded["w"].dtype == torch.float32
    assert loaded["count"].dtype == torch.int64


@pytest.mark.parametrize("name", ["net.safetensors", "net.bin"])
def test_safetensors(tmp_path: Path, name: str) -> None:
    save_file({"w": torch.ones(2, dtype=torch.bfloat16)}, tmp_path / name)
    state = read_checkpoint(tmp_path / name).state
    assert torch.equal(state["w"], torch.ones(2))


def test_damaged_safetensors(tmp_path: Path) -> None:
    save_file({"w": torch.ones(200)}, tmp_path / "net.safetensors")
    data = (tmp_path / "net.safetensors").read_bytes()
    (tmp_path / "net.safetensors").write_bytes(data[:-9])
    with pytest.raises(CheckpointError, match="cut short as a safetensors file"):
        read_checkpoint(tmp_path / "net.safetensors")


def test_the_old_format(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    state = read_checkpoint(tmp_path / "old.pth").state
    assert torch.equal(state["0.weight"], STATE["0.weight"])


def test_a_whole_network_bare_in_a_dict_and_wrapped(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(3, 2, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # there is no graphics card to be parallel on
        wrapped = nn.DataParallel(net)
    for content in (net, {"net": net, "epoch": 1}, {"best": net}, wrapped):
        torch.save(content, tmp_path / "net.pth")
        contents = read_checkpoint(tmp_path / "net.pth")
        assert type(contents.module) is nn.Sequential
        assert torch.equal(contents.module.get_parameter("0.weight"), net.get_parameter("0.weight"))


OWN_CODE = """
from torch import nn

class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 1)

    def forward(self, x):
        return self.conv(x).mean(dim=(2, 3))
"""


def test_a_class_of_the_user_s_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_net_code.py").write_text(OWN_CODE)
    file = tmp_path / "own.pth"
    with current_folder_importable(tmp_path):
        import own_net_code  # type: ignore[import-not-found] # noqa: PLC0415 - written just above

        torch.save(own_net_code.Own(), file)
    with pytest.raises(
        CheckpointError, match=r"(?s)names own_net_code\.Own,.*package\.module:factory"
    ):
        read_checkpoint(file)
    monkeypatch.delitem(__import__("sys").modules, "own_net_code")
    with pytest.raises(CheckpointError, match=r"No module named 'own_net_code'.*importable"):
        read_checkpoint(file, trust=True)
    monkeypatch.chdir(tmp_path)
    contents = read_checkpoint(file, trust=True)
    assert type(contents.module).__name__ == "Own"
    monkeypatch.delitem(__import__("sys").modules, "own_net_code")


def test_a_class_that_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "old.pth"
    torch.save(nn.Sequential(nn.ReLU()), path, _use_new_zipfile_serialization=False)
    data = path.read_bytes().replace(b"activation\nReLU\n", b"activation\nReLV\n")
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"activation\.ReLV: the installed torch has no such"):
        read_checkpoint(path)


class Fails:
    def __reduce__(self) -> tuple[Any, ...]:
        return int, ("no number",)


def test_trust_that_fails(tmp_path: Path) -> None:
    torch.save(Fails(), tmp_path / "bad.pth")
    with pytest.raises(CheckpointError, match=r"is trusted, but loading it failed \(ValueError"):
        read_checkpoint(tmp_path / "bad.pth", trust=True)


def test_quantized_weights(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that quantized tensors are going out of use
        tensor = torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)
        torch.save({"w": tensor}, tmp_path / "int8.pth")
    with pytest.raises(CheckpointError, match="its weights are quantized"):
        read_checkpoint(tmp_path / "int8.pth")
    with pytest.raises(CheckpointError, match="'w' are quantized"):
        read_checkpoint(tmp_path / "int8.pth", trust=True)
