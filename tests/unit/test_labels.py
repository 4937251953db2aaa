"""True classes from folder names and from CSV files."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import pytest
from torchvision.models import AlexNet_Weights

from reportgen.errors import OptionError
from reportgen.labels import Labels, read_labels

if TYPE_CHECKING:
    from pathlib import Path

IMAGENET: tuple[str, ...] = tuple(AlexNet_Weights.DEFAULT.meta["categories"])
PETS = ("cat", "dog", "tiger cat", "Cardigan", "cardigan", "3")
PLACEHOLDERS = ("class 0", "class 1", "class 2")
NAMES = ("a.jpg", "b.jpg", "deep/c.jpg", "deep/er/d.jpg")


def folders(*names: str, categories: tuple[str, ...] = PETS, named: bool = True) -> Labels:
    return read_labels("folders", names, categories, named=named)


def auto(*names: str, categories: tuple[str, ...] = PETS, named: bool = True) -> Labels:
    return read_labels("auto", names, categories, named=named)


def reason(source: str, names: tuple[str, ...] = NAMES, *, named: bool = True) -> str:
    with pytest.raises(OptionError) as caught:
        read_labels(source, names, PETS, named=named)
    message = str(caught.value)
    assert message.startswith("--labels")
    return message


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "labels.csv"


def csv(table: Path, text: str, names: tuple[str, ...] = NAMES) -> dict[str, int]:
    table.write_text(text, encoding="utf-8", newline="")
    return dict(read_labels(str(table), names, PETS, named=True).by_name)


def csv_reason(table: Path, text: str, names: tuple[str, ...] = NAMES) -> str:
    table.write_text(text, encoding="utf-8", newline="")
    return reason(str(table), names)


def test_none() -> None:
    assert read_labels("none", ["cat/a.jpg"], PETS, named=True) == Labels({}, "", None)


# -- folders ---------------------------------------------------------------------------------


def test_folders_by_name_and_by_index() -> None:
    found = folders("cat/a.jpg", "Tiger_Cat/x/b.jpg", "tiger-cat/c.jpg", "1/d.jpg")
    assert found.by_name == {
        "cat/a.jpg": 0,
        "Tiger_Cat/x/b.jpg": 2,
        "tiger-cat/c.jpg": 2,
        "1/d.jpg": 1,
    }
    assert found.origin == "folder names"
    assert found.categories is None


def test_folders_that_are_no_class_have_no_label() -> None:
    found = folders("cat/a.jpg", "holidays/b.jpg", "c.jpg", "6/d.jpg")
    assert found.by_name == {"cat/a.jpg": 0}
    assert found.origin == "folder names (1 of 4 images)"


def test_a_name_of_digits_comes_before_an_index() -> None:
    assert folders("3/a.jpg", "2/b.jpg").by_name == {"3/a.jpg": 5, "2/b.jpg": 2}


def test_the_exact_spelling_comes_first() -> None:
    found = folders("Cardigan/a.jpg", "cardigan/b.jpg")
    assert found.by_name == {"Cardigan/a.jpg": 3, "cardigan/b.jpg": 4}
    text = reason("folders", ("CARDIGAN/a.jpg",))
    assert "the folder 'CARDIGAN' has the name of 2 classes" in text
    assert "3, 4" in text


def test_accents_composed_or_not() -> None:
    composed, apart = (unicodedata.normalize(form, "Bäckerei") for form in ("NFC", "NFD"))
    assert composed != apart
    assert folders(f"{apart}/a.jpg", categories=(composed, "x")).by_name == {f"{apart}/a.jpg": 0}


def test_no_folder_is_a_class() -> None:
    text = reason("folders", tuple(f"{name}/a.jpg" for name in ("catt", "r", "s", "t", "u", "v")))
    assert "none of the 6 folders ('catt', 'r', 's', 't', 'u', …)" in text
    assert "which has 6 ('cat', 'dog', 'tiger cat', 'Cardigan', 'cardigan', …)" in text
    assert "Did you mean 'cat'" in text
    assert "sorted folder name" not in text
    assert "sorted folder name" in reason("folders", ("catt/a.jpg",), named=False)
    assert "lie in no sub-folders" in reason("folders", ("a.jpg", "b.jpg"))


def test_folders_name_the_classes_of_a_network_without_names() -> None:
    # "Zoo" before "ants": sorted() as ImageFolder has it, capitals first.
    found = folders(
        "ants/2.jpg", "Zoo/1.jpg", "bees/x/3.jpg", "4.jpg", categories=PLACEHOLDERS, named=False
    )
    assert found.categories == ("Zoo", "ants", "bees")
    assert found.by_name == {"ants/2.jpg": 1, "Zoo/1.jpg": 0, "bees/x/3.jpg": 2}
    assert found.origin == "folder names (3 of 4 images)"


def test_too_few_folders_do_not_name_the_classes() -> None:
    found = folders("2/a.jpg", "class 1/b.jpg", categories=PLACEHOLDERS, named=False)
    assert found.categories is None
    assert found.by_name == {"2/a.jpg": 2, "class 1/b.jpg": 1}


def test_names_of_its_own_are_never_replaced() -> None:
    found = folders("2/a.jpg", "0/b.jpg", "1/c.jpg", categories=("x", "y", "z"))
    assert found.categories is None
    assert found.by_name == {"2/a.jpg": 2, "0/b.jpg": 0, "1/c.jpg": 1}


def test_wordnet_folders_of_imagenet() -> None:
    pytest.importorskip("timm")
    names = ("n02123045/a.jpg", "n01440764/b.jpg", "n15075141/c.jpg")
    expected = dict(zip(names, (281, 0, 999), strict=True))
    assert folders(*names, categories=IMAGENET).by_name == expected
    assert auto(*names, categories=IMAGENET).by_name == expected
    assert auto(*names, "n99999999/d.jpg", categories=IMAGENET).by_name == {}
    assert auto(*names).by_name == {}


def test_auto_needs_every_picture() -> None:
    both = auto("CAT/a.jpg", "tiger_cat/b.jpg")
    assert both == Labels({"CAT/a.jpg": 0, "tiger_cat/b.jpg": 2}, "folder names", None)


@pytest.mark.parametrize(
    "names",
    [
        ("a.jpg",),
        ("cat/a.jpg", "b.jpg"),
        ("cat/a.jpg", "holidays/b.jpg"),
        ("cat/a.jpg", "1/b.jpg"),  # an index might be anything
        ("CARDIGAN/a.jpg",),
    ],
)
def test_auto_gives_none_otherwise(names: tuple[str, ...]) -> None:
    assert auto(*names) == Labels({}, "", None)


def test_auto_takes_no_placeholder_for_a_name_and_adopts_nothing() -> None:
    names = ("class 0/a.jpg", "class 1/b.jpg", "class 2/c.jpg")
    assert auto(*names, categories=PLACEHOLDERS, named=False) == Labels({}, "", None)


# -- CSV -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "a.jpg,cat\nb.jpg,dog\n",
        "\ufeffa.jpg,cat\r\nb.jpg,dog\r\n",
        "a.jpg;cat\nb.jpg;dog",
        "a.jpg\tcat\n\n b.jpg \t dog \n",
        "file,label\na.jpg,cat\nb.jpg,1",
        "id;CLASS;note;Filename\n1;cat;x;a.jpg\n2;dog;y;b.jpg",
        "name\tfile\ttarget\nx\ta.jpg\tCAT\ny\tb.jpg\tDOG",
        "what,is,it\na.jpg,cat,1\nb.jpg,dog,2",
        '"a.jpg","cat"\n"./b.jpg","dog"',
        ",,\na.jpg,cat\nnot here.jpg,unheard of\nb.jpg,dog\na.jpg,0\n",
    ],
)
def test_csv(table: Path, text: str) -> None:
    assert csv(table, text) == {"a.jpg": 0, "b.jpg": 1}


def test_csv_origin(table: Path) -> None:
    table.write_text("a.jpg,cat\nb.jpg,dog\nd.jpg,dog", encoding="utf-8")
    found = read_labels(str(table), NAMES, PETS, named=True)
    assert found.origin == "labels.csv (3 of 4 images)"
    assert read_labels(str(table), NAMES[:2], PETS, named=True).origin == "labels.csv"
    assert found.categories is None


def test_csv_labels_by_any_name(table: Path) -> None:
    text = "a.jpg,tiger_cat\nb.jpg,3\nc.jpg,Cardigan\nd.jpg,2"
    assert csv(table, text) == {"a.jpg": 2, "b.jpg": 5, "deep/c.jpg": 3, "deep/er/d.jpg": 2}


def test_csv_a_name_with_a_comma(table: Path) -> None:
    names = ("a, b.jpg", "c.jpg")
    assert csv(table, "a, b.jpg\tcat\nc.jpg\tdog", names) == {"a, b.jpg": 0, "c.jpg": 1}
    assert csv(table, "a, b.jpg\tcat", names) == {"a, b.jpg": 0}
    assert csv(table, '"a, b.jpg",cat\nc.jpg,dog', names) == {"a, b.jpg": 0, "c.jpg": 1}


def test_csv_matches_the_end_of_a_path(table: Path) -> None:
    text = "photos\\a.jpg,cat\nc.jpg,dog\nelsewhere/d.jpg,dog\n/data/deep/er/d.jpg,cat"
    assert csv(table, text) == {"a.jpg": 0, "deep/c.jpg": 1, "deep/er/d.jpg": 0}


def test_csv_the_longest_end_of_a_path_counts(table: Path) -> None:
    text = "data/x/a.jpg,cat\ndata/a.jpg,dog"
    assert csv(table, text, ("a.jpg", "x/a.jpg")) == {"x/a.jpg": 0, "a.jpg": 1}


def test_csv_the_whole_path_counts_more(table: Path) -> None:
    for text in ("a.jpg,cat\nx/a.jpg,unheard of", "x/a.jpg,dog\na.jpg,cat"):
        assert csv(table, text) == {"a.jpg": 0}


def test_csv_accents_composed_or_not(table: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "ä.jpg") for form in ("NFC", "NFD"))
    assert csv(table, f"{composed},cat", (apart,)) == {apart: 0}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a.jpg,cta", ["labels.csv, line 1: there is no class 'cta'", "mean 'cat'", "0 to 5"]),
        ("file,label\n\na.jpg,6", ["line 3: there is no class '6'"]),
        ("a.jpg,CARDIGAN", ["line 1: 'CARDIGAN' is the name of 2 classes", "3, 4"]),
        ("a.jpg,cat\nb.jpg,dog\na.jpg,1", ["line 3: 'a.jpg' is '1' here, but 'cat' in line 1"]),
        ("a.jpg;cat\nb.jpg\n", ["line 2: expected a picture and its class", "found 'b.jpg'"]),
        ("id,file,label\n1,a.jpg\n", ["line 2: expected a picture"]),
        ("x.jpg,cat\ny.jpg,dog", ["no row is about any of the 4 pictures", "'x.jpg', 'y.jpg'"]),
        ("", ["labels.csv: the file has no rows"]),
        ("file,label\n", ["labels.csv: the file has no rows"]),
        ("x" * 200_000 + ",cat", ["line 1: this is not CSV"]),
    ],
)
def test_csv_that_does_not_fit(table: Path, text: str, parts: list[str]) -> None:
    found = csv_reason(table, text)
    assert [part for part in parts if part not in found] == []


def test_csv_a_bare_name_of_two_pictures(table: Path) -> None:
    text = csv_reason(table, "\nfile,label\na.jpg,cat", ("x/a.jpg", "y/a.jpg"))
    assert "labels.csv, line 3: 'a.jpg' could be any of 2 pictures ('x/a.jpg', 'y/a.jpg')" in text


def test_csv_that_is_not_utf8(table: Path) -> None:
    table.write_bytes("ä.jpg,cat".encode("latin-1"))
    assert "expected text in UTF-8, found the byte 0xe4 at position 0" in reason(str(table))


def test_csv_that_is_not_there(table: Path) -> None:
    text = reason(str(table))
    assert f"expected auto, none, folders or a CSV file, but there is no file '{table}'" in text
    assert "Did you mean 'folders'" in reason("folder")


def test_csv_that_is_a_folder(tmp_path: Path) -> None:
    assert "the file cannot be read" in reason(str(tmp_path))
