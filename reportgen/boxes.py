"""Where the objects are: boxes given with ``--boxes``, matched to the pictures of a run."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reportgen.box_files import read_entries
from reportgen.errors import OptionError, did_you_mean
from reportgen.language import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from reportgen.box_files import Entry

ClassFinder = Callable[[str], Sequence[int]]
"""From what a file says of a class to the indices that it may mean: none, one, or several."""

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Box:
    """One object in one picture, in pixels of the original: upright, before any resizing.

    Edges, not pixels: the box of the first pixel alone is ``(0, 0, 1, 1)``.
    """

    xmin: float
    ymin: float
    xmax: float
    """Greater than ``xmin``."""
    ymax: float
    """Greater than ``ymin``."""
    class_index: int | None = None
    """Index of its class; None where the file names none: then it holds for every class."""


@dataclass(frozen=True, slots=True)
class Boxes:
    """The boxes of a run's pictures."""

    by_name: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)
    """Boxes of every picture that has one, by its name, in the order of the file."""
    origin: str = ""
    """Where they came from, as text for the report; empty where there are none."""
    notes: tuple[str, ...] = ()
    """What was left out, and why."""


def read_boxes(
    source: Path,
    names: Sequence[str],
    categories: Sequence[str],
    find_class: ClassFinder,
) -> Boxes:
    """Read boxes and match them to the pictures of a run.

    Parameters
    ----------
    source
        A COCO file (``.json``; ``bbox`` is x, y, width, height from 0), a Pascal VOC file or a
        folder of them (``.xml``; pixels from 1, the last one included), or a table (``.csv``;
        edges from 0, or a corner with width and height).
    names
        The pictures, relative to the walked folder with ``/`` between parts.
    categories
        Name of each class, by index; for messages.
    find_class
        Which classes a text means, by name or by index.

    Returns
    -------
    Boxes of pictures that are not in the run are left out, and so are those of classes that the
    network does not know; both are counted in the notes.

    Raises
    ------
    OptionError
        If the file does not fit its format, no box belongs to a picture of the run or to a class
        of the network, or an entry could be about several of them.
    """
    entries = read_entries(source)
    matched = _matched(source.name, entries, names)
    found: dict[str, list[Box]] = defaultdict(list)
    unknown: Counter[str] = Counter()
    for name, entry in matched:
        index = None
        if entry.category is not None:
            indices = find_class(entry.category)
            if not indices:
                unknown[entry.category] += 1
                continue
            index = _only(entry, indices)
        found[name].append(Box(*entry.edges, index))
    if not found:
        first = next(iter(unknown))
        raise OptionError(
            f"--boxes {source.name}: none of the boxes is of a class of this model; they are of "
            f"{_some(list(unknown))}.{did_you_mean(first, categories)} Write the classes as the "
            f"model names them, or by index from 0 to {len(categories) - 1}.",
        )
    return Boxes(
        by_name={name: tuple(found[name]) for name in names if name in found},
        origin=_origin(source.name, len(found), len(names)),
        notes=_notes(len(entries) - len(matched), unknown),
    )


def _only(entry: Entry, indices: Sequence[int]) -> int:
    if len(indices) > 1:
        raise OptionError(
            f"--boxes {entry.where}: '{entry.category}' is the name of {len(indices)} classes. "
            f"Give the index instead: {', '.join(map(str, indices))}.",
        )
    return indices[0]


def _notes(elsewhere: int, unknown: Counter[str]) -> tuple[str, ...]:
    notes = []
    if elsewhere:
        notes.append(
            _("{boxes} of pictures that are not in this run left out").format(
                boxes=_count(elsewhere)
            )
        )
    if unknown:
        notes.append(
            _("{boxes} of classes that the model does not know left out ({classes})").format(
                boxes=_count(unknown.total()),
                classes=_some([category for category, _count in unknown.most_common()]),
            )
        )
    return tuple(notes)


def _count(boxes: int) -> str:
    return ngettext("{count} box", "{count} boxes", boxes).format(count=boxes)


def _origin(file: str, with_box: int, images: int) -> str:
    if with_box == images:
        return file
    return _("{file} ({number} of {images} images)").format(
        file=file, number=with_box, images=images
    )


def _some(names: Sequence[str]) -> str:
    more = ", …" if len(names) > _SHOWN else ""
    return ", ".join(f"'{name}'" for name in names[:_SHOWN]) + more


# -- pictures --------------------------------------------------------------------------------


def _matched(file: str, entries: Sequence[Entry], names: Sequence[str]) -> list[tuple[str, Entry]]:
    """Return every entry with the picture that it is about; those about none are left out."""
    if not entries:
        raise OptionError(
            f"--boxes {file}: there is no box in it. Give a file with at least one.",
        )
    pictures = _Pictures(names)
    found = [(name, entry) for entry in entries if (name := pictures.of(entry)) is not None]
    if not found:
        raise OptionError(
            f"--boxes {file}: no box is about any of the {len(names)} pictures of this run "
            f"({_some(names)}); found {_some([entry.names[0] for entry in entries])}. Name the "
            f"pictures as they are named here.",
        )
    return found


class _Pictures:
    """Finds the picture that an entry is about."""

    def __init__(self, names: Iterable[str]) -> None:
        self._exact = {_composed(name): name for name in names}
        self._by_base: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for name in self._exact:
            base = _base(name)
            self._by_base[base].append(name)
            self._by_stem[_stem(base)].append(name)

    def of(self, entry: Entry) -> str | None:
        """Return the picture's name, or None where it is not in the run.

        A shorter path matches where it is the end of the longer one, so that a bare file name
        does; ``cats/1.jpg`` is not ``dogs/1.jpg``. A name without suffix, as ImageNet's VOC files
        have it, matches the picture with any.
        """
        for given in entry.names:
            path = _composed(given.replace("\\", "/")).removeprefix("./")
            if path in self._exact:
                return self._exact[path]
            near = [name for name in self._by_base.get(_base(path), ()) if _alike(name, path)]
            stems = self._by_stem.get(_base(path), ())
            near = near or [name for name in stems if _alike(_stem(name), path)]
            if len(near) > 1:
                raise OptionError(
                    f"--boxes {entry.where}: '{given}' could be any of {len(near)} pictures "
                    f"({_some(near)}). Write the path as it is given here.",
                )
            if near:
                return self._exact[near[0]]
        return None


def _composed(text: str) -> str:
    """Return ``text`` with composed accents; file systems and editors differ in this."""
    return unicodedata.normalize("NFC", text)


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _stem(path: str) -> str:
    return path.rpartition(".")[0] or path


def _alike(name: str, path: str) -> bool:
    return f"/{path}".endswith(f"/{name}") or f"/{name}".endswith(f"/{path}")
