"""The names of the classes: from the user, from the checkpoint, or ImageNet's."""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from reportgen.errors import CheckpointError, OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

_ENTRIES = (
    "classes",
    "class_names",
    "class_to_idx",
    "idx_to_class",
    "categories",
    "labels",
)
"""Where training scripts keep the names in a checkpoint, in any case."""

_NESTED = ("meta", "hyper_parameters", "hparams", "config", "args")

_FILE_ENDINGS = frozenset({".txt", ".json", ".csv", ".tsv", ".names", ".labels"})


@dataclass(frozen=True, slots=True)
class CategoryNames:
    """Names in the order of the logits, and where they are from."""

    names: tuple[str, ...]
    origin: str
    """``--classes``, ``checkpoint (class_to_idx)``, ``ImageNet-1k``; empty for placeholders."""


def placeholders(classes: int) -> tuple[str, ...]:
    """Return ``class 0``, ``class 1`` and so on."""
    return tuple(f"class {index}" for index in range(classes))


def names_from_option(text: str | None) -> CategoryNames | None:
    """Read the text of ``--classes``: names between commas, or the path of a file of names.

    A file may be plain text (one name per line), JSON (a list, ``{"0": "cat"}`` or
    ``{"cat": 0}``) or CSV (one column of names, or an index and a name in either order, with or
    without a header).

    Raises
    ------
    OptionError
        If the file cannot be read, or a name is empty or occurs twice.
    """
    if text is None:
        return None
    path = Path(text)
    if "," in text and not _is_file(path):
        names: Sequence[str] = next(csv.reader([text], skipinitialspace=True))
        where = "--classes"
    else:
        names = _read_file(path)
        where = f"--classes: '{path}'"
    names = tuple(name.strip() for name in names)
    _check_names(names, where)
    return CategoryNames(names, "--classes")


def names_inside(
    holder: object, where: str = "checkpoint", *, depth: int = 4
) -> tuple[CategoryNames, ...]:
    """Find names in a checkpoint's dict, in the dicts nested in it, or on a network.

    No deeper than ``depth``: a dict in a checkpoint may hold itself.

    Returns
    -------
    Every entry that holds names, the outer ones first. Entries of the usual names that hold
    something else, for example a number of classes or the labels of a training set, are passed
    over; the caller checks whether the count fits.
    """
    entries = _entries(holder)
    found = [
        CategoryNames(names, f"{where} ({key})")
        for wanted in _ENTRIES
        for key, value in entries.items()
        if isinstance(key, str) and key.casefold() == wanted
        if (names := _as_names(value))
    ]
    for key, value in entries.items():
        if depth and isinstance(key, str) and key.casefold() in _NESTED:
            found += [
                CategoryNames(item.names, item.origin.replace("(", f"({key}."))
                for item in names_inside(value, where, depth=depth - 1)
            ]
    return tuple(found)


def choose_categories(
    classes: int,
    option: CategoryNames | None,
    inside: tuple[CategoryNames, ...],
    usual: CategoryNames,
) -> CategoryNames:
    """Return the names for a network of so many classes.

    Parameters
    ----------
    classes
        Number of logits.
    option
        What ``--classes`` says; it wins.
    inside
        What the checkpoint says; the first of the right count is taken.
    usual
        For example ImageNet's names, taken where the count fits.

    Raises
    ------
    OptionError
        If ``--classes`` gives another number of names.
    CheckpointError
        If the checkpoint does, and ``--classes`` was not given.
    """
    if option is not None:
        check_count(option, classes)
        return option
    for item in inside:
        if len(item.names) == classes:
            return item
    if inside:
        raise CheckpointError(
            f"--checkpoint: the entry '{inside[0].origin.partition('(')[2][:-1]}' names "
            f"{len(inside[0].names)} classes, but the network has {classes} outputs. "
            f"Give the names with --classes.",
        )
    if classes == len(usual.names):
        return usual
    return CategoryNames(placeholders(classes), "")


def check_count(option: CategoryNames | None, classes: int) -> None:
    """Raise OptionError unless ``--classes`` gives as many names as the network has outputs."""
    if option is not None and len(option.names) != classes:
        raise OptionError(
            f"--classes: {len(option.names)} names are given, but the network has {classes} "
            f"outputs. Give one name per output, in the order of the outputs.",
        )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a list of names may be no possible path at all
        return False


def _read_file(path: Path) -> list[str]:
    if not _is_file(path):
        looks_like_path = path.suffix in _FILE_ENDINGS or len(path.parts) > 1
        raise OptionError(
            f"--classes: there is no file '{path}'."
            if looks_like_path
            else f"--classes: names between commas (cat,dog) or a file of names is expected, "
            f"found '{path}', which is neither.",
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise OptionError(
            f"--classes: '{path}' is not text in UTF-8 (byte {error.start}). Save it as UTF-8.",
        ) from None
    except OSError as error:
        raise OptionError(f"--classes: '{path}' cannot be read ({error.strerror}).") from None
    if path.suffix.casefold() == ".json":
        return _from_json(text, path)
    if path.suffix.casefold() in {".csv", ".tsv"}:
        return _from_csv(text, path)
    return text.rstrip().splitlines()


def _from_json(text: str, path: Path) -> list[str]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise OptionError(
            f"--classes: '{path}' is not JSON (line {error.lineno}: {error.msg}).",
        ) from None
    except (RecursionError, ValueError):  # or a number of thousands of digits
        raise OptionError(
            f"--classes: '{path}' is JSON that cannot be a list of names: it is nested without "
            f"end, or holds a number that is too long.",
        ) from None
    if isinstance(value, list) and not all(isinstance(name, str) for name in value):
        value = None
    names = _as_names(value)
    if names is None:
        raise OptionError(
            f"--classes: in '{path}' a list of names is expected, or an object of numbers 0, 1, … "
            f'to names or of names to numbers, such as {{"0": "cat", "1": "dog"}}.',
        )
    return list(names)


def _from_csv(text: str, path: Path) -> list[str]:
    delimiter = "\t" if path.suffix.casefold() == ".tsv" else ","
    try:
        rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if any(row)]
    except csv.Error as error:
        raise OptionError(f"--classes: '{path}' is not CSV ({error}).") from None
    if all(len(row) == 1 for row in rows):
        header = rows and rows[0][0].strip().casefold() in _ENTRY_HEADERS
        return [row[0] for row in rows[1 if header else 0 :]]
    columns = _index_and_name(rows)
    names = _as_names(dict(columns)) if columns is not None else None
    if columns is None or names is None or len(names) != len(columns):
        raise OptionError(
            f"--classes: in '{path}' one column of names is expected, or two columns, the numbers "
            f"0, 1, … and the names. Names with commas need quotes.",
        )
    return list(names)


_ENTRY_HEADERS = frozenset({"name", "names", "class", "classes", "category", "label", "class_name"})


def _index_and_name(rows: list[list[str]]) -> list[tuple[str, str]] | None:
    """Return ``(index, name)`` of every row, whichever column the index is in; None if neither."""
    if any(len(row) != 2 for row in rows):  # noqa: PLR2004 - index and name
        return None
    for index, name in ((0, 1), (1, 0)):
        for start in (0, 1):  # with a header the first row holds no number
            pairs = [(row[index].strip(), row[name]) for row in rows[start:]]
            if pairs and all(number.isdecimal() for number, _ in pairs):
                return pairs
    return None


def _check_names(names: tuple[str, ...], where: str) -> None:
    if not names:
        raise OptionError(f"{where}: no names are given.")
    seen: dict[str, int] = {}
    for position, name in enumerate(names, start=1):
        if not name:
            raise OptionError(f"{where}: name {position} of {len(names)} is empty.")
        if name in seen:
            raise OptionError(
                f"{where}: '{name}' is given twice, as name {seen[name]} and {position}. "
                f"Each class needs a name of its own.",
            )
        seen[name] = position


def _entries(holder: object) -> Mapping[Any, Any]:
    if isinstance(holder, Mapping):
        return holder
    if isinstance(holder, argparse.Namespace):
        return vars(holder)
    if isinstance(holder, nn.Module):  # may have them of its class
        return {key: getattr(holder, key, None) for key in (*_ENTRIES, *_NESTED)}
    return {}


def _as_names(value: object) -> tuple[str, ...] | None:
    """Return names in order from a list of them or from a dict in either direction."""
    if isinstance(value, list | tuple):
        names = tuple(value)
        return names if names and all(isinstance(name, str) for name in names) else None
    if not isinstance(value, Mapping) or not value:
        return None
    pairs = [_pair(key, item) for key, item in value.items()]
    numbered = dict(pair for pair in pairs if pair is not None)
    if len(numbered) != len(value) or set(numbered) != set(range(len(value))):
        return None
    return tuple(numbered[index] for index in range(len(numbered)))


def _pair(key: object, value: object) -> tuple[int, str] | None:
    """Return ``(index, name)`` from an entry in either direction."""
    for index, name in ((key, value), (value, key)):
        if not isinstance(name, str) or isinstance(index, bool):
            continue
        if isinstance(index, int):
            return index, name
        if isinstance(index, str) and index.isdecimal():
            return int(index), name
    return None
