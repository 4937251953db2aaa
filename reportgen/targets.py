"""What to explain: what the user asked for, and what that means for one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.errors import TargetError, did_you_mean
from reportgen.groups import builtin_group, parse_members
from reportgen.language import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reportgen.values import Target

MAX_ALL = 20
"""Classes above which ``all`` would mean a report that nobody can read."""


@dataclass(frozen=True, slots=True)
class TopClasses:
    """The ``count`` classes with the highest logits of each picture."""

    count: int


@dataclass(frozen=True, slots=True)
class FixedClass:
    """The same class in every picture."""

    index: int


@dataclass(frozen=True, slots=True)
class TrueLabel:
    """The class that each picture's label names."""


@dataclass(frozen=True, slots=True)
class Contrasted:
    """The first choice of each picture, and its true class, or the next choice where it is right.

    That is what the first choice is best compared with.
    """


@dataclass(frozen=True, slots=True)
class ClassGroup:
    """Several classes explained as one, through the logsumexp of their logits."""

    name: str
    classes: tuple[int, ...]


TargetSpec = TopClasses | FixedClass | TrueLabel | Contrasted | ClassGroup
Chosen = FixedClass | ClassGroup
"""What a specification comes to for one picture."""


def parse_targets(texts: Iterable[str], categories: Sequence[str]) -> tuple[TargetSpec, ...]:
    """Read the values of ``--target``.

    Parameters
    ----------
    texts
        ``top1``, ``top:K``, ``all``, ``label``, ``contrast``, a category (any case), an index from
        0, a built-in group (``@dogs``) or a group of one's own (``cat=tabby,tiger cat``). Several
        may stand in one text with commas between, unless all of it is a category or a group.
    categories
        Name of each class, by index.

    Raises
    ------
    TargetError
        If a class does not exist, if a name stands for several, or if there is none at all.
    """
    by_name: dict[str, list[int]] = {}
    for index, category in enumerate(categories):
        by_name.setdefault(category.casefold(), []).append(index)
    specs: dict[TargetSpec, None] = {}
    for text in texts:
        whole = text.strip().casefold() in by_name or "=" in text
        for part in [text] if whole else text.split(","):
            specs.update(dict.fromkeys(_parse_one(part.strip(), categories, by_name)))
    if not specs:
        raise TargetError("--target: name at least one class, or leave the option out for top1.")
    _refuse_equal_names(specs, categories)
    return tuple(specs)


def _parse_one(
    text: str, categories: Sequence[str], by_name: dict[str, list[int]]
) -> Iterator[TargetSpec]:
    lowered = text.casefold()
    if lowered in by_name:
        yield FixedClass(_only(by_name[lowered], text))
    elif lowered == "all":
        yield from _all(categories)
    elif lowered == "label":
        yield TrueLabel()
    elif lowered == "contrast":
        yield Contrasted()
    elif lowered.startswith("@"):
        yield ClassGroup(lowered[1:], builtin_group(text, categories))
    elif "=" in text:
        yield _group(text, categories)
    elif (top := _top(text, len(categories))) is not None:
        yield top
    else:
        yield FixedClass(_index(text, categories))


def _only(indices: list[int], text: str) -> int:
    if len(indices) > 1:
        raise TargetError(
            f"--target: '{text}' is the name of {len(indices)} classes. "
            f"Give the index instead: {', '.join(map(str, indices))}.",
        )
    return indices[0]


def _all(categories: Sequence[str]) -> Iterator[FixedClass]:
    if len(categories) > MAX_ALL:
        raise TargetError(
            f"--target: 'all' is for models of up to {MAX_ALL} classes, and this one has "
            f"{len(categories)}. Give top:K, names, or a group such as 'pets=1,2,3'.",
        )
    return (FixedClass(index) for index in range(len(categories)))


def _group(text: str, categories: Sequence[str]) -> ClassGroup:
    name, _, members = text.partition("=")
    if not name.strip():
        raise TargetError(f"--target: in '{text}' a name for the group is expected before '='.")
    return ClassGroup(name.strip(), parse_members(members, categories))


def _top(text: str, classes: int) -> TopClasses | None:
    """Return what ``top3`` or ``top:3`` means; None for any other text."""
    lowered = text.casefold()
    if not lowered.startswith("top"):
        return None
    count = lowered.removeprefix("top").removeprefix(":")
    if count.isdecimal() and int(count) >= 1:
        return TopClasses(min(int(count), classes))
    if lowered.startswith("top:"):
        raise TargetError(f"--target: in '{text}' a number from 1 on is expected after 'top:'.")
    return None


def _index(text: str, categories: Sequence[str]) -> int:
    if not text.isdecimal():
        raise TargetError(
            f"--target: there is no class '{text}' in this model."
            f"{did_you_mean(text, categories)} Give top1, top:K, all, label, contrast, a class "
            f"name, an index from 0 to {len(categories) - 1}, @GROUP or NAME=CLASS,CLASS.",
        )
    if int(text) >= len(categories):
        raise TargetError(
            f"--target: there is no class {text}; this model has {len(categories)} classes, "
            f"0 to {len(categories) - 1}.",
        )
    return int(text)


def _refuse_equal_names(specs: Iterable[TargetSpec], categories: Sequence[str]) -> None:
    """Two groups of one name, or a group named as an explained class, could not be told apart."""
    names: set[str] = set()
    for spec in specs:
        if isinstance(spec, ClassGroup | FixedClass):
            name = name_of(spec, categories)
            if name in names and isinstance(spec, ClassGroup):
                raise TargetError(f"--target: '{name}' is given twice. Name one of them otherwise.")
            names.add(name)


def name_of(spec: Chosen, categories: Sequence[str]) -> str:
    """Return the name of a group, or the category of a class."""
    return spec.name if isinstance(spec, ClassGroup) else categories[spec.index]


def chosen_of(target: Target) -> Chosen:
    """Return what to ask for, to explain the same class or group again."""
    if target.is_group:
        return ClassGroup(target.name, target.classes)
    return FixedClass(target.classes[0])


def describe(spec: TargetSpec, categories: Sequence[str]) -> str:
    """Return a target as text for the report."""
    if isinstance(spec, FixedClass):
        return f"{categories[spec.index]} ({spec.index})"
    if isinstance(spec, ClassGroup):
        return _describe_group(spec, categories)
    if isinstance(spec, TrueLabel):
        return _("true class of each picture")
    if isinstance(spec, Contrasted):
        return _("first choice of each picture, and its true class or the next choice")
    if spec.count == 1:
        return _("first choice of each picture")
    return _("top {count} of each picture").format(count=spec.count)


def _describe_group(spec: ClassGroup, categories: Sequence[str]) -> str:
    shown = ", ".join(categories[index] for index in spec.classes[:6])
    more = len(spec.classes) - 6
    if more > 0:
        text = _("{name} (logsumexp of {shown} and {more} more)")
        return text.format(name=spec.name, shown=shown, more=more)
    return _("{name} (logsumexp of {shown})").format(name=spec.name, shown=shown)


def chosen_for(
    specs: Iterable[TargetSpec], ranking: Sequence[int], label: int | None
) -> tuple[Chosen, ...]:
    """Return what to explain in one picture, without repeats.

    Parameters
    ----------
    specs
        What was asked for.
    ranking
        All class indices of this picture, highest logit first.
    label
        Index of the true class; None where the picture has no label. A picture for which nothing
        else was asked is then explained by its first choice.
    """
    found: dict[Chosen, None] = {}
    for spec in specs:
        if isinstance(spec, TopClasses):
            found.update(dict.fromkeys(FixedClass(index) for index in ranking[: spec.count]))
        elif isinstance(spec, Contrasted):
            second = ranking[min(1, len(ranking) - 1)] if label in {None, ranking[0]} else label
            found.update({FixedClass(ranking[0]): None, FixedClass(second): None})
        elif not isinstance(spec, TrueLabel):
            found[spec] = None
        elif label is not None:
            found[FixedClass(label)] = None
    return tuple(found) or (FixedClass(ranking[0]),)
