"""What is settled before the first picture: the network, its layers and the targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen import provenance
from reportgen.attribution import Attribution
from reportgen.layers import Survey, choose_layers, default_layers, survey
from reportgen.methods import Method, Scope, choose_methods
from reportgen.models import LoadedModel, ModelRequest, load_model
from reportgen.targets import parse_targets

if TYPE_CHECKING:
    import torch

    from reportgen.options import BuildOptions, ModelOptions
    from reportgen.progress import Observer


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is fixed before the first picture."""

    loaded: LoadedModel
    device: torch.device
    attribution: Attribution


def load(options: ModelOptions, *, show_progress: bool) -> tuple[LoadedModel, torch.device]:
    """Load the network and put it on its device."""
    device = provenance.choose_device(options.device)
    loaded = load_model(
        ModelRequest(
            name=options.model,
            weights=options.weights,
            checkpoint=options.checkpoint,
            seed=options.seed,
            show_progress=show_progress,
        )
    )
    loaded.module.to(device)
    return loaded, device


def survey_model(loaded: LoadedModel) -> Survey:
    """Learn what the network's layers give for pictures of its own input size."""
    width, height = loaded.preprocessing.crop
    return survey(loaded.module, (height, width))


def prepare(options: BuildOptions, observer: Observer) -> Plan:
    """Load the network and settle methods, layers and targets, so that errors come early."""
    methods = choose_methods(options.methods)
    observer.stage(f"Loading {options.network.model}")
    loaded, device = load(options.network, show_progress=options.show_download)
    observer.detail(f"{loaded.info.architecture}, {loaded.info.weights}")
    observer.detail(f"weights sha256 {loaded.info.weights_sha256}")
    observer.detail(f"{provenance.describe_device(device)}; {loaded.preprocessing.describe()}")
    known = survey_model(loaded)
    placed = _place(methods, options.layers, known, loaded.architecture)
    for method, layers in placed:
        observer.detail(f"{method.title} at {', '.join(layers)}")
    layouts = {layer: known.layers[known.order[layer]].layout for _, ls in placed for layer in ls}
    attribution = Attribution(
        targets=parse_targets(options.targets, loaded.categories),
        methods=placed,
        layouts={layer: layout for layer, layout in layouts.items() if layout is not None},
        categories=loaded.categories,
        top_k=min(options.top_k, len(loaded.categories)),
    )
    return Plan(loaded, device, attribution)


def _place(
    methods: tuple[Method, ...], texts: tuple[str, ...], known: Survey, architecture: str
) -> tuple[tuple[Method, tuple[str, ...]], ...]:
    """Give each method its layers.

    The layers that the user names are for the methods of many layers; where none of those was
    asked for, they are for every method.
    """
    chosen = choose_layers(texts, known)
    defaults = default_layers(known, architecture)
    for_all = not any(method.scope is Scope.STAGES for method in methods)

    def layers_of(method: Method) -> tuple[str, ...]:
        if chosen and (for_all or method.scope is Scope.STAGES):
            return chosen
        return defaults.stages if method.scope is Scope.STAGES else (defaults.last,)

    return tuple((method, layers_of(method)) for method in methods)
