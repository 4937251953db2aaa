"""What keys are made of."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from reportgen.identity import _own_code
from reportgen.models import ModelRequest, load_model

if TYPE_CHECKING:
    from pathlib import Path

NETWORK = """
from torch import nn

class Own(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, {channels}, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
"""


def code_of(folder: Path, channels: int) -> tuple[list[tuple[str, str]], str]:
    """Return what is known of a network's code, and the hash of its file."""
    folder.mkdir()
    file = folder / "own_code_of_this_test.py"
    file.write_text(NETWORK.format(channels=channels), encoding="utf-8")
    loaded = load_model(ModelRequest(name=f"{file}:Own"))
    return _own_code(loaded.module), hashlib.sha256(file.read_bytes()).hexdigest()


def test_code_of_the_users_own_is_known_by_its_own_file(tmp_path: Path) -> None:
    first, digest = code_of(tmp_path / "first", 4)
    assert first == [("own_code_of_this_test", digest)]
    (tmp_path / "first" / "own_code_of_this_test.py").unlink()
    # Python knows the first by that name still.
    second, digest = code_of(tmp_path / "second", 5)
    assert second == [("own_code_of_this_test", digest)]


def test_code_without_a_file_is_never_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    file = folder / "own_code_that_is_gone.py"
    file.write_text(NETWORK.format(channels=4), encoding="utf-8")
    module = load_model(ModelRequest(name=f"{file}:Own")).module
    file.unlink()
    once, again = _own_code(module), _own_code(module)
    assert once != again
    assert all(re.fullmatch("[0-9a-f]{32}", digest) for _, digest in (*once, *again))
