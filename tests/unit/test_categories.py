"""Names of classes: from --classes, from a checkpoint, from ImageNet."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn
from torchvision.models import squeezenet1_1

from reportgen.errors import CheckpointError, OptionError
from reportgen.models import ModelRequest, load_model
from reportgen.models.categories import (
    CategoryNames,
    choose_categories,
    names_from_option,
    names_inside,
)

if TYPE_CHECKING:
    from pathlib import Path

USUAL = CategoryNames(("a", "b", "c"), "ImageNet-1k")


def read(text: str) -> tuple[str, ...]:
    found = names_from_option(text)
    assert found is not None
    assert found.origin == "--classes"
    return found.names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("cat,dog", ("cat", "dog")),
        (" cat , hot dog", ("cat", "hot dog")),
        ('"fish, fried",dog', ("fish, fried", "dog")),
        ("Katze,Köter", ("Katze", "Köter")),
    ],
)
def test_names_between_commas(text: str, names: tuple[str, ...]) -> None:
    assert read(text) == names


@pytest.mark.parametrize(
    ("name", "content", "names"),
    [
        ("n.txt", "cat\ndog\n", ("cat", "dog")),
        ("n.txt", "\ufeffcat\r\nhot dog\r\n\r\n\r\n", ("cat", "hot dog")),
        ("names", "tench, Tinca\nKöter", ("tench, Tinca", "Köter")),
        ("n.json", '["cat", "dog"]', ("cat", "dog")),
        ("n.json", '{"1": "dog", "0": "cat"}', ("cat", "dog")),
        ("n.json", '\ufeff{"dog": 1, "cat": 0}', ("cat", "dog")),
        ("n.json", '{"1": 0, "7": 1}', ("1", "7")),
        ("n.csv", "cat\ndog\n", ("cat", "dog")),
        ("n.csv", 'name\ncat\n"fish, fried"\n', ("cat", "fish, fried")),
        ("n.csv", "index,name\n1,dog\n0,cat\n", ("cat", "dog")),
        ("n.csv", '0,"fish, fried"\n1,dog\n', ("fish, fried", "dog")),
        ("n.csv", "class,idx\ncat,0\ndog,1\n\n", ("cat", "dog")),
        ("n.CSV", "cat,0\ndog,1\n", ("cat", "dog")),
        ("n.csv", "0,3\n1,7\n", ("3", "7")),
        ("n.tsv", "0\tcat\n1\tdog\n", ("cat", "dog")),
    ],
)
def test_files_of_names(tmp_path: Path, name: str, content: str, names: tuple[str, ...]) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode())
    assert read(str(path)) == names


def test_a_file_with_a_comma_in_its_name(tmp_path: Path) -> None:
    path = tmp_path / "cats,dogs"
    path.write_text("cat\ndog")
    assert read(str(path)) == ("cat", "dog")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cat,dog,cat", "'cat' is given twice, as name 1 and 3"),
        ("cat,,dog", "name 2 of 3 is empty"),
        ("cat", "names between commas .* or a file of names is expected, found 'cat'"),
        ("names.txt", "there is no file 'names.txt'"),
        ("", "names between commas"),
    ],
)
def test_names_that_cannot_be(text: str, words: str) -> None:
    with pytest.raises(OptionError, match=f"^--classes: .*{words}"):
        names_from_option(text)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("n.txt", b"", "no names are given"),
        ("n.txt", b"cat\n\ndog", "name 2 of 3 is empty"),
        ("n.txt", b"caf\xe9\n", r"not text in UTF-8 \(byte 3\)"),
        ("n.json", b"{", r"not JSON \(line 1"),
        ("n.json", b"3", "a list of names is expected"),
        ("n.json", b'["cat", 3]', "a list of names is expected"),
        ("n.json", b'{"0": "cat", "2": "dog"}', "numbers 0, 1"),
        ("n.csv", b"0,cat\n2,dog\n", "numbers 0, 1"),
        ("n.csv", b"0,cat\n0,dog\n", "numbers 0, 1"),
        ("n.csv", b"0,cat,x\n1,dog,x\n", "one column of names is expected"),
        ("n.csv", b"cat\ncat\n", "'cat' is given twice"),
    ],
)
def test_files_that_cannot_be(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(OptionError, match=rf"--classes: .*{name}.*{words}"):
        names_from_option(str(path))


NET = nn.Linear(2, 2)
NET.classes = ["cat", "dog"]  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("holder", "origin"),
    [
        ({"classes": ["cat", "dog"]}, "checkpoint (classes)"),
        ({"class_names": ("cat", "dog")}, "checkpoint (class_names)"),
        ({"class_to_idx": {"dog": 1, "cat": 0}}, "checkpoint (class_to_idx)"),
        ({"idx_to_class": {1: "dog", 0: "cat"}}, "checkpoint (idx_to_class)"),
        ({"categories": {"1": "dog", "0": "cat"}}, "checkpoint (categories)"),
        ({"meta": {"CLASSES": ("cat", "dog")}}, "checkpoint (meta.CLASSES)"),
        ({"hyper_parameters": {"labels": ["cat", "dog"]}}, "checkpoint (hyper_parameters.labels)"),
        ({"args": argparse.Namespace(classes=["cat", "dog"])}, "checkpoint (args.classes)"),
        (NET, "checkpoint (classes)"),
    ],
)
def test_names_inside_a_checkpoint(holder: object, origin: str) -> None:
    assert names_inside(holder) == (CategoryNames(("cat", "dog"), origin),)


@pytest.mark.parametrize(
    "holder",
    [
        {"classes": 2},
        {"labels": [0, 1, 1, 0]},
        {"classes": []},
        {"class_to_idx": {"cat": 0, "dog": 2}},
        {"class_to_idx": {"cat": True, "dog": False}},
        {"other": ["cat", "dog"]},
        ["cat", "dog"],
        None,
    ],
)
def test_what_holds_no_names(holder: object) -> None:
    assert names_inside(holder) == ()


def test_which_names_win() -> None:
    given = CategoryNames(("x", "y", "z"), "--classes")
    inside = (
        CategoryNames(("p", "q"), "checkpoint (labels)"),
        CategoryNames(("p", "q", "r"), "checkpoint (meta.classes)"),
    )
    assert choose_categories(3, given, inside, USUAL) is given
    assert choose_categories(3, None, inside, USUAL) is inside[1]
    assert choose_categories(3, None, (), USUAL) is USUAL
    assert choose_categories(2, None, (), USUAL) == CategoryNames(("class 0", "class 1"), "")
    with pytest.raises(OptionError, match="3 names are given, but the network has 4 outputs"):
        choose_categories(4, given, inside, USUAL)
    with pytest.raises(CheckpointError, match=r"'labels' names 2 .* has 4 outputs.*--classes"):
        choose_categories(4, None, inside, USUAL)


def test_classes_size_an_untrained_network() -> None:
    loaded = load_model(ModelRequest("squeezenet1_1", weights="none", classes="cat,dog"))
    assert loaded.categories == ("cat", "dog")
    assert loaded.named
    assert loaded.categories_origin == "--classes"
    assert loaded.info.classes == 2
    assert loaded.module(torch.zeros(1, 3, 64, 64)).shape == (1, 2)


def test_trained_weights_keep_their_size() -> None:
    with pytest.raises(OptionError, match="2 names are given, but the network has 1000 outputs"):
        load_model(ModelRequest(None, classes="cat,dog"))


def test_names_of_a_state_dict_s_file(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    net = squeezenet1_1(num_classes=2)
    torch.save({"state_dict": net.state_dict(), "class_to_idx": {"dog": 1, "cat": 0}}, path)
    loaded = load_model(ModelRequest(None, checkpoint=path))
    assert loaded.categories == ("cat", "dog")
    assert loaded.named
    assert loaded.categories_origin == "checkpoint (class_to_idx)"
    loaded = load_model(ModelRequest(None, checkpoint=path, classes="Katze,Hund"))
    assert loaded.categories == ("Katze", "Hund")
    torch.save({"state_dict": net.state_dict(), "classes": ["a", "b", "c"]}, path)
    with pytest.raises(CheckpointError, match=r"'classes' names 3 classes.* has 2 outputs"):
        load_model(ModelRequest(None, checkpoint=path))
    torch.save(net.state_dict(), path)
    loaded = load_model(ModelRequest(None, checkpoint=path))
    assert loaded.categories == ("class 0", "class 1")
    assert not loaded.named
    assert loaded.categories_origin == ""


def test_imagenet_s_names() -> None:
    loaded = load_model(ModelRequest("squeezenet1_1", weights="none"))
    assert loaded.categories[:2] == ("tench", "goldfish")
    assert loaded.categories_origin == "ImageNet-1k"
