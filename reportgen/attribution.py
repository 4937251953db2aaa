"""One forward and one backward per target for a batch, and from them all raw maps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from reportgen.capture import Capture, logits_of
from reportgen.layers import layout_at
from reportgen.methods import ForwardContext, Kind
from reportgen.methods.degrid import degrid_gradient, strided_gradient, unstrided_gradient
from reportgen.targets import Chosen, ClassGroup, TargetSpec, chosen_for, name_of
from reportgen.values import (
    ClassMap,
    Explanation,
    FeatureMaps,
    Prediction,
    Target,
    TargetMaps,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from reportgen.layers import Layout
    from reportgen.methods import Method
    from reportgen.values import Float32Array


DEGRIDDED = "layer-cam"
"""The method whose weights are gradients place by place, and show a grid in them."""


@dataclass(frozen=True, slots=True)
class Fusion:
    """How Layer-CAM's layers become one map."""

    gamma: float | None
    """Of the tanh scaling of all but the deepest layer; None for no scaling."""


@dataclass(frozen=True, slots=True)
class Reducer:
    """A pooling or a strided convolution that takes a layer's output."""

    layer: str
    rectified: bool
    """Whether a ReLU stands between the two, past which only positive activations get."""
    convolution: nn.Conv2d | None = None
    """The convolution; None for a pooling."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """What to explain, and how: the same for every batch of a run."""

    targets: tuple[TargetSpec, ...]
    methods: tuple[tuple[Method, tuple[str, ...]], ...]
    """Each method with its layers, shallow to deep."""
    layouts: Mapping[str, Layout]
    """Layer name → how its output lies over a picture of the network's usual size."""
    categories: Sequence[str]
    top_k: int
    features: tuple[str, ...] = ()
    """Layers whose every channel is wanted."""
    batch_size: int = 16
    """Pictures per pass, for methods that try out changed pictures."""
    smooth: bool = False
    """Whether maps are averaged over flips and scales."""
    guided: bool = False
    """Whether Grad-CAM is also laid over the guided gradient at the input."""
    fusion: Fusion | None = None
    degrid: Mapping[str, Reducer] = field(default_factory=dict)
    """Layer of Layer-CAM → what takes its output, whose gradient is used in place of its own."""


@dataclass(slots=True)
class _Found:
    """What the backward passes gave one picture so far."""

    maps: list[dict[tuple[str, str], ClassMap]]
    """Target by target, by method and layer."""
    weights: dict[str, list[Float32Array]]
    """Layer of feature maps → target by target the Grad-CAM weight of every channel."""


def explain_batch(
    model: nn.Module,
    inputs: Tensor,
    plan: Attribution,
    labels: Sequence[int | None] | None = None,
    *,
    chosen: list[tuple[Chosen, ...]] | None = None,
) -> tuple[Explanation, ...]:
    """Classify a batch and compute every map of it.

    Parameters
    ----------
    model
        A classifier in evaluation mode whose parameters need no gradient (see `quiet_mode`).
    inputs
        ``(N, 3, H, W)``, normalised, on the model's device.
    plan
        What to compute.
    labels
        Index of each picture's true class, or None where it has no label.
    chosen
        What to explain in each picture, whatever the plan's targets would come to.

    Returns
    -------
    One explanation per picture, in order. There is one forward pass for everything, and one
    backward pass per target for all layers and methods together.

    Raises
    ------
    LayerError
        If a layer's output cannot lie over pictures of this size.
    """
    labels = labels or [None] * len(inputs)
    picture = (inputs.shape[2], inputs.shape[3])
    with torch.enable_grad(), Capture(model, plan.layouts) as capture:
        logits = logits_of(model(inputs)).float()  # of 16 bits, under autocast
        scores = _scores(logits.detach().cpu())
        chosen = chosen or [
            chosen_for(plan.targets, score.ranking.tolist(), label)
            for score, label in zip(scores, labels, strict=True)
        ]
        grids = {
            name: layout_at(layout, name, capture.activations[name], picture)
            for name, layout in plan.layouts.items()
        }
        found = _backwards(capture, logits, chosen, plan, grids)
        features = _grids_of(plan.features, capture, grids)
        tried = _grids_of(_layers_of(plan, Kind.FORWARD), capture, grids)
    # After the capture: what follows runs the network again, which hooks would only slow down.
    _forwards(model, inputs, logits.detach(), tried, chosen, found, plan, grids)
    return tuple(
        _explanation(row, scores[row], chosen[row], labels[row], found[row], features, plan)
        for row in range(len(scores))
    )


def _backwards(
    capture: Capture,
    logits: Tensor,
    chosen: list[tuple[Chosen, ...]],
    plan: Attribution,
    grids: Mapping[str, Layout],
) -> list[_Found]:
    """Return the maps and weights of each picture, from one backward pass per target."""
    found = [_Found([], {layer: [] for layer in plan.features}) for _ in chosen]
    slots = max(len(targets) for targets in chosen)
    for slot in range(slots):
        # A picture with fewer targets than others gets no score here, and so no gradient.
        rows = [row for row, targets in enumerate(chosen) if slot < len(targets)]
        score = torch.stack([score_of(logits[row], chosen[row][slot]) for row in rows]).sum()
        gradients = {
            layer: gradient.float()
            for layer, gradient in capture.gradients(score, keep_graph=slot + 1 < slots).items()
        }
        for row in rows:
            found[row].maps.append({})
        for method, layers in plan.methods:
            for layer in layers if method.kind is Kind.GRADIENT else ():
                layout = grids[layer]
                activation = layout.to_grid(capture.activations[layer].detach().float())
                gradient = layout.to_grid(gradients[layer])
                if method.name == DEGRIDDED and layer in plan.degrid:
                    reducer = plan.degrid[layer]
                    gradient = _without_grid(activation, gradient, reducer, gradients, grids)
                raw = method.compute(activation, gradient)
                values: Float32Array = raw.float().cpu().numpy()
                for row in rows:
                    found[row].maps[slot][method.name, layer] = ClassMap(
                        method.name, layer, values[row].copy(), layout.shape
                    )
        for layer in plan.features:
            mean = grids[layer].to_grid(gradients[layer]).mean(dim=(2, 3)).float().cpu().numpy()
            for row in rows:
                found[row].weights[layer].append(mean[row].copy())
    return found


def _without_grid(
    activation: Tensor,
    gradient: Tensor,
    reducer: Reducer,
    gradients: Mapping[str, Tensor],
    grids: Mapping[str, Layout],
) -> Tensor:
    """Return a layer's gradient made from that of the pooling or stride behind it.

    Where the convolution is not all that takes the layer's output, as in a residual block, its own
    gradient stays.
    """
    following = grids[reducer.layer].to_grid(gradients[reducer.layer])
    size = (activation.shape[2], activation.shape[3])
    passed = activation > 0 if reducer.rectified else torch.ones_like(activation)
    if reducer.convolution is None:
        return degrid_gradient(following, size) * passed
    exact = strided_gradient(following, reducer.convolution, size) * passed
    if not torch.allclose(exact, gradient, rtol=1e-3, atol=1e-5 * float(gradient.abs().max())):
        return gradient
    return unstrided_gradient(following, reducer.convolution, size) * passed


def score_of(logits: Tensor, target: Chosen) -> Tensor:
    """Return what is explained of one picture: a logit, or the logsumexp of a group's logits."""
    if isinstance(target, ClassGroup):
        return logits[list(target.classes)].logsumexp(dim=0)
    return logits[target.index]


def _layers_of(plan: Attribution, kind: Kind) -> tuple[str, ...]:
    """Return the layers of all methods of one kind."""
    layers = (layer for method, layers in plan.methods if method.kind is kind for layer in layers)
    return tuple(dict.fromkeys(layers))


def _grids_of(
    layers: Iterable[str], capture: Capture, grids: Mapping[str, Layout]
) -> dict[str, Tensor]:
    """Return every channel of the layers wanted, ``(N, channels, height, width)``."""
    return {
        layer: grids[layer].to_grid(capture.activations[layer].detach().float()).clone()
        for layer in layers
    }


def _forwards(  # noqa: PLR0913, PLR0917 - all that the methods without gradients start from
    model: nn.Module,
    inputs: Tensor,
    logits: Tensor,
    activations: Mapping[str, Tensor],
    chosen: list[tuple[Chosen, ...]],
    found: list[_Found],
    plan: Attribution,
    grids: Mapping[str, Layout],
) -> None:
    """Add the maps of the methods that try out changed pictures."""
    slots = max(len(targets) for targets in chosen)

    def score(logits: Tensor, rows: Tensor) -> Tensor:
        scores = logits.new_zeros((len(logits), slots))
        for position, row in enumerate(rows.tolist()):
            for slot, target in enumerate(chosen[row]):
                scores[position, slot] = score_of(logits[position], target)
        return scores

    for method, layers in plan.methods:
        if method.compute_forward is None:
            continue
        for layer in layers:
            context = ForwardContext(
                model=model,
                inputs=inputs,
                layer=layer,
                layout=grids[layer],
                activation=activations[layer],
                logits=logits,
                score=score,
                batch_size=plan.batch_size,
            )
            with torch.no_grad():
                values: Float32Array = method.compute_forward(context).float().cpu().numpy()
            for row, targets in enumerate(chosen):
                for slot in range(len(targets)):
                    found[row].maps[slot][method.name, layer] = ClassMap(
                        method.name, layer, values[row, slot].copy(), grids[layer].shape
                    )


@dataclass(frozen=True, slots=True)
class _Scores:
    """What the network gave one picture, by class index."""

    logits: Float32Array
    probabilities: Float32Array
    ranking: NDArray[np.int64]
    """Class indices, highest logit first."""

    def rank_of(self, index: int) -> int:
        """Return the place of a class by logit, from 1."""
        return int((self.ranking == index).argmax()) + 1


def _scores(logits: Tensor) -> list[_Scores]:
    """Split ``(N, classes)`` logits into one record per picture."""
    probabilities = logits.softmax(dim=1).numpy()
    ranking = logits.argsort(dim=1, descending=True, stable=True).numpy()
    rows = zip(logits.numpy(), probabilities, ranking, strict=True)
    return [_Scores(*row) for row in rows]


def _explanation(  # noqa: PLR0913, PLR0917 - all that one picture's explanation is made of
    row: int,
    scores: _Scores,
    chosen: tuple[Chosen, ...],
    label: int | None,
    found: _Found,
    features: Mapping[str, Tensor],
    plan: Attribution,
) -> Explanation:
    order = [(method.name, layer) for method, layers in plan.methods for layer in layers]
    return Explanation(
        predictions=tuple(
            Prediction(
                index=int(index),
                category=plan.categories[index],
                logit=float(scores.logits[index]),
                probability=float(scores.probabilities[index]),
            )
            for index in scores.ranking[: plan.top_k]
        ),
        targets=tuple(
            TargetMaps(
                _target(target, scores, plan.categories), tuple(maps[place] for place in order)
            )
            for target, maps in zip(chosen, found.maps, strict=True)
        ),
        features=tuple(
            FeatureMaps(layer, values[row].float().cpu().numpy(), tuple(found.weights[layer]))
            for layer, values in features.items()
        ),
        label_rank=None if label is None else scores.rank_of(label),
    )


def _target(target: Chosen, scores: _Scores, categories: Sequence[str]) -> Target:
    if not isinstance(target, ClassGroup):
        return Target(
            name=categories[target.index],
            classes=(target.index,),
            logit=float(scores.logits[target.index]),
            probability=float(scores.probabilities[target.index]),
            rank=scores.rank_of(target.index),
        )
    classes = list(target.classes)
    return Target(
        name=name_of(target, categories),
        classes=target.classes,
        logit=float(torch.from_numpy(scores.logits[classes]).logsumexp(dim=0)),
        probability=float(scores.probabilities[classes].sum()),
        rank=None,
        members=tuple(categories[index] for index in classes),
    )
