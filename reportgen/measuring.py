"""Ask the network how well each map explains it: every metric of `reportgen.metrics`."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from reportgen.capture import logits_of
from reportgen.combining import FUSED, explain
from reportgen.methods import Kind
from reportgen.metrics.common import masks_of
from reportgen.metrics.confidence import confidences
from reportgen.metrics.cost import (
    Cost,
    coherency_cost,
    confidence_cost,
    perturbation_cost,
    road_cost,
)
from reportgen.metrics.perturbation import STEPS, perturb
from reportgen.metrics.ranking import METRICS, rank, verdict
from reportgen.metrics.road import PERCENTILES, road
from reportgen.metrics.shape import adcc, coherencies, complexities
from reportgen.normalise import map_state
from reportgen.targets import chosen_of
from reportgen.values import Explanation, Faithfulness, MapState, TargetMaps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor, nn

    from reportgen.attribution import Attribution
    from reportgen.values import Candidate, ClassMap, Float32Array, ImageRecord, Ranking, Target

COUNTED = ("average-drop", "deletion", "insertion", "road")
"""The metrics that ask the network, and so decide the verdict; the others describe a map."""

_VALUES: dict[str, Callable[[Faithfulness], float | None]] = {
    "average-drop": lambda item: item.drop,
    "increase": lambda item: float(item.increased),
    "deletion": lambda item: None if item.deletion is None else item.deletion.auc,
    "insertion": lambda item: None if item.insertion is None else item.insertion.auc,
    "road": lambda item: None if item.road is None else item.road.combined,
    "coherency": lambda item: item.coherency,
    "complexity": lambda item: item.complexity,
    "adcc": lambda item: item.adcc,
}
"""Metric → where its number stands."""


def cost_of(plan: Attribution, size: tuple[int, int]) -> Cost:
    """Return the most that measuring one target of one picture costs.

    Parameters
    ----------
    plan
        What is computed for every picture.
    size
        ``(width, height)`` of the input.
    """
    places = [method.kind for method, layers in plan.methods for _ in layers]
    by_gradient = places.count(Kind.GRADIENT)
    return (
        confidence_cost(len(places))
        + perturbation_cost(len(places), size[0] * size[1], STEPS)
        + road_cost(len(places), len(PERCENTILES))
        + coherency_cost(by_gradient)
    )


def measure(
    model: nn.Module, inputs: Tensor, found: Sequence[Explanation], plan: Attribution
) -> tuple[Explanation, ...]:
    """Return explanations of a batch with every map of theirs measured.

    Parameters
    ----------
    model
        In evaluation mode (see `reportgen.capture.quiet_mode`).
    inputs
        ``(N, 3, H, W)``: what was explained.
    found
        What `explain_batch` gave for it.
    plan
        How.
    """
    return tuple(
        replace(
            explanation,
            targets=tuple(_measured(model, picture, item, plan) for item in explanation.targets),
        )
        for picture, explanation in zip(inputs, found, strict=True)
    )


def _measured(model: nn.Module, picture: Tensor, item: TargetMaps, plan: Attribution) -> TargetMaps:
    classes = list(item.target.classes)

    def score(inputs: Tensor) -> Tensor:
        probabilities: Tensor = logits_of(model(inputs)).float().softmax(dim=1)
        return probabilities[:, classes].sum(dim=1)

    shown = [raw for raw in item.maps if map_state(raw.values) is MapState.SHOWN]
    if not shown:
        return replace(item, faithfulness=(None,) * len(item.maps))
    masks = masks_of([raw.values for raw in shown], (picture.shape[2], picture.shape[1]))
    original, batch = item.target.probability, plan.batch_size
    kept = confidences(score, picture, masks, original=original, batch=batch)
    curves = perturb(score, picture, masks, original=original, batch=batch)
    roads = road(score, picture, masks, batch=batch)
    coherent = _coherencies(model, picture, item.target, shown, masks, plan)
    measured: dict[tuple[str, str], Faithfulness] = {}
    for number, (raw, complexity) in enumerate(zip(shown, complexities(masks), strict=True)):
        coherency, curve = coherent[number], curves[number]
        drop = kept[number].drop
        measured[raw.method, raw.layer] = Faithfulness(
            drop=drop,
            increased=kept[number].increased,
            deletion=None if curve is None else curve.deletion,
            insertion=None if curve is None else curve.insertion,
            road=roads[number],
            complexity=complexity,
            coherency=coherency,
            adcc=None if coherency is None else adcc(drop, coherency, complexity),
        )
    return replace(
        item, faithfulness=tuple(measured.get((raw.method, raw.layer)) for raw in item.maps)
    )


def _coherencies(  # noqa: PLR0913, PLR0917 - the network, the picture, its maps, and how
    model: nn.Module,
    picture: Tensor,
    target: Target,
    shown: Sequence[ClassMap],
    masks: Tensor,
    plan: Attribution,
) -> list[float | None]:
    """Return the coherency of every map that is made from a gradient, and None of the others.

    Methods that try out changed pictures would have to try as many again for each of their maps.
    """
    methods = tuple(place for place in plan.methods if place[0].kind is Kind.GRADIENT)
    names = {method.name for method, _ in methods} | {FUSED}
    rows = [row for row, raw in enumerate(shown) if raw.method in names]
    results: list[float | None] = [None] * len(shown)
    again = replace(
        plan,
        targets=(chosen_of(target),),
        methods=methods,
        features=(),
    )

    def explain_again(inputs: Tensor) -> list[Float32Array]:
        """Return of input i the map at the place of the i-th map; the rest is by the way."""
        explanations = [
            explanation
            for part in torch.split(inputs, plan.batch_size)
            for explanation in explain(model, part, again)
        ]
        found = []
        for row, explanation in zip(rows, explanations, strict=True):
            place = shown[row].method, shown[row].layer
            maps = {(raw.method, raw.layer): raw for raw in explanation.targets[0].maps}
            found.append(maps[place].values)
        return found

    if rows:
        pictures = picture.expand(len(rows), *picture.shape)
        try:
            values = coherencies(explain_again, pictures, masks[rows])
        except ValueError:  # a second map that is not finite
            return results
        for row, value in zip(rows, values, strict=True):
            results[row] = value
    return results


def rankings(images: Sequence[ImageRecord]) -> tuple[Ranking, ...]:
    """Compare methods and layers by every metric over a run's pictures.

    A picture with several targets counts once, with the mean over them.
    """
    values: dict[str, dict[Candidate, list[float]]] = {name: {} for name in _VALUES}
    for number, image in enumerate(images):
        found: dict[Candidate, list[Faithfulness]] = {}
        for target in image.targets:
            for panel in target.panels:
                measured = found.setdefault((panel.method, panel.layer), [])
                measured += [panel.faithfulness] if panel.faithfulness else []
        for name, rows in values.items():
            for place in dict.fromkeys((*rows, *found)):
                own = rows.setdefault(place, [math.nan] * number)
                own.append(_mean(found.get(place, ()), name))
    if all(math.isnan(value) for rows in values.values() for row in rows.values() for value in row):
        return ()
    return tuple(rank(METRICS[name], rows) for name, rows in values.items())


def _mean(found: Sequence[Faithfulness], name: str) -> float:
    """Return a picture's value of a metric at one place, the mean over targets; NaN for none."""
    values = [value for item in found if (value := _VALUES[name](item)) is not None]
    return sum(values) / len(values) if values else math.nan


def verdict_of(found: Sequence[Ranking], titles: Mapping[str, str]) -> str:
    """Say what the rankings support; nothing where there are none.

    Parameters
    ----------
    found
        Of `rankings`; those that are `COUNTED` decide.
    titles
        Name of each method → as it is written in a sentence.
    """
    counted = [
        replace(
            item,
            standings=tuple(
                replace(row, method=titles.get(row.method, row.method)) for row in item.standings
            ),
        )
        for item in found
        if item.metric.name in COUNTED
    ]
    return verdict(counted) if counted else ""
