"""Tell what kind of file a checkpoint is from its first bytes, before anything is loaded."""

from __future__ import annotations

import re
import tarfile
import zipfile
from enum import Enum
from typing import TYPE_CHECKING

from reportgen.errors import CheckpointError, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

_SAVE_WEIGHTS = "Save the weights with torch.save(model.state_dict(), FILE) and give that file"

_HEAD = 1024
"""How many bytes are looked at."""

_MOST_INFLATED = 4
"""How many times its size an archive may hold; torch does not compress, others hardly can."""
_ANY_SIZE = 2**24
"""Bytes that any archive may hold."""

_LEGACY_MAGIC = (b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", b"l\xfc\x9cF\xf9 j\xa8P\x19")
"""torch's magic number as pickle writes it, after the opcode of the protocol."""

_HDF5 = (
    "an HDF5 file, as Keras and TensorFlow write them; only PyTorch networks are read. "
    "Convert it to PyTorch first"
)
_FOREIGN: tuple[tuple[bytes, int, str], ...] = (
    (b"version https://git-lfs", 0, "a Git LFS pointer. Fetch the file itself with `git lfs pull`"),
    (b"\x89HDF\r\n\x1a\n", 0, _HDF5),
    (b"TFL3", 4, "a TensorFlow Lite file. Give the PyTorch network that it was made from"),
    (b"GGUF", 0, "a GGUF file, which holds no image classifier"),
    (b"\x1f\x8b", 0, "a gzip archive. Unpack it and give the checkpoint in it"),
    (b"7z\xbc\xaf", 0, "a 7z archive. Unpack it and give the checkpoint in it"),
    (b"Rar!", 0, "a RAR archive. Unpack it and give the checkpoint in it"),
    (b"\x93NUMPY", 0, f"a NumPy array without the names of the weights. {_SAVE_WEIGHTS}"),
    (b"ustar", 257, f"a tar archive. Unpack it and give the checkpoint in it. {_SAVE_WEIGHTS}"),
)
"""``(bytes, where they stand, what that is and what to do)``."""

_ONNX = (
    "an ONNX file: it holds operations without named layers, and no gradient flows through it. "
    f"Go back to the PyTorch network that it was exported from. {_SAVE_WEIGHTS}"
)
_TORCHSCRIPT = (
    "a TorchScript archive: there is no autograd through named layers in it, as its layers cannot "
    "be hooked by name like an ordinary module's. "
    "Save the network itself with torch.save(model, FILE), or only its weights with "
    "torch.save(model.state_dict(), FILE)"
)


class Format(Enum):
    """What can be read."""

    ZIP = "torch's format since 1.6"
    LEGACY = "torch's format before 1.6"
    SAFETENSORS = "safetensors"


def recognise(path: Path) -> Format:
    """Return the format of the checkpoint in ``path``.

    Raises
    ------
    CheckpointError
        If the file is missing, cannot be read or is anything else, with what it is instead.
    """
    if path.is_dir():
        raise CheckpointError(
            f"--checkpoint: '{path}' is a folder, but a file is expected.{_inside(path)}",
        )
    if not path.is_file():
        beside = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        raise CheckpointError(
            f"--checkpoint: there is no file '{path}'.{did_you_mean(path.name, beside)}",
        )
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise CheckpointError(
            f"--checkpoint: '{path}' cannot be read ({error.strerror}). Check its permissions.",
        ) from None
    if not head:
        raise CheckpointError(
            f"--checkpoint: '{path}' is empty. Was the download or the saving cut short?",
        )
    if head.startswith(b"PK"):
        return _zip_format(path)
    # A tar archive may begin with any bytes, and torch would unpack it.
    legacy = head.startswith(b"\x80") and any(magic in head[:24] for magic in _LEGACY_MAGIC)
    if legacy and not tarfile.is_tarfile(path):
        return Format.LEGACY
    if _is_safetensors(head, path):
        return Format.SAFETENSORS
    raise _refusal(path, _name_of(head, path))


def _refusal(path: Path, what: str) -> CheckpointError:
    return CheckpointError(f"--checkpoint: '{path}' is {what}.")


def _inside(folder: Path) -> str:
    """Return which checkpoints lie in a folder, as a sentence."""
    endings = {".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".tar"}
    found = sorted(item.name for item in folder.iterdir() if item.suffix in endings)
    return f" It holds {', '.join(found[:3])}: give one of these." if found else ""


def _is_safetensors(head: bytes, path: Path) -> bool:
    """Whether the file starts with a length and a JSON object of no more than that length."""
    length = int.from_bytes(head[:8], "little")
    return head[8:9] == b"{" and length <= path.stat().st_size


def _zip_format(path: Path) -> Format:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            claimed = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError):
        raise CheckpointError(
            f"--checkpoint: '{path}' is damaged or cut short: it begins like a checkpoint and "
            f"has no end. Download or copy it again.",
        ) from None
    if claimed > _MOST_INFLATED * path.stat().st_size + _ANY_SIZE:
        raise _refusal(
            path,
            f"a zip archive that claims to hold {claimed:,} bytes, far more than its own size: "
            f"unpacked it would fill the memory. {_SAVE_WEIGHTS}",
        )
    inside = {name.partition("/")[2] or name for name in names}
    if "constants.pkl" in inside or any(name.startswith("code/") for name in inside):
        raise _refusal(path, _TORCHSCRIPT)
    if "data.pkl" in inside:
        return Format.ZIP
    if "model.weights.h5" in names:
        raise _refusal(
            path, "a Keras model; only PyTorch networks are read. Convert it to PyTorch first"
        )
    if any("archive_format" in name or name.endswith("serialized_exported_program.json")
           for name in names):  # fmt: skip
        raise _refusal(path, f"a program from torch.export, without named layers. {_SAVE_WEIGHTS}")
    listed = ", ".join(names[:3]) or "nothing"
    raise _refusal(
        path, f"a zip archive (of {listed}), not a checkpoint. Unpack it if the checkpoint is in it"
    )


def _name_of(head: bytes, path: Path) -> str:
    """Return what a file that cannot be used is, and what to do."""
    for magic, start, what in _FOREIGN:
        if head[start : start + len(magic)] == magic:
            return what
    if path.suffix == ".onnx" or _looks_like_onnx(head):
        return _ONNX
    if path.suffix == ".safetensors":
        return "no safetensors file, whatever its name says: it does not begin with a header"
    if head.startswith(b"\x80"):
        return f"a pickle that torch.save did not write. {_SAVE_WEIGHTS}"
    return _name_of_text(head) or (
        f"not a checkpoint that torch.save or safetensors wrote. {_SAVE_WEIGHTS}"
    )


def _looks_like_onnx(head: bytes) -> bool:
    """Whether the bytes start as ONNX's protobuf does: field 1, a small version, then a field."""
    return bool(re.match(rb"\x08[\x01-\x20][\x12\x1a\x22\x2a\x32\x3a\x42]", head))


def _name_of_text(head: bytes) -> str | None:
    """Return what a text is; None for anything else."""
    whole = len(head) < _HEAD
    try:
        text = head.decode("utf-8", errors="strict" if whole else "ignore")
    except UnicodeDecodeError:
        return None
    if not text.strip() or not all(char.isprintable() or char.isspace() for char in text):
        return None
    if text.lstrip().casefold().startswith(("<!doctype", "<html")):
        return "a web page, saved where a download was meant. Fetch the file itself"
    return f"a text file that begins with '{text.split(maxsplit=1)[0][:40]}', not a checkpoint"
