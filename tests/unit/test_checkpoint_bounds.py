"""Checkpoints that claim far more than they hold are refused, not unpacked."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import pytest
import torch

from reportgen.errors import CheckpointError
from reportgen.models.checkpoint import read_checkpoint

if TYPE_CHECKING:
    from pathlib import Path


def repacked(source: Path, destination: Path, changed: dict[str, bytes]) -> Path:
    """Write a torch file anew, compressed, with other contents of some entries."""
    with (
        zipfile.ZipFile(source) as old,
        zipfile.ZipFile(destination, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, changed.get(name.partition("/")[2], old.read(name)))
    return destination


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.save({"fc.weight": torch.arange(6.0).view(2, 3)}, tmp_path / "w.pth")
    return tmp_path / "w.pth"


@pytest.mark.parametrize("entry", ["data.pkl", "data/0"])
def test_a_zip_bomb(weights: Path, tmp_path: Path, entry: str) -> None:
    bomb = repacked(weights, tmp_path / "bomb.pth", {entry: bytes(2**26)})
    with pytest.raises(CheckpointError, match="far more than its own size"):
        read_checkpoint(bomb)


def test_a_compressed_archive_of_honest_size_is_read(weights: Path, tmp_path: Path) -> None:
    again = read_checkpoint(repacked(weights, tmp_path / "again.pth", {}))
    assert again.state["fc.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("zipped", [True, False])
def test_a_tensor_that_repeats_one_number(tmp_path: Path, *, zipped: bool) -> None:
    """Eight terabytes by its shape, four bytes in the file; float() would take all of it."""
    claim = torch.zeros(1, dtype=torch.float16).expand(2**42)
    torch.save({"w": claim}, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match="claims more values than the file holds"):
        read_checkpoint(tmp_path / "a.pth")


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("zipped", [True, False])
def test_cut_short(tmp_path: Path, share: float, *, zipped: bool) -> None:
    whole = tmp_path / "w.pth"
    torch.save({"w": torch.rand(4000)}, whole, _use_new_zipfile_serialization=zipped)
    data = whole.read_bytes()
    whole.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(CheckpointError, match="cut short"):
        read_checkpoint(whole)


def test_a_dict_that_holds_itself(tmp_path: Path) -> None:
    content: dict[str, Any] = {"fc.weight": torch.zeros(2, 3)}
    content["args"] = content["meta"] = content
    torch.save(content, tmp_path / "a.pth")
    assert list(read_checkpoint(tmp_path / "a.pth").state) == ["fc.weight"]
    endless: dict[str, Any] = {}
    endless["model"] = endless["state_dict"] = endless
    torch.save(endless, tmp_path / "b.pth")
    with pytest.raises(CheckpointError, match="none of it is a network"):
        read_checkpoint(tmp_path / "b.pth")
