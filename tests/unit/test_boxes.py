"""Boxes from every format, matched to pictures; and files that are refused, with the reason."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reportgen.boxes import Box, Boxes, read_boxes
from reportgen.errors import OptionError

if TYPE_CHECKING:
    from pathlib import Path

CATEGORIES = ("cat", "dog", "crane", "crane")
NAMES = ("a/one.jpg", "b/two.png", "b/same.jpg", "c/same.jpg")


def find_class(text: str) -> tuple[int, ...]:
    if text.isdecimal():
        return (int(text),) if int(text) < len(CATEGORIES) else ()
    return tuple(index for index, name in enumerate(CATEGORIES) if name == text)


def read(path: Path) -> Boxes:
    return read_boxes(path, NAMES, CATEGORIES, find_class)


def write(path: Path, content: str | bytes | object) -> Path:
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
    return path


def coco(**changes: object) -> dict[str, object]:
    return {
        "images": [{"id": 7, "file_name": "one.jpg"}, {"id": 8, "file_name": "elsewhere.jpg"}],
        "categories": [{"id": 18, "name": "dog"}, {"id": 3, "name": "person"}],
        "annotations": [
            {"image_id": 7, "category_id": 18, "bbox": [10, 20, 30.5, 40]},
            {"image_id": 8, "category_id": 18, "bbox": [0, 0, 1, 1]},
            {"image_id": 7, "category_id": 3, "bbox": [0, 0, 5, 5]},
            {"image_id": 7, "bbox": [0, 0, 2, 2]},
        ],
        **changes,
    }


def voc(filename: str = "two.png", box: str = "<xmin>1</xmin><ymin>2</ymin>") -> str:
    return (
        f"<?xml version='1.0'?><annotation><filename>{filename}</filename><object><name>cat</name>"
        f"<bndbox>{box}<xmax>10</xmax><ymax>20</ymax></bndbox></object></annotation>"
    )


def test_coco_boxes_have_a_corner_and_a_size(tmp_path: Path) -> None:
    found = read(write(tmp_path / "boxes.json", coco()))
    assert found.by_name == {"a/one.jpg": (Box(10, 20, 40.5, 60, 1), Box(0, 0, 2, 2, None))}
    assert found.origin == "boxes.json (1 of 4 images)"
    assert found.notes == (
        "1 box of pictures that are not in this run left out",
        "1 box of classes that the model does not know left out ('person')",
    )


def test_voc_pixels_count_from_1_and_the_last_is_included(tmp_path: Path) -> None:
    found = read(write(tmp_path / "x.xml", voc()))
    assert found.by_name == {"b/two.png": (Box(0, 1, 10, 20, 0),)}


def test_a_folder_of_voc_files_is_read_in_order_of_names(tmp_path: Path) -> None:
    write(tmp_path / "b.xml", voc("two"))
    write(tmp_path / "a.xml", voc("one.jpg", "<xmin>3</xmin><ymin>4</ymin>"))
    write(tmp_path / "one.xml", voc("renamed_since.jpg"))
    found = read(tmp_path)
    assert found.by_name == {
        "a/one.jpg": (Box(2, 3, 10, 20, 0), Box(0, 1, 10, 20, 0)),
        "b/two.png": (Box(0, 1, 10, 20, 0),),
    }


@pytest.mark.parametrize(
    "table",
    [
        "file,xmin,ymin,xmax,ymax,class\na/one.jpg,1,2,3,5,dog\n",
        "a/one.jpg,1,2,3,5,dog\n",
        "File;X;Y;Width;Height;Label\n./a/one.jpg;1;2;2;3;1\n",
        "class\tx1\ty1\tx2\ty2\timage\ndog\t1\t2\t3\t5\tsome/where/a/one.jpg\n",
        "\ufefffilename,width,height,class,xmin,ymin,xmax,ymax\n\na\\one.jpg,640,480,dog,1,2,3,5\n",
    ],
)
def test_tables_name_their_columns_in_many_ways(tmp_path: Path, table: str) -> None:
    found = read(write(tmp_path / "boxes.csv", table))
    assert found.by_name == {"a/one.jpg": (Box(1, 2, 3, 5, 1),)}


def test_a_table_without_classes_holds_for_every_class(tmp_path: Path) -> None:
    found = read(write(tmp_path / "boxes.csv", "file,left,top,right,bottom\none.jpg,1,2,3,5\n"))
    assert found.by_name == {"a/one.jpg": (Box(1, 2, 3, 5, None),)}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "there is no box|has no rows"),
        ("file,xmin,ymin,xmax,ymax\n", "there is no box"),
        ("a,b\nc,d\n", "expected the headings file, xmin.*found a, b"),
        ("one.jpg,1,2,3\n", "line 1: expected file, .*found no ymax in 'one.jpg,1,2,3'"),
        ("file,xmin,ymin,xmax,ymax\none.jpg,1,2,x,5\n", "line 2: expected four numbers.*x"),
        ("file,x,y,w,h\none.jpg,1,2,x,5\n", "line 2: expected four numbers.*x"),
        ("one.jpg,1,2,inf,5\n", "line 1: expected four numbers"),
        ("one.jpg,3,2,1,5\n", "line 1: expected a box wider .*x from 3 to 1"),
        ("one.jpg,1,5,3,5\n", "line 1: expected a box wider .*y from 5 to 5"),
        ("one.jpg,0.1,0.2,0.3,0.5\ntwo.png,0,0,1,1\n", "look like shares"),
        ("other.jpg,1,2,3,5\n", "no box is about any of the 4 pictures.*'other.jpg'"),
        ("same.jpg,1,2,3,5\n", r"line 1: 'same.jpg' could be any of 2 pictures"),
        ("one.jpg,1,2,3,5,dgo\n", "none of the boxes is of a class.*'dgo'.*Did you mean 'dog'"),
        ("one.jpg,1,2,3,5,crane\n", "line 1: 'crane' is the name of 2 classes.*2, 3"),
        ('one.jpg,1,2,3,5,"' + "x" * 140_000 + '"\n', "this is not CSV"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path: Path, table: str, message: str) -> None:
    with pytest.raises(OptionError, match=f"--boxes boxes.csv.*({message})"):
        read(write(tmp_path / "boxes.csv", table))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "found text that is not JSON"),
        ("[" * 100_000, "found lists within lists"),
        ([], "found a list at the top"),
        ({"images": []}, "no list of objects under 'categories'"),
        (coco(annotations=[3]), "no list of objects under 'annotations'"),
        (coco(images=[{"id": 7}]), "entry 1 of 'images': expected 'id' and 'file_name'"),
        (coco(images=[{"id": [7], "file_name": "x"}]), "entry 1 of 'images'"),
        (coco(annotations=[{"image_id": 7, "bbox": [1, 2, 3]}]), "annotation 1: expected 'bbox'"),
        (coco(annotations=[{"image_id": 7, "bbox": [1, 2, 0, 3]}]), "annotation 1: expected a box"),
        (coco(annotations=[{"image_id": 7, "bbox": [1, 2, [], 3]}]), "expected four numbers"),
        (coco(annotations=[{"image_id": 9, "bbox": [1, 2, 3, 3]}]), "'image_id' is 9"),
        (coco(annotations=[{"image_id": [], "bbox": [1, 2, 3, 3]}]), r"'image_id' is \[\]"),
        (
            coco(annotations=[{"image_id": 7, "category_id": 5, "bbox": [1, 2, 3, 3]}]),
            "'category_id' is 5",
        ),
        (coco(annotations=[]), "there is no box in it"),
        ('{"images": [], "categories": [], "annotations": [{"bbox": [1e999, 0, 1, 1]}]}', "four"),
        (b"\xff\xfe{}", "expected text in UTF-8"),
    ],
)
def test_a_coco_file_that_does_not_fit_is_refused(
    tmp_path: Path, content: object, message: str
) -> None:
    with pytest.raises(OptionError, match=f"--boxes boxes.json.*({message})"):
        read(write(tmp_path / "boxes.json", content))


BOMB = (
    "<?xml version='1.0'?><!DOCTYPE annotation [<!ENTITY a 'ha'>"
    + "".join(f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in zip("abcd", "bcde", strict=True))
    + "]><annotation><filename>&e;</filename></annotation>"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_xml_file_that_could_expand_is_refused_in_any_encoding(
    tmp_path: Path, encoding: str
) -> None:
    with pytest.raises(OptionError, match=r"--boxes x.xml: .*found a DOCTYPE"):
        read(write(tmp_path / "x.xml", BOMB.encode(encoding)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not XML"),
        ("<annotation>", "not XML"),
        ("<annotation>&e;</annotation>", "not XML"),
        ("<?xml version='1.0' encoding='klingon'?><annotation/>", "not XML"),
        ("<html/>", "'annotation' at the top, found 'html'"),
        (voc(box="<xmin>1</xmin>"), "object 1: expected four numbers, found 1, nothing"),
        (voc(box="<xmin>11</xmin><ymin>2</ymin>"), "object 1: expected a box wider"),
        ("<annotation/>", "there is no box"),
    ],
)
def test_an_xml_file_that_does_not_fit_is_refused(
    tmp_path: Path, content: str, message: str
) -> None:
    with pytest.raises(OptionError, match=f"--boxes x.xml.*({message})"):
        read(write(tmp_path / "x.xml", content))


def test_what_is_not_there_or_no_known_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="there is no file or folder"):
        read(tmp_path / "none.json")
    with pytest.raises(OptionError, match=r"boxes\.yaml: expected a COCO file.*'\.yaml'"):
        read(write(tmp_path / "boxes.yaml", "a: b"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(OptionError, match="--boxes empty: expected a folder of Pascal VOC"):
        read(tmp_path / "empty")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(OptionError, match=r"--boxes folder\.csv: expected a folder"):
        read(tmp_path / "folder.csv")
