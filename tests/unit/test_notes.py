"""Author, meta and the file of notes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reportgen.errors import OptionError
from reportgen.notes import LARGEST, Notes, parse_author, parse_meta, read_notes

if TYPE_CHECKING:
    from collections.abc import Callable

    Write = Callable[[str | bytes], Path]

NAMES = (
    "cats/tabby.jpg",
    "dogs/beagle.png",
    "cats/1.jpg",
    "dogs/1.jpg",
    "my cat.jpeg",
    "a_b_c.png",
)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(content: str | bytes) -> Path:
        path = tmp_path / "notes.md"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


def test_no_file() -> None:
    assert read_notes(None, NAMES) == Notes()


def test_the_parts_of_a_file(write: Write) -> None:
    notes = read_notes(
        write("""\
# Lab 3: what the network looks at

Two networks were compared.

## cats/tabby.jpg

The ears.

### Layer-CAM

Edges first.

## `beagle.png`

The head.

## My  CAT

A grey one.

# Conclusion

It works.

## Limits

Four pictures.

## tabby.jpg

More on the ears.
"""),
        NAMES,
    )
    assert notes.report == (
        "# Lab 3: what the network looks at\n\nTwo networks were compared.\n\n"
        "# Conclusion\n\nIt works.\n\n## Limits\n\nFour pictures."
    )
    assert notes.by_name == {
        "cats/tabby.jpg": "The ears.\n\n### Layer-CAM\n\nEdges first.\n\nMore on the ears.",
        "dogs/beagle.png": "The head.",
        "my cat.jpeg": "A grey one.",
    }
    assert list(notes.by_name) == ["cats/tabby.jpg", "dogs/beagle.png", "my cat.jpeg"]


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("# cats/1.jpg", "cats/1.jpg"),
        ("###### ./dogs/1.jpg ######", "dogs/1.jpg"),
        ("dogs/BEAGLE.png\n===", "dogs/beagle.png"),
        ("Tabby\n---", "cats/tabby.jpg"),
        ("# ``my cat``", "my cat.jpeg"),
        ("# a_b_c.png", "a_b_c.png"),
        (r"# a\_b\_c.png", "a_b_c.png"),
    ],
)
def test_headings_that_name_a_picture(heading: str, name: str, write: Write) -> None:
    notes = read_notes(write(f"for all\n\n{heading}\nfor one"), NAMES)
    assert notes == Notes("for all", {name: "for one"})


def test_names_as_other_systems_write_them(write: Write) -> None:
    name = "caf\u0065\u0301.jpg"
    assert read_notes(write("# caf\u00e9.jpg\nx"), [name]).by_name == {name: "x"}
    names = ("a*b*.jpg", "C.jpg", "c.jpg")
    assert read_notes(write("# a*b*.jpg\nx\n# C.jpg\ny"), names).by_name == {
        "a*b*.jpg": "x",
        "C.jpg": "y",
    }


@pytest.mark.parametrize(
    "text",
    [
        "- # tabby.jpg",
        "> # tabby.jpg",
        "```\n# tabby.jpg\n```",
        "    # tabby.jpg",
        "#tabby.jpg",
        "# tabby, sleeping",
        "# Comparing tabby.jpg and cats/1.jpg with all that we have seen before, such as x.jpg",
    ],
)
def test_what_names_no_picture(text: str, write: Write) -> None:
    assert read_notes(write(text), NAMES) == Notes(text.strip("\n"))


def test_deeper_headings_belong_to_the_picture_unless_they_have_a_suffix(write: Write) -> None:
    text = "# cats/1.jpg\none\n## Tabby\ntwo\n## Report\nthree\n## tabby.jpg\nfour"
    assert read_notes(write(text), NAMES).by_name == {
        "cats/1.jpg": "one\n## Tabby\ntwo\n## Report\nthree",
        "cats/tabby.jpg": "four",
    }
    assert read_notes(write("# Report\n## Tabby\nx"), NAMES) == Notes("## Tabby\nx")
    assert read_notes(write("# Lab\n## Tabby\nx"), NAMES) == Notes("# Lab", {"cats/tabby.jpg": "x"})


def test_back_to_the_report(write: Write) -> None:
    notes = read_notes(write("a\n## Tabby\nb\n## report\nc\n# REPORT\nd"), NAMES)
    assert notes == Notes("a\n\nc\n\nd", {"cats/tabby.jpg": "b"})


def test_ends_of_lines_and_the_mark_at_the_start(write: Write) -> None:
    notes = read_notes(write(b"\xef\xbb\xbfa\r\n\r\n# Tabby\r\nb\rc\r\n"), NAMES)
    assert notes == Notes("a", {"cats/tabby.jpg": "b\nc"})


def test_pictures_without_notes_are_left_out(write: Write) -> None:
    assert read_notes(write("# Tabby\n\n \n# Beagle\n"), NAMES) == Notes()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "x\n# tabbi.jpg",
            "line 2: expected the name of one of the run's images, found 'tabbi.jpg'",
        ),
        ("# tabbi.jpg", "Did you mean 'tabby.jpg'"),
        ("# zzzzzzzz.webp", "found 'zzzzzzzz.webp'. Correct"),
        ("# my cta.jpeg", "Did you mean 'my cat.jpeg'"),
        ("# 1.jpg", "names 2 images: 'cats/1.jpg', 'dogs/1.jpg'. Write the path"),
        ("# 1", "names 2 images"),
        (
            b"a\n\xff",
            "expected UTF-8 text, found a byte that is not (invalid start byte at byte 2)",
        ),
        ("a\n\nb\x00", "line 3: found the control character U+0000"),
        ("a\x1b[31m", "U+001B"),
        ("a\x85", "U+0085"),
        ("a" * (LARGEST + 1), "expected at most 1000 kB of Markdown, found more"),
    ],
)
def test_what_is_refused(content: str | bytes, said: str, write: Write) -> None:
    path = write(content)
    with pytest.raises(OptionError) as refused:
        read_notes(path, NAMES)
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"--notes {path}")


def test_many_of_one_name(write: Write) -> None:
    with pytest.raises(OptionError, match=r"names 5 images: 'a/x\.jpg', .*'c/x\.jpg' and 2 more\."):
        read_notes(write("# x"), [f"{folder}/x.jpg" for folder in "abcde"])


def test_no_file_there(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="found nothing"):
        read_notes(tmp_path / "none.md", NAMES)
    with pytest.raises(OptionError, match="found a folder"):
        read_notes(tmp_path, NAMES)


def test_the_example_of_the_documentation(write: Write) -> None:
    text = (Path(__file__).parents[2] / "docs/notes.md").read_text(encoding="utf-8")
    example = text.partition("```markdown\n")[2].partition("\n```\n")[0]
    notes = read_notes(write(example), ["cat_and_dog.jpg", "dog.png", "fish.png"])
    assert set(notes.by_name) == {"cat_and_dog.jpg", "dog.png"}
    assert notes.by_name["cat_and_dog.jpg"].endswith("as in [the other picture](dog.png).")
    assert notes.report.startswith("# Lab 3")
    assert "# Conclusion" in notes.report


# -- author and meta ---------------------------------------------------------------------------


def test_author() -> None:
    assert parse_author(None) == ""
    assert parse_author("  李 明 ") == "李 明"


def test_meta() -> None:
    assert parse_meta([]) == ()
    assert parse_meta(["course = Computer Vision", "formula=a=b", "学号=2023"]) == (
        ("course", "Computer Vision"),
        ("formula", "a=b"),
        ("学号", "2023"),
    )


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["course"], "found 'course' with no '='"),
        (["=x"], "found '=x' with no key"),
        ([" = "], "with no key"),
        (["course="], "found 'course=' with no value"),
        (["a=1", "b=2", "a =3"], "the key 'a' comes twice, with '1' and '3'"),
        (["a=\x1b[31m"], r"found control characters in '\x1b[31m'"),
        (["a=x\ny"], r"found control characters in 'x\ny'"),
        (["a=\u202egnp"], r"found control characters in '\u202egnp'"),
        (["a\tb=c"], r"found control characters in 'a\tb'"),
    ],
)
def test_meta_that_is_refused(texts: list[str], said: str) -> None:
    with pytest.raises(OptionError) as refused:
        parse_meta(texts)
    assert said in str(refused.value)
    assert str(refused.value).startswith("--meta: ")


def test_an_author_that_is_refused() -> None:
    with pytest.raises(OptionError, match="--author: expected one line of text"):
        parse_author("a\x00b")
