"""One forward and one backward per target for a batch, and from them all raw maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from reportgen.capture import Capture, logits_of
from reportgen.targets import TargetSpec, classes_of
from reportgen.values import ClassMap, Explanation, Prediction, Target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from reportgen.layers import Layout
    from reportgen.methods import Method
    from reportgen.values import Float32Array


@dataclass(frozen=True, slots=True)
class Attribution:
    """What to explain, and how: the same for every batch of a run."""

    targets: tuple[TargetSpec, ...]
    methods: tuple[tuple[Method, tuple[str, ...]], ...]
    """Each method with its layers, shallow to deep."""
    layouts: Mapping[str, Layout]
    """Layer name → how its output lies over the picture."""
    categories: Sequence[str]
    top_k: int


def explain_batch(model: nn.Module, inputs: Tensor, plan: Attribution) -> tuple[Explanation, ...]:
    """Classify a batch and compute every map of it.

    Parameters
    ----------
    model
        A classifier in evaluation mode whose parameters need no gradient (see `quiet_mode`).
    inputs
        ``(N, 3, H, W)``, normalised, on the model's device.
    plan
        What to compute.

    Returns
    -------
    One explanation per picture, in order. There is one forward pass for everything, and one
    backward pass per target for all layers and methods together.
    """
    with torch.enable_grad(), Capture(model, plan.layouts) as capture:
        logits = logits_of(model(inputs))
        scores = _scores(logits.detach().float().cpu())
        chosen = [classes_of(plan.targets, score.ranking.tolist()) for score in scores]
        maps = _maps_of_targets(capture, logits, chosen, plan)
    return tuple(
        _explanation(score, classes, drawn, plan)
        for score, classes, drawn in zip(scores, chosen, maps, strict=True)
    )


def _maps_of_targets(
    capture: Capture, logits: Tensor, chosen: list[tuple[int, ...]], plan: Attribution
) -> list[list[ClassMap]]:
    """Return the maps of each picture, target by target, from one backward pass per target."""
    maps: list[list[ClassMap]] = [[] for _ in chosen]
    slots = max(len(classes) for classes in chosen)
    for slot in range(slots):
        # A picture with fewer targets than others gets no score here, and so no gradient.
        rows = [row for row, classes in enumerate(chosen) if slot < len(classes)]
        columns = [chosen[row][slot] for row in rows]
        gradients = capture.gradients(logits[rows, columns].sum(), keep_graph=slot + 1 < slots)
        for method, layers in plan.methods:
            for layer in layers:
                layout = plan.layouts[layer]
                activation = layout.to_grid(capture.activations[layer].detach())
                raw = method.compute(activation, layout.to_grid(gradients[layer]))
                grids: Float32Array = raw.float().cpu().numpy()
                for row, target in zip(rows, columns, strict=True):
                    maps[row].append(
                        ClassMap(method.name, layer, target, grids[row].copy(), layout.shape)
                    )
    return maps


@dataclass(frozen=True, slots=True)
class _Scores:
    """What the network gave one picture, by class index."""

    logits: Float32Array
    probabilities: Float32Array
    ranking: NDArray[np.int64]
    """Class indices, highest logit first."""


def _scores(logits: Tensor) -> list[_Scores]:
    """Split ``(N, classes)`` logits into one record per picture."""
    probabilities = logits.softmax(dim=1).numpy()
    ranking = logits.argsort(dim=1, descending=True, stable=True).numpy()
    rows = zip(logits.numpy(), probabilities, ranking, strict=True)
    return [_Scores(*row) for row in rows]


def _explanation(
    scores: _Scores, classes: tuple[int, ...], maps: list[ClassMap], plan: Attribution
) -> Explanation:
    def prediction(index: int) -> Prediction:
        return Prediction(
            index=index,
            category=plan.categories[index],
            logit=float(scores.logits[index]),
            probability=float(scores.probabilities[index]),
        )

    ranks = {int(index): rank for rank, index in enumerate(scores.ranking, start=1)}
    return Explanation(
        predictions=tuple(prediction(int(index)) for index in scores.ranking[: plan.top_k]),
        targets=tuple(Target(prediction(index), ranks[index]) for index in classes),
        maps=tuple(maps),
    )
