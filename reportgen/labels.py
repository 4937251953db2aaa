"""What every picture shows: its true class, from folder names or from a CSV file."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.errors import OptionError, did_you_mean
from reportgen.groups import is_imagenet
from reportgen.language import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

FILE_COLUMNS = ("file", "image", "path", "filename", "name")
"""Headings, in any case, of the column that names the picture; the first one found counts."""
LABEL_COLUMNS = ("label", "class", "category", "target")
"""Headings, in any case, of the column that holds the true class."""

_SOURCES = ("auto", "none", "folders")
_SHOWN = 5
_WORDNET_ID = re.compile(r"n\d{8}")


@dataclass(frozen=True, slots=True)
class Labels:
    """The true classes of a run's pictures."""

    by_name: Mapping[str, int] = field(default_factory=dict)
    """Class index of every picture that has a label, by its name."""
    origin: str = ""
    """Where they came from, as text for the report; empty where there are none."""
    categories: tuple[str, ...] | None = None
    """Names of all classes by index, where folders gave names to a network that has none."""


def read_labels(
    source: str,
    names: Sequence[str],
    categories: Sequence[str],
    *,
    named: bool,
) -> Labels:
    """Return the true class of every picture that has one.

    Parameters
    ----------
    source
        ``none``; ``folders``: the first part of a picture's path is its class; ``auto``: the same
        where every one of these folders has the name of a class, and none otherwise; or the path
        of a CSV file with a column of pictures and a column of classes.
    names
        The pictures, relative to the walked folder with ``/`` between parts.
    categories
        Name of each class, by index.
    named
        Whether these names are real; placeholders (``class 3``) give way to the folders' names
        where there are as many folders as classes.

    Raises
    ------
    OptionError
        If ``source`` was asked for by name and does not fit the pictures or the classes.
    """
    if source == "none":
        return Labels()
    if source == "auto":
        return _from_folders_if_all(names, categories) if named else Labels()
    if source == "folders":
        return _from_folders(names, categories, named=named)
    return _from_csv(source, names, categories)


# -- classes ---------------------------------------------------------------------------------


class ClassNames:
    """Finds a class by what people write for it."""

    def __init__(self, categories: Sequence[str]) -> None:
        self.categories = categories
        self._exact: dict[str, list[int]] = defaultdict(list)
        self._loose: dict[str, list[int]] = defaultdict(list)
        for index, category in enumerate(categories):
            self._exact[_composed(category.strip())].append(index)
            self._loose[_loosen(category)].append(index)
        self._wordnet: tuple[str, ...] | None = None

    def named(self, text: str) -> tuple[int, ...]:
        """Return the classes that ``text`` names, by WordNet id too; of several none is meant.

        The exact spelling comes first: ImageNet has a ``Cardigan`` and a ``cardigan``.
        """
        exact = self._exact.get(_composed(text), [])
        if len(exact) == 1:
            return tuple(exact)
        return tuple(self._loose.get(_loosen(text), ())) or self._by_wordnet_id(text)

    def numbered(self, text: str) -> tuple[int, ...]:
        """Return the class with this index, or nothing."""
        if text.isdecimal() and int(text) < len(self.categories):
            return (int(text),)
        return ()

    def _by_wordnet_id(self, text: str) -> tuple[int, ...]:
        if not _WORDNET_ID.fullmatch(text) or not is_imagenet(self.categories):
            return ()
        if self._wordnet is None:
            self._wordnet = _wordnet_ids()
        return (self._wordnet.index(text),) if text in self._wordnet else ()


def _wordnet_ids() -> tuple[str, ...]:
    """Return the WordNet ids of ImageNet-1k's classes, in the order of the classes."""
    try:
        from timm.data import ImageNetInfo  # noqa: PLC0415 - timm loads torch: only when needed
    except ImportError:
        return ()
    return tuple(ImageNetInfo().label_names())


def _composed(text: str) -> str:
    """Return ``text`` with composed accents; file systems and editors differ in this."""
    return unicodedata.normalize("NFC", text)


def _loosen(text: str) -> str:
    return " ".join(re.split(r"[\s_-]+", _composed(text).strip())).casefold()


# -- folders ---------------------------------------------------------------------------------


def _folder(name: str) -> str:
    """Return the first part of a picture's path, or nothing where it lies at the top."""
    return name.partition("/")[0] if "/" in name else ""


def _from_folders_if_all(names: Sequence[str], categories: Sequence[str]) -> Labels:
    folders = {_folder(name) for name in names}
    classes = ClassNames(categories)
    found = {folder: classes.named(folder) for folder in folders if folder}
    if "" in folders or any(len(indices) != 1 for indices in found.values()):
        return Labels()
    return Labels({name: found[_folder(name)][0] for name in names}, "folder names")


def _from_folders(names: Sequence[str], categories: Sequence[str], *, named: bool) -> Labels:
    folders = sorted({_folder(name) for name in names} - {""})
    adopted = None
    if not named and len(folders) == len(categories):
        adopted = tuple(folders)
        # ImageFolder's own rule: classes count from 0 in the order of the sorted folder names.
        by_folder = {folder: index for index, folder in enumerate(folders)}
    else:
        by_folder = dict(_resolve_folders(folders, ClassNames(categories)))
    by_name = {name: by_folder[_folder(name)] for name in names if _folder(name) in by_folder}
    if not by_name:
        raise OptionError(_no_folder_fits(folders, categories, named=named))
    return Labels(by_name, _origin(_("folder names"), len(by_name), len(names)), adopted)


def _resolve_folders(folders: Iterable[str], classes: ClassNames) -> Iterator[tuple[str, int]]:
    for folder in folders:
        indices = classes.named(folder) or classes.numbered(folder)
        if len(indices) > 1:
            raise OptionError(
                f"--labels folders: the folder '{folder}' has the name of {len(indices)} classes. "
                f"Rename it to the index of the one meant: {', '.join(map(str, indices))}.",
            )
        if indices:
            yield folder, indices[0]


def _no_folder_fits(folders: Sequence[str], categories: Sequence[str], *, named: bool) -> str:
    if not folders:
        return (
            "--labels folders: the pictures lie in no sub-folders, but one folder per class is "
            "expected. Sort them into folders named as the classes, or give a CSV file."
        )
    text = (
        f"--labels folders: none of the {len(folders)} folders ({_some(folders)}) is a class of "
        f"this model, which has {len(categories)} ({_some(categories)})."
        f"{did_you_mean(folders[0], categories)} Name the folders as the classes, or by index"
    )
    if named:
        return f"{text}; or give a CSV file."
    return (
        f"{text}; or have one folder for each of the {len(categories)} classes, which are then "
        f"numbered by sorted folder name; or give a CSV file."
    )


def _some(names: Sequence[str]) -> str:
    more = ", …" if len(names) > _SHOWN else ""
    return ", ".join(f"'{name}'" for name in names[:_SHOWN]) + more


def _origin(source: str, labelled: int, images: int) -> str:
    if labelled == images:
        return source
    return _("{file} ({number} of {images} images)").format(
        file=source, number=labelled, images=images
    )


# -- CSV -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the file about one picture."""

    line: int
    """Line of the file that it ends on, from 1."""
    file: str
    label: str


def _from_csv(source: str, names: Sequence[str], categories: Sequence[str]) -> Labels:
    path = Path(source)
    rows = _rows(path.name, _read(path))
    matcher = _Matcher(names, path.name)
    exact: list[tuple[str, _Row]] = []
    near: list[tuple[str, _Row]] = []
    for row in rows:
        name, is_exact = matcher.match(row)
        if name is not None:
            (exact if is_exact else near).append((name, row))
    # A row that gives the whole path is about this picture; one that only ends alike may not be.
    settled = {name for name, _ in exact}
    matched = exact + [(name, row) for name, row in near if name not in settled]
    found = _settle(matched, ClassNames(categories), path.name)
    if not found:
        raise OptionError(
            f"--labels {path.name}: no row is about any of the {len(names)} pictures of this run "
            f"({_some(names)}). The first column, or the one headed 'file', is expected to hold "
            f"such names; found {_some([row.file for row in rows])}.",
        )
    by_name = {name: found[name] for name in names if name in found}
    return Labels(by_name, _origin(path.name, len(by_name), len(names)))


def _settle(
    matched: Iterable[tuple[str, _Row]],
    classes: ClassNames,
    file: str,
) -> dict[str, int]:
    """Return the class of every picture that a row is about; several rows have to agree."""
    found: dict[str, tuple[int, _Row]] = {}
    for name, row in matched:
        index = _class_of(row, classes, file)
        first, first_row = found.setdefault(name, (index, row))
        if first != index:
            raise OptionError(
                f"--labels {file}, line {row.line}: '{row.file}' is '{row.label}' here, but "
                f"'{first_row.label}' in line {first_row.line}. Keep one label for each picture.",
            )
    return {name: index for name, (index, _) in found.items()}


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise OptionError(
            f"--labels: expected {', '.join(_SOURCES)} or a CSV file, but there is no file "
            f"'{path}'.{did_you_mean(str(path), _SOURCES)}",
        ) from None
    except OSError as error:
        raise OptionError(
            f"--labels {path.name}: the file cannot be read ({error.strerror}). Give a CSV file "
            f"with a column of pictures and a column of classes.",
        ) from error
    except UnicodeDecodeError as error:
        raise OptionError(
            f"--labels {path.name}: expected text in UTF-8, found the byte "
            f"0x{error.object[error.start]:02x} at position {error.start}. Save it as "
            f"'CSV UTF-8'.",
        ) from error


def _rows(file: str, text: str) -> list[_Row]:
    """Split the text into rows, with the separator and the two columns that it seems to use."""
    tables = [_table(file, text, separator) for separator in ("\t", ";", ",")]
    headed = (rows for rows in tables if rows and _columns(rows[0][1]))
    # A comma may also stand inside a name, so of equals the rarer separators come first.
    table = next(headed, max(tables, key=lambda rows: sum(len(row) > 1 for _, row in rows)))
    columns = _columns(table[0][1]) if table else None
    if columns:
        table = table[1:]
    if not table:
        raise OptionError(
            f"--labels {file}: the file has no rows. Write one line for each picture: its name, "
            f"a comma, its class.",
        )
    at, label_at = columns or (0, 1)
    found = []
    for line, row in table:
        if len(row) <= max(at, label_at):
            raise OptionError(
                f"--labels {file}, line {line}: expected a picture and its class with a comma, "
                f"semicolon or tab between, found '{','.join(row)[:80]}'.",
            )
        found.append(_Row(line, row[at].strip(), row[label_at].strip()))
    return found


def _table(file: str, text: str, separator: str) -> list[tuple[int, list[str]]]:
    """Return ``(line number, cells)`` of every row that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise OptionError(
            f"--labels {file}, line {reader.line_num}: this is not CSV ({error}). Write one line "
            f"for each picture: its name, a comma, its class.",
        ) from error


def _columns(row: Sequence[str]) -> tuple[int, int] | None:
    """Return where the pictures and the classes are if ``row`` is a heading."""
    cells = [cell.strip().casefold() for cell in row]
    file = next((cells.index(heading) for heading in FILE_COLUMNS if heading in cells), None)
    label = next((cells.index(heading) for heading in LABEL_COLUMNS if heading in cells), None)
    return None if file is None or label is None else (file, label)


class _Matcher:
    """Finds the picture that a row is about."""

    def __init__(self, names: Iterable[str], file: str) -> None:
        self._file = file
        self._exact = {_composed(name): name for name in names}
        self._by_base: dict[str, list[str]] = defaultdict(list)
        for name in self._exact:
            self._by_base[name.rpartition("/")[2]].append(name)

    def match(self, row: _Row) -> tuple[str | None, bool]:
        """Return the picture's name, None where it is not in the run, and whether it is the whole.

        A shorter path matches where it is the end of the longer one, so that a bare file name
        does, and so does a path from another folder up; ``cats/1.jpg`` is not ``dogs/1.jpg``.
        """
        path = _composed(row.file.replace("\\", "/"))
        while path.startswith("./"):
            path = path[2:]
        if path in self._exact:
            return self._exact[path], True
        alike = self._by_base.get(path.rpartition("/")[2], ())
        if inside := [name for name in alike if path.endswith(f"/{name}")]:
            return self._exact[max(inside, key=len)], False
        near = [name for name in alike if name.endswith(f"/{path}")]
        if len(near) > 1:
            raise OptionError(
                f"--labels {self._file}, line {row.line}: '{row.file}' could be any of "
                f"{len(near)} pictures ({_some(near)}). Write the path as it is given here.",
            )
        return (self._exact[near[0]], False) if near else (None, False)


def _class_of(row: _Row, classes: ClassNames, file: str) -> int:
    indices = classes.named(row.label) or classes.numbered(row.label)
    if len(indices) == 1:
        return indices[0]
    where = f"--labels {file}, line {row.line}"
    if indices:
        raise OptionError(
            f"{where}: '{row.label}' is the name of {len(indices)} classes. Give the index "
            f"instead: {', '.join(map(str, indices))}.",
        )
    raise OptionError(
        f"{where}: there is no class '{row.label}' in this model."
        f"{did_you_mean(row.label, classes.categories)} Give a class name or an index from 0 to "
        f"{len(classes.categories) - 1}.",
    )
