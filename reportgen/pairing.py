"""What of two runs belongs together: their targets, their layers, their pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reportgen.values import MethodInfo, RunInfo, Target, TargetRecord


def paired_layers(first: RunInfo, other: RunInfo) -> dict[tuple[str, str], str]:
    """Return the layers of another run that stand for those of the first.

    Of one network, layers are paired by their names. So they are where every name of one run is
    in the other too. Otherwise names mean nothing, and the layers are paired in their order where
    there are as many, the k-th of n with the k-th of n; and where there are not, only the deepest
    ones are.

    Returns
    -------
    ``{(method, layer of the first): layer of the other}``.
    """
    same = first.model.architecture == other.model.architecture
    by_name = {method.name: method for method in other.methods}
    return {
        (method.name, layer): partner
        for method in first.methods
        if method.name in by_name
        for layer, partner in _layers(method, by_name[method.name], same=same)
    }


def _layers(one: MethodInfo, other: MethodInfo, *, same: bool) -> list[tuple[str, str]]:
    common = [layer for layer in one.layers if layer in other.layers]
    if common and (same or len(common) == min(len(one.layers), len(other.layers))):
        return [(layer, layer) for layer in common]
    if len(one.layers) == len(other.layers):
        return list(zip(one.layers, other.layers, strict=True))
    if one.layers and other.layers:
        return [(one.layers[-1], other.layers[-1])]
    return []


@dataclass(frozen=True, slots=True)
class PairedTargets:
    """Targets of one picture that are compared, one per run."""

    records: tuple[TargetRecord | None, ...]
    same: bool
    """Whether they are one class or group."""


def paired_targets(
    targets: Sequence[Sequence[TargetRecord]], classes: Sequence[int]
) -> tuple[PairedTargets, ...]:
    """Pair the targets of one picture over the runs.

    A run that has no target in common with any other is compared by its first one all the same:
    that is what its own first choice rests on.

    Parameters
    ----------
    targets
        The targets in each run; empty where a run lacks the picture.
    classes
        How many classes each run's network knows: indices mean the same only where these agree.
    """
    left = [list(of_run) for of_run in targets]
    found = []
    alone = {number for number, of_run in enumerate(targets) if of_run}
    for number, of_run in enumerate(left):
        for record in of_run:
            row = [
                _take(left[later], record.target, same_classes=classes[number] == classes[later])
                for later in range(number + 1, len(left))
            ]
            if any(row):
                found.append(PairedTargets((*[None] * number, record, *row), same=True))
                alone -= {place for place, item in enumerate(found[-1].records) if item}
    if alone and sum(map(bool, targets)) > 1:
        anchor = next((n for n, of_run in enumerate(targets) if of_run and n not in alone), None)
        shown = alone if anchor is None else alone | {anchor}
        firsts = tuple(of_run[0] if n in shown else None for n, of_run in enumerate(targets))
        found.append(PairedTargets(firsts, same=False))
    return tuple(found)


def _take(
    records: list[TargetRecord], wanted: Target, *, same_classes: bool
) -> TargetRecord | None:
    """Remove the record of the same target from ``records`` and return it, if there is one."""
    for place, record in enumerate(records):
        if _is_same(record.target, wanted, same_classes=same_classes):
            return records.pop(place)
    return None


def _is_same(one: Target, other: Target, *, same_classes: bool) -> bool:
    if one.is_group != other.is_group:
        return False
    return one.name == other.name or (same_classes and one.classes == other.classes)
