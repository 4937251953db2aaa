"""Networks from the user's own Python code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from reportgen.errors import CheckpointError, ModelError, OptionError
from reportgen.models import ModelRequest, load_model
from reportgen.models.python_source import looks_like_python

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CODE = """
import torch
from torch import nn

import my_helper_for_tests


class Net(nn.Module):
    categories = ("cat", "dog")

    def __init__(self, num_classes=2):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.head = nn.Linear(4, num_classes)

    def forward(self, x):
        return self.head(self.conv(x).relu().mean(dim=(2, 3)))


class Plain(Net):
    categories = None

    def __init__(self):
        super().__init__(3)


def small(num_classes: int = 4):
    net = Net(num_classes)
    del net.head.bias
    net.head.register_parameter("bias", None)
    net.categories = None
    return net


def fails():
    raise RuntimeError("no such file")


def number():
    return 3


def grey():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())


value = 3
"""


@pytest.fixture(autouse=True)
def _code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "my_package_for_tests"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "nets.py").write_text(CODE)
    (folder / "broken.py").write_text("import no_such_module_for_tests\n")
    (tmp_path / "my_helper_for_tests.py").touch()
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    path = list(sys.path)
    yield
    assert sys.path == path
    for name in set(sys.modules) - before:
        if name.startswith(("my_", "nets")):
            del sys.modules[name]


NETS = "my_package_for_tests.nets"


def test_what_looks_like_python() -> None:
    assert looks_like_python("package.module:factory")
    assert looks_like_python("./net.py:Net")
    assert looks_like_python("C:\\my nets\\net.py:Net")
    for name in ("alexnet", "net.py", "package.module:", "a-b:c", "a:b-c", ":b", "a..b:c"):
        assert not looks_like_python(name)


@pytest.mark.parametrize("name", [f"{NETS}:Net", "my_package_for_tests/nets.py:Net"])
def test_a_class(name: str, tmp_path: Path) -> None:
    (tmp_path / "my_package_for_tests" / "my_helper_for_tests.py").touch()
    loaded = load_model(ModelRequest(name, seed=3))
    assert loaded.info.classes == 2
    assert loaded.categories == ("cat", "dog")
    assert loaded.categories_origin == "network (categories)"
    assert loaded.info.trained
    assert loaded.info.name == name
    assert loaded.info.source == "python"
    assert loaded.info.weights == f"as {name} made them"
    assert loaded.info.architecture.endswith("nets.Net")
    assert loaded.recipe_origin == "assumed: the code does not say"
    assert not loaded.module.training
    again = load_model(ModelRequest(name, seed=3))
    assert again.info.weights_sha256 == loaded.info.weights_sha256


def test_an_absolute_path_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "my_package_for_tests" / "my_helper_for_tests.py").touch()
    monkeypatch.chdir(tmp_path / "elsewhere")
    name = f"{tmp_path}/my_package_for_tests/nets.py:Plain"
    assert load_model(ModelRequest(name)).info.classes == 3


def test_the_number_of_classes(tmp_path: Path) -> None:
    assert load_model(ModelRequest(f"{NETS}:small")).info.classes == 4
    loaded = load_model(ModelRequest(f"{NETS}:small", classes="a,b,c,d,e"))
    assert loaded.categories == tuple("abcde")
    with pytest.raises(OptionError, match="2 names are given, but the network has 3 outputs"):
        load_model(ModelRequest(f"{NETS}:Plain", classes="a,b"))
    untrained = load_model(ModelRequest(f"{NETS}:small", weights="none"))
    assert not untrained.info.trained
    state = untrained.module.state_dict()
    state["head.weight"] = torch.ones(6, 4)
    torch.save({"state_dict": state}, tmp_path / "six.pth")
    loaded = load_model(ModelRequest(f"{NETS}:small", checkpoint=tmp_path / "six.pth"))
    assert loaded.info.classes == 6
    assert loaded.info.weights == "checkpoint six.pth (state dict)"
    assert torch.equal(loaded.module.get_parameter("head.weight"), torch.ones(6, 4))
    with pytest.raises(CheckpointError, match=r"does not fit --model .*1 missing: head.bias"):
        load_model(ModelRequest(f"{NETS}:Plain", checkpoint=tmp_path / "six.pth"))


def test_a_whole_network_is_not_the_code_s(tmp_path: Path) -> None:
    torch.save(nn.Sequential(nn.Conv2d(3, 4, 3)), tmp_path / "whole.pth")
    with pytest.raises(CheckpointError, match="holds a whole Sequential"):
        load_model(ModelRequest(f"{NETS}:Net", checkpoint=tmp_path / "whole.pth"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (f"{NETS}:Nett", "has no 'Nett'. Did you mean 'Net'"),
        (f"{NETS}:value", "'value' is a int, but a class or a function"),
        (f"{NETS}:number", "gave a int, but a torch.nn.Module is expected"),
        (f"{NETS}:fails", r"called with no arguments it failed \(RuntimeError: no such file\)"),
        (f"{NETS}:grey", r"takes pictures of 1 channel\(s\), but reportgen gives RGB"),
        ("my_package_for_tests.nothing:Net", "importing .* failed .ModuleNotFoundError"),
        ("my_package_for_tests.broken:Net", "No module named 'no_such_module_for_tests'"),
        ("no_such_module_for_tests:Net", "no importable Python module 'no_such_module_for_tests'"),
        ("nothing.py:Net", "there is no file 'nothing.py'"),
    ],
)
def test_code_that_does_not_do(name: str, words: str) -> None:
    with pytest.raises(ModelError, match=f"^--model: .*{words}"):
        load_model(ModelRequest(name))


def test_known_sources_come_first(tmp_path: Path) -> None:
    (tmp_path / "torchvision.py").write_text("raise RuntimeError\n")
    loaded = load_model(ModelRequest("torchvision:squeezenet1_1", weights="none"))
    assert loaded.info.source == "torchvision"
    with pytest.raises(ModelError, match="there is no model 'torchvision:nothing'"):
        load_model(ModelRequest("torchvision:nothing"))


def test_a_library_s_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("from my_package_for_tests.nets import Net\n")
    import json  # noqa: PLC0415 - the library's

    load_model(ModelRequest("./json.py:Net"))
    assert sys.modules["json"] is json
