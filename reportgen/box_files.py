"""Read bounding boxes as they are written down: COCO JSON, Pascal VOC XML, CSV.

Every format comes out as the same entries: a picture's name, edges in pixels, a class as text.
"""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers import expat

from reportgen.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

Edges = tuple[float, float, float, float]
"""``(xmin, ymin, xmax, ymax)``: pixels from the upper left corner; the first pixel is 0…1."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One box as its file gives it."""

    where: str
    """File and line or entry, for messages: ``boxes.csv, line 3``."""
    names: tuple[str, ...]
    """What the picture may be called, the most definite first."""
    edges: Edges
    category: str | None
    """The class as written; None where none is."""


def read_entries(path: Path) -> list[Entry]:
    """Read all boxes of a file, or of a folder of VOC files.

    Raises
    ------
    OptionError
        If the file cannot be read, is none of the formats, or holds a box that is not one.
    """
    if path.is_dir():
        files = sorted(path.glob("*.xml"))
        if not files:
            raise OptionError(
                f"--boxes {path.name}: expected a folder of Pascal VOC files (*.xml), found none "
                f"in it. Give that folder, a COCO JSON file or a CSV file.",
            )
        return [entry for file in files for entry in _voc(file)]
    readers = {".json": _coco, ".xml": _voc, ".csv": _csv, ".tsv": _csv, ".txt": _csv}
    reader = readers.get(path.suffix.casefold())
    if reader is None:
        raise OptionError(
            f"--boxes {path.name}: expected a COCO file (.json), a Pascal VOC file or folder "
            f"(.xml) or a table (.csv), found '{path.suffix or 'no suffix'}'. Rename the file "
            f"after its format.",
        )
    return list(reader(path))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise OptionError(
            f"--boxes: there is no file or folder '{path}'. Give a COCO JSON file, a Pascal VOC "
            f"file or folder, or a CSV file.",
        ) from None
    except OSError as error:
        raise OptionError(
            f"--boxes {path.name}: the file cannot be read ({error.strerror}). Give one that can.",
        ) from error


def _text(path: Path) -> str:
    try:
        return _bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise OptionError(
            f"--boxes {path.name}: expected text in UTF-8, found the byte "
            f"0x{error.object[error.start]:02x} at position {error.start}. Save it as UTF-8.",
        ) from error


def _edges(where: str, values: Sequence[object]) -> Edges:
    """Return the edges as numbers, checked: finite, right of the left and below the upper one."""
    try:
        xmin, ymin, xmax, ymax = (float(value) for value in values)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        xmin = ymin = xmax = ymax = math.nan
    if not all(math.isfinite(edge) for edge in (xmin, ymin, xmax, ymax)):
        raise OptionError(
            f"--boxes {where}: expected four numbers, found "
            f"{', '.join(str(value)[:40] for value in values)}. Correct the box, or leave it out.",
        )
    if xmax <= xmin or ymax <= ymin:
        raise OptionError(
            f"--boxes {where}: expected a box wider and higher than nothing, found x from "
            f"{xmin:g} to {xmax:g} and y from {ymin:g} to {ymax:g}. Correct it, or leave it out.",
        )
    return xmin, ymin, xmax, ymax


# -- COCO ------------------------------------------------------------------------------------


def _coco(path: Path) -> Iterator[Entry]:
    """Read ``bbox: [x, y, width, height]``, counted from 0, of every annotation."""
    try:
        document = json.loads(_text(path))
    except RecursionError:
        _not_coco(path.name, "lists within lists without end")
    except ValueError as error:
        _not_coco(path.name, f"text that is not JSON ({error})")
    if not isinstance(document, dict):
        _not_coco(path.name, f"a {type(document).__name__} at the top")
    images = _by_id(path.name, document, "images", "file_name")
    categories = _by_id(path.name, document, "categories", "name")
    for number, item in enumerate(_list(path.name, document, "annotations"), 1):
        where = f"{path.name}, annotation {number}"
        box = item.get("bbox")
        if not isinstance(box, list) or len(box) != 4:  # noqa: PLR2004
            raise OptionError(
                f"--boxes {where}: expected 'bbox' as [x, y, width, height], found "
                f"{str(box)[:80]}. Correct it, or leave it out.",
            )
        edges = _edges(where, _from_size(where, box))
        name = _referred(where, images, item, "image_id")
        category = (
            _referred(where, categories, item, "category_id") if "category_id" in item else None
        )
        yield Entry(where, (name,), edges, category)


def _from_size(where: str, box: Sequence[object]) -> Sequence[object]:
    """Turn ``x, y, width, height`` into edges; ``_edges`` says so where they are not numbers."""
    try:
        x, y, width, height = (float(value) for value in box)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        _edges(where, box)
        raise
    return x, y, x + width, y + height


def _list(file: str, document: dict[str, object], key: str) -> list[dict[str, object]]:
    items = document.get(key)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        _not_coco(file, f"no list of objects under '{key}'")
    return items


def _by_id(file: str, document: dict[str, object], key: str, wanted: str) -> dict[object, str]:
    """Return ``wanted`` of every object in the list ``key``, by its id."""
    found: dict[object, str] = {}
    for number, item in enumerate(_list(file, document, key), 1):
        name, identity = item.get(wanted), item.get("id")
        if not isinstance(name, str) or not isinstance(identity, int | str):
            raise OptionError(
                f"--boxes {file}, entry {number} of '{key}': expected 'id' and '{wanted}', found "
                f"{', '.join(map(str, item)) or 'nothing'}. Correct it, or leave it out.",
            )
        found[identity] = name
    return found


def _referred(where: str, found: dict[object, str], item: dict[str, object], key: str) -> str:
    identity = item.get(key)
    if not isinstance(identity, int | str) or identity not in found:
        raise OptionError(
            f"--boxes {where}: '{key}' is {str(identity)[:40]}, which none of the file's "
            f"{len(found)} entries has as its id. Correct it, or leave the annotation out.",
        )
    return found[identity]


def _not_coco(file: str, found: str) -> NoReturn:
    raise OptionError(
        f"--boxes {file}: expected a COCO file, an object with the lists 'images', 'annotations' "
        f"and 'categories', found {found}. Export the boxes as COCO, Pascal VOC or CSV.",
    ) from None


# -- Pascal VOC ------------------------------------------------------------------------------


def _voc(path: Path) -> Iterator[Entry]:
    """Read ``bndbox`` of every object: pixels counted from 1, ``xmax`` and ``ymax`` included."""
    root = _xml(path)
    filename = (root.findtext("filename") or "").strip()
    names = tuple(dict.fromkeys(name for name in (filename, path.stem) if name))
    for number, item in enumerate(root.findall("object"), 1):
        where = f"{path.name}, object {number}"
        corners = [
            (item.findtext(f"bndbox/{key}") or "nothing").strip()
            for key in ("xmin", "ymin", "xmax", "ymax")
        ]
        try:
            left, top, right, bottom = (float(corner) for corner in corners)
        except ValueError:
            edges = _edges(where, corners)
        else:
            # The first pixel is number 1 and covers 0…1; the last one's far edge is its number.
            edges = _edges(where, (left - 1, top - 1, right, bottom))
        category = (item.findtext("name") or "").strip()
        yield Entry(where, names, edges, category or None)


class _DoctypeError(Exception):
    """There is a document type declaration."""


def _xml(path: Path) -> Element:
    """Parse an annotation, and refuse what could define entities.

    An XML file of a few hundred bytes may expand to gigabytes, or read other files, through
    entities; these can be declared in a document type declaration only, which no annotation needs.
    It is the parser that meets it, so no encoding hides it.
    """
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(_bytes(path), True)  # noqa: FBT003 - the parser's own signature
        root = builder.close()
    except _DoctypeError:
        raise OptionError(
            f"--boxes {path.name}: expected a plain Pascal VOC file, found a DOCTYPE, which could "
            f"make it expand without limit. Remove the DOCTYPE.",
        ) from None
    except (expat.ExpatError, ParseError, ValueError, LookupError) as error:
        raise OptionError(
            f"--boxes {path.name}: expected a Pascal VOC file, found text that is not XML "
            f"({error}). Export the boxes again.",
        ) from error
    if root.tag != "annotation":
        raise OptionError(
            f"--boxes {path.name}: expected a Pascal VOC file with 'annotation' at the top, found "
            f"'{root.tag[:80]}'. Export the boxes as COCO, Pascal VOC or CSV.",
        )
    return root


def _refuse(*_: object) -> None:
    raise _DoctypeError


# -- CSV -------------------------------------------------------------------------------------

_HEADINGS = {
    "file": ("file", "image", "path", "filename", "file_name", "name"),
    "xmin": ("xmin", "x_min", "x1", "left", "x"),
    "ymin": ("ymin", "y_min", "y1", "top", "y"),
    "xmax": ("xmax", "x_max", "x2", "right"),
    "ymax": ("ymax", "y_max", "y2", "bottom"),
    "width": ("width", "w", "box_width"),
    "height": ("height", "h", "box_height"),
    "class": ("class", "label", "category", "target", "class_name"),
}
_EDGES = ("xmin", "ymin", "xmax", "ymax")
_SIZES = ("xmin", "ymin", "width", "height")
_PLAIN = ("file", *_EDGES, "class")
"""Columns of a table without headings."""


def _csv(path: Path) -> Iterator[Entry]:
    """Read a table: edges in pixels from 0, or a corner with width and height."""
    rows, columns = _table(path)
    sized = "xmax" not in columns
    keys = _SIZES if sized else _EDGES
    entries = []
    for line, row in rows:
        where = f"{path.name}, line {line}"
        cells = {key: row[at].strip() for key, at in columns.items() if at < len(row)}
        missing = [key for key in ("file", *keys) if not cells.get(key)]
        if missing:
            raise OptionError(
                f"--boxes {where}: expected {', '.join(('file', *keys))}, found no "
                f"{', '.join(missing)} in '{','.join(row)[:80]}'. Fill it in, or leave it out.",
            )
        values: Sequence[object] = [cells[key] for key in keys]
        edges = _edges(where, _from_size(where, values) if sized else values)
        entries.append(Entry(where, (cells["file"],), edges, cells.get("class") or None))
    if entries and all(max(entry.edges) <= 1 for entry in entries):
        raise OptionError(
            f"--boxes {path.name}: expected pixels of the original pictures, found values from 0 "
            f"to 1 only, which look like shares of width and height. Multiply them by the size.",
        )
    yield from entries


def _table(path: Path) -> tuple[list[tuple[int, list[str]]], dict[str, int]]:
    """Return ``(line number, cells)`` of every row, and at which place each column is."""
    text = _text(path)
    tables = [_rows(path.name, text, separator) for separator in ("\t", ";", ",")]
    table = max(tables, key=lambda rows: max((len(row) for _, row in rows), default=0))
    if not table:
        raise OptionError(
            f"--boxes {path.name}: the file has no rows. Write one line for each box: file, xmin, "
            f"ymin, xmax, ymax, class.",
        )
    cells = [cell.strip().casefold() for cell in table[0][1]]
    found = {
        key: next(cells.index(heading) for heading in headings if heading in cells)
        for key, headings in _HEADINGS.items()
        if any(heading in cells for heading in headings)
    }
    if all(key in found for key in ("file", *_EDGES)):
        return table[1:], {key: at for key, at in found.items() if key not in _SIZES[2:]}
    if all(key in found for key in ("file", *_SIZES)):
        return table[1:], {key: at for key, at in found.items() if key not in _EDGES[2:]}
    if any(_is_number(cell) for cell in cells):
        return table, {key: at for at, key in enumerate(_PLAIN)}
    raise OptionError(
        f"--boxes {path.name}: expected the headings {', '.join(_PLAIN)} (or width and height for "
        f"xmax and ymax), found {', '.join(cells)[:200]}. Rename the columns.",
    )


def _rows(file: str, text: str, separator: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        return [(reader.line_num, row) for row in reader if _filled(row)]
    except csv.Error as error:
        raise OptionError(
            f"--boxes {file}, line {reader.line_num}: this is not CSV ({error}). Write one line "
            f"for each box: file, xmin, ymin, xmax, ymax, class.",
        ) from error


def _filled(row: Iterable[str]) -> bool:
    return any(cell.strip() for cell in row)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
