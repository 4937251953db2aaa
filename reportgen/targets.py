"""Which classes to explain: what the user asked for, and what that means for one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.errors import TargetError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class TopClasses:
    """The ``count`` classes with the highest logits of each picture."""

    count: int


@dataclass(frozen=True, slots=True)
class FixedClass:
    """The same class in every picture."""

    index: int


TargetSpec = TopClasses | FixedClass


def parse_targets(texts: Iterable[str], categories: Sequence[str]) -> tuple[TargetSpec, ...]:
    """Read the values of ``--target``.

    Parameters
    ----------
    texts
        ``top1``, ``top:K``, a category (any case), or an index from 0. Several may stand in one
        text with commas between, unless the whole text is a category.
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
        whole = text.strip().casefold() in by_name
        for part in [text] if whole else text.split(","):
            specs[_parse_one(part.strip(), categories, by_name)] = None
    if not specs:
        raise TargetError("--target: name at least one class, or leave the option out for top1.")
    return tuple(specs)


def _parse_one(text: str, categories: Sequence[str], by_name: dict[str, list[int]]) -> TargetSpec:
    indices = by_name.get(text.casefold(), [])
    if len(indices) > 1:
        raise TargetError(
            f"--target: '{text}' is the name of {len(indices)} classes. "
            f"Give the index instead: {', '.join(map(str, indices))}.",
        )
    if indices:
        return FixedClass(indices[0])
    lowered = text.casefold()
    if lowered.startswith("top"):
        count = lowered.removeprefix("top").removeprefix(":")
        if count.isdecimal() and int(count) >= 1:
            return TopClasses(min(int(count), len(categories)))
        if lowered.startswith("top:"):
            raise TargetError(f"--target: in '{text}' a number from 1 on is expected after 'top:'.")
    if text.isdecimal():
        if int(text) < len(categories):
            return FixedClass(int(text))
        raise TargetError(
            f"--target: there is no class {text}; this model has {len(categories)} classes, "
            f"0 to {len(categories) - 1}.",
        )
    raise TargetError(
        f"--target: there is no class '{text}' in this model.{did_you_mean(text, categories)} "
        f"Give top1, top:K, a class name or an index from 0 to {len(categories) - 1}.",
    )


def describe(spec: TargetSpec, categories: Sequence[str]) -> str:
    """Return a target as text for the report."""
    if isinstance(spec, FixedClass):
        return f"{categories[spec.index]} ({spec.index})"
    return (
        "first choice of each picture" if spec.count == 1 else f"top {spec.count} of each picture"
    )


def classes_of(specs: Iterable[TargetSpec], ranking: Sequence[int]) -> tuple[int, ...]:
    """Return the class indices to explain in one picture, without repeats.

    Parameters
    ----------
    specs
        What was asked for.
    ranking
        All class indices of this picture, highest logit first.
    """
    found: dict[int, None] = {}
    for spec in specs:
        chosen = ranking[: spec.count] if isinstance(spec, TopClasses) else (spec.index,)
        found.update(dict.fromkeys(chosen))
    return tuple(found)
