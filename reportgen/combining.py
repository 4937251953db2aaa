"""A batch explained with everything that goes beyond one map per method and layer.

Smoothing averages the maps of changed pictures; fusion makes one map of Layer-CAM's layers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from reportgen.attribution import explain_batch, score_of
from reportgen.language import _
from reportgen.methods.fusion import fuse
from reportgen.methods.guided import guided_grad_cam, guided_gradient
from reportgen.methods.smoothing import changed
from reportgen.targets import chosen_of
from reportgen.values import ClassMap, MethodInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from reportgen.attribution import Attribution
    from reportgen.targets import Chosen
    from reportgen.values import Explanation, Size, TargetMaps

FUSED = "layer-cam-fusion"
"""Stands as the method of a fused map."""

FUSION_SOURCE = "layer-cam"

GUIDED_BY = "grad-cam"
"""The method whose map Guided Grad-CAM lays over the guided gradient."""


def explain(
    model: nn.Module,
    inputs: Tensor,
    plan: Attribution,
    labels: Sequence[int | None] | None = None,
) -> tuple[Explanation, ...]:
    """Explain a batch as `explain_batch` does, then smooth and fuse what the plan says.

    The parameters are those of `explain_batch`.
    """
    found = explain_batch(model, inputs, plan, labels)
    if plan.smooth:
        found = _smoothed(model, inputs, plan, found)
    if plan.fusion is not None:
        size = (inputs.shape[3], inputs.shape[2])
        found = tuple(
            replace(item, targets=tuple(_with_fusion(maps, plan, size) for maps in item.targets))
            for item in found
        )
    return _guided(model, inputs, found) if plan.guided else found


def _guided(
    model: nn.Module, inputs: Tensor, found: tuple[Explanation, ...]
) -> tuple[Explanation, ...]:
    """Add Guided Grad-CAM to every target, from one pass back per target."""
    results = [list(one.targets) for one in found]
    for slot in range(max(len(targets) for targets in results)):
        rows = [row for row, targets in enumerate(results) if slot < len(targets)]
        chosen = [chosen_of(results[row][slot].target) for row in rows]

        def score(logits: Tensor, chosen: list[Chosen] = chosen) -> Tensor:
            scores = [score_of(one, target) for one, target in zip(logits, chosen, strict=True)]
            return torch.stack(scores).sum()

        gradient = guided_gradient(model, inputs[rows], score)
        for number, row in enumerate(rows):
            item = results[row][slot]
            raw = next(raw for raw in item.maps if raw.method == GUIDED_BY)
            cam = torch.from_numpy(raw.values)[None].to(gradient)
            values = guided_grad_cam(gradient[number : number + 1], cam)[0].float().cpu().numpy()
            results[row][slot] = replace(item, guided=values)
    return tuple(
        replace(one, targets=tuple(targets)) for one, targets in zip(found, results, strict=True)
    )


def _smoothed(
    model: nn.Module, inputs: Tensor, plan: Attribution, found: tuple[Explanation, ...]
) -> tuple[Explanation, ...]:
    """Return the same explanations with maps averaged over flips and scales.

    Every change is explained for the targets of the picture as it is; see
    `reportgen.methods.smoothing.smooth` for the formula.
    """
    chosen = [tuple(chosen_of(item.target) for item in one.targets) for one in found]
    changes = list(changed(inputs))
    sums = [_values(one) for one in found]
    for inputs_again, flip in changes:
        if inputs_again is inputs:
            continue  # that is what was found already
        again = explain_batch(model, inputs_again, replace(plan, features=()), chosen=chosen)
        for total, one in zip(sums, again, strict=True):
            for place, values in enumerate(_values(one)):
                total[place] = total[place] + (values[:, ::-1] if flip else values)
    return tuple(
        _with_values(one, [total / np.float32(len(changes)) for total in totals])
        for one, totals in zip(found, sums, strict=True)
    )


def _values(one: Explanation) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    return [raw.values for item in one.targets for raw in item.maps]


def _with_values(
    one: Explanation, values: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]
) -> Explanation:
    following = iter(values)
    targets = tuple(
        replace(
            item,
            maps=tuple(
                replace(raw, values=np.ascontiguousarray(next(following))) for raw in item.maps
            ),
        )
        for item in one.targets
    )
    return replace(one, targets=targets)


def _with_fusion(item: TargetMaps, plan: Attribution, size: Size) -> TargetMaps:
    """Add the fused map right after the maps that it is made of."""
    assert plan.fusion is not None  # noqa: S101 - the caller's condition
    sources = [raw for raw in item.maps if raw.method == FUSION_SOURCE]
    values = fuse([raw.values for raw in sources], size, gamma=plan.fusion.gamma)
    layer = fusion_layer([raw.layer for raw in sources])
    fused = ClassMap(FUSED, layer, values, (len(sources), size[1], size[0]))
    end = max(number for number, raw in enumerate(item.maps) if raw.method == FUSION_SOURCE) + 1
    return replace(item, maps=(*item.maps[:end], fused, *item.maps[end:]))


def fusion_layer(layers: Sequence[str]) -> str:
    """Return what stands for the layer of a fused map."""
    return f"{len(layers)} layers" if len(layers) > 1 else layers[0]


def fusion_info(plan: Attribution) -> MethodInfo | None:
    """Return what the report says about fusion; None where there is none."""
    layers = [
        layer for method, found in plan.methods for layer in found if method.name == FUSION_SOURCE
    ]
    if plan.fusion is None or not layers:
        return None
    formula = _("max over layers of M / max M, each resized to the view")
    if plan.fusion.gamma is not None:
        formula = _(
            "tanh({gamma}·M) of all but the deepest, max over layers of M / max M, each resized to "
            "the view"
        ).format(gamma=f"{plan.fusion.gamma:g}")
    return MethodInfo(
        name=FUSED,
        title="Layer-CAM fusion",
        formula=formula,
        citation="Jiang et al., LayerCAM: Exploring Hierarchical Class Activation Maps for "
        "Localization, IEEE Transactions on Image Processing 30, 2021, eq. 9",
        layers=(fusion_layer(layers),),
    )
