"""Reading ``--target``, and which classes that means for one picture."""

from __future__ import annotations

import pytest

from reportgen.errors import TargetError
from reportgen.models.torchvision_source import imagenet_categories
from reportgen.targets import (
    MAX_ALL,
    Chosen,
    ClassGroup,
    FixedClass,
    TargetSpec,
    TopClasses,
    TrueLabel,
    chosen_for,
    describe,
    parse_targets,
)

CATEGORIES = (
    "tench",
    "Cardigan",
    "Cardigan, Welsh corgi",
    "crane",
    "tabby cat",
    "Crane",
    "42",
    "maillot",
)


def parse(*texts: str) -> tuple[TargetSpec, ...]:
    return parse_targets(texts, CATEGORIES)


def reason(*texts: str) -> str:
    with pytest.raises(TargetError) as caught:
        parse(*texts)
    text = str(caught.value)
    assert text.startswith("--target: ")
    return text


@pytest.mark.parametrize(
    ("text", "count"),
    [("top1", 1), ("top:3", 3), ("top3", 3), ("TOP:2", 2), ("top:99", 8), (" top1 ", 1)],
)
def test_top(text: str, count: int) -> None:
    assert parse(text) == (TopClasses(count),)


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("tench", 0),
        ("TENCH", 0),
        ("cardigan", 1),
        (" Tabby Cat ", 4),
        ("0", 0),
        ("7", 7),
        ("007", 7),
    ],
)
def test_one_class(text: str, index: int) -> None:
    assert parse(text) == (FixedClass(index),)


def test_commas() -> None:
    expected = (FixedClass(0), TopClasses(2), FixedClass(7))
    assert parse("tench, top:2,7") == expected
    assert parse("tench", "top:2", "7") == expected


def test_a_category_with_a_comma() -> None:
    assert parse("cardigan, welsh corgi") == (FixedClass(2),)
    assert parse("Cardigan, Welsh corgi", "tench,0") == (FixedClass(2), FixedClass(0))
    assert parse("Cardigan,tench") == (FixedClass(1), FixedClass(0))


def test_a_name_of_digits_comes_before_an_index() -> None:
    assert parse("42") == (FixedClass(6),)


def test_duplicates_are_merged() -> None:
    assert parse("tench", "0", "TENCH,top1", "top:1") == (FixedClass(0), TopClasses(1))


def test_a_typo_gets_suggestions() -> None:
    text = reason("tabby act")
    assert "there is no class 'tabby act' in this model. Did you mean 'tabby cat'" in text
    assert "0 to 7" in text


def test_nothing_near_gets_none() -> None:
    assert "Did you mean" not in reason("zzzzzz")


def test_ambiguous_name() -> None:
    assert "'crane' is the name of 2 classes. Give the index instead: 3, 5." in reason("crane")
    assert parse("3,5") == (FixedClass(3), FixedClass(5))


def test_out_of_range() -> None:
    assert "there is no class 8; this model has 8 classes, 0 to 7." in reason("8")


@pytest.mark.parametrize("text", ["-1", "1.5", "", "tench,", "top", "topaz", "²"])
def test_no_such_class(text: str) -> None:
    assert "there is no class" in reason(text)


@pytest.mark.parametrize("text", ["top:0", "top:", "top:x", "top:-1", "top:²"])
def test_top_without_a_number(text: str) -> None:
    assert f"in '{text}' a number from 1 on is expected" in reason(text)


def test_nothing_at_all() -> None:
    assert "name at least one class" in reason()


RANKING = (4, 0, 7, 1, 2, 3, 5, 6)
PETS = ClassGroup("pets", (1, 4))


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        ((TopClasses(1),), (4,)),
        ((TopClasses(3),), (4, 0, 7)),
        ((FixedClass(6),), (6,)),
        ((FixedClass(0), TopClasses(2)), (0, 4)),
        ((TopClasses(2), FixedClass(4), FixedClass(5)), (4, 0, 5)),
        ((TopClasses(1), TopClasses(2)), (4, 0)),
        ((TopClasses(8),), RANKING),
        ((TrueLabel(),), (3,)),
        ((TopClasses(1), TrueLabel(), FixedClass(3)), (4, 3)),
    ],
)
def test_chosen_for_one_picture(specs: tuple[TargetSpec, ...], expected: tuple[int, ...]) -> None:
    classes = tuple(FixedClass(index) for index in expected)
    assert chosen_for(specs, RANKING, 3) == classes


def test_groups_stand_in_the_order_asked_for() -> None:
    found: tuple[Chosen, ...] = chosen_for((PETS, TopClasses(1)), RANKING, None)
    assert found == (PETS, FixedClass(4)), "a group is not the same as a class in it"


def test_a_picture_without_a_label() -> None:
    assert chosen_for((TrueLabel(), FixedClass(1)), RANKING, None) == (FixedClass(1),)
    assert chosen_for((TrueLabel(),), RANKING, None) == (FixedClass(4),), "its first choice"


def test_describe() -> None:
    assert describe(FixedClass(4), CATEGORIES) == "tabby cat (4)"
    assert describe(TopClasses(1), CATEGORIES) == "first choice of each picture"
    assert describe(TopClasses(3), CATEGORIES) == "top 3 of each picture"
    assert describe(TrueLabel(), CATEGORIES) == "true class of each picture"
    assert describe(PETS, CATEGORIES) == "pets (logsumexp of Cardigan, tabby cat)"
    assert describe(ClassGroup("x", tuple(range(8))), CATEGORIES).endswith("Crane and 2 more)")


def test_all_is_for_few_classes() -> None:
    assert parse("all") == tuple(FixedClass(index) for index in range(8))
    assert len(parse_targets(["all"], [f"class {i}" for i in range(MAX_ALL)])) == MAX_ALL
    with pytest.raises(TargetError, match="up to 20 classes, and this one has 21"):
        parse_targets(["all"], [f"class {i}" for i in range(MAX_ALL + 1)])


def test_a_class_called_as_a_keyword_is_that_class() -> None:
    assert parse_targets(["label"], ["label", "all"]) == (FixedClass(0),)
    assert parse_targets(["all"], ["label", "all"]) == (FixedClass(1),)


def test_label() -> None:
    assert parse("Label,top1") == (TrueLabel(), TopClasses(1))


@pytest.mark.parametrize(
    ("label", "expected"),
    [(None, (4, 2)), (4, (4, 2)), (0, (4, 0)), (2, (4, 2))],
    ids=["no label", "right", "wrong", "wrong, and next"],
)
def test_contrast(label: int | None, expected: tuple[int, ...]) -> None:
    specs = parse_targets(["Contrast"], CATEGORIES)
    found = chosen_for(specs, (4, 2, 0, 1, 3), label)
    assert found == tuple(FixedClass(index) for index in expected)


def test_contrast_of_a_network_with_one_class() -> None:
    assert chosen_for(parse_targets(["contrast"], ["cat"]), (0,), None) == (FixedClass(0),)


def test_a_group_of_ones_own() -> None:
    assert parse("pets = cardigan, tabby cat,1") == (ClassGroup("pets", (1, 4)),)
    assert parse("a=tench", "b=0") == (ClassGroup("a", (0,)), ClassGroup("b", (0,)))
    assert parse("a=Cardigan, Welsh corgi,tench") == (ClassGroup("a", (2, 0)),)


def test_a_builtin_group_needs_the_classes_of_imagenet() -> None:
    assert "ImageNet" in reason("@dogs")
    categories = imagenet_categories()
    (dogs,) = parse_targets(["dog=@dogs"], categories)
    assert isinstance(dogs, ClassGroup)
    assert dogs.name == "dog"
    assert len(dogs.classes) == 118
    assert {categories[index] for index in dogs.classes} >= {"golden retriever", "pug"}
    (alone, first) = parse_targets(["@cats,top1"], categories)
    assert alone == ClassGroup("cats", (281, 282, 283, 284, 285))
    assert first == TopClasses(1)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (("=tench",), "a name for the group is expected before '='"),
        (("a=",), "needs at least one class after the '='"),
        (("a=tenchh",), "Did you mean 'tench'"),
        (("a=tench", "a=Cardigan"), "'a' is given twice"),
        (("tench", "tench=0,1"), "'tench' is given twice"),
    ],
)
def test_groups_that_cannot_be(texts: tuple[str, ...], said: str) -> None:
    assert said in reason(*texts)
