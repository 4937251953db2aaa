"""What is settled before the first picture: the network, its recipe, its layers and the targets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import nn

from reportgen import lab, provenance
from reportgen.attribution import DEGRIDDED, Attribution, Fusion, Reducer
from reportgen.batching import Remembered, choose_batch_size
from reportgen.boxes import Boxes, read_boxes
from reportgen.combining import FUSION_SOURCE, GUIDED_BY
from reportgen.errors import ModelError, OptionError, TargetError
from reportgen.folding import folded
from reportgen.labels import ClassNames, Labels, read_labels
from reportgen.language import _
from reportgen.layers import (
    DefaultLayers,
    Survey,
    choose_layers,
    default_layers,
    feature_layers,
    norm_follows,
    reducer_after,
    stride_after,
    survey,
)
from reportgen.measuring import cost_of
from reportgen.methods import Method, Scope, choose_methods, cost
from reportgen.methods.guided import count_relus
from reportgen.models import LoadedModel, ModelRequest, load_model
from reportgen.notes import Notes, read_notes
from reportgen.options import AUTO_BATCH_SIZE, DEFAULT_MODEL
from reportgen.pacing import Pace, few_threads, pace
from reportgen.recipe import make_recipe
from reportgen.structure import structure
from reportgen.targets import TrueLabel, parse_targets
from reportgen.values import FEATURE_MAPS, Preprocessing, StructureLine

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from reportgen.options import BuildOptions, ModelOptions, PreprocessOptions
    from reportgen.progress import Observer
    from reportgen.targets import TargetSpec
    from reportgen.values import ImageFile

Placed = tuple[tuple[Method, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is fixed before the first picture."""

    options: BuildOptions
    """With nothing left open."""
    loaded: LoadedModel
    device: torch.device
    recipe: Preprocessing
    recipe_origin: str
    labels: Labels
    structure: tuple[StructureLine, ...]
    attribution: Attribution
    boxes: Boxes
    notes: Notes
    surroundings: Mapping[str, Surroundings]
    """Layer name → what takes its output."""
    pace: Pace

    @property
    def passes(self) -> int:
        """Passes of the network that measuring one target of one picture takes at most."""
        if not self.options.metrics:
            return 0
        size = self.recipe.crop or self.loaded.preprocessing.crop or (224, 224)
        return cost_of(self.attribution, size).forward

    @property
    def work(self) -> str:
        """What is done with each picture, for the progress bar."""
        return f"Measuring, {self.passes} passes per target" if self.passes else "Explaining"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What takes a layer's output."""

    norm_follows: bool
    stride: int


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
            classes=options.classes,
            trust=options.trust_checkpoint,
        )
    )
    loaded.module.to(device)
    return loaded, device


def survey_model(loaded: LoadedModel, recipe: Preprocessing | None = None) -> Survey:
    """Learn what the network's layers give for pictures of its input size.

    Raises
    ------
    ModelError
        If the network cannot take pictures of that size.
    """
    usual = loaded.preprocessing.crop or (224, 224)
    width, height = (recipe and recipe.crop) or usual
    try:
        # One thread has a single picture done before several have found each other; on a machine
        # that does other things besides, they wait for each other after every layer.
        with few_threads(1):
            return survey(loaded.module, (height, width))
    except (RuntimeError, ValueError, AssertionError, TypeError, IndexError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(
            f"--model: the network fails on a picture of {width}×{height} ({reason[0]}). "
            f"Its usual size is {usual[0]}×{usual[1]}; --input-size sets another.",
        ) from error


def _survey_channels_last(loaded: LoadedModel, recipe: Preprocessing) -> Survey:
    """Survey the network with its convolutions in the faster memory format, if it allows that.

    A network that views its activations in an order of its own does not, and shows it at once.
    """
    module = loaded.module
    if not any(isinstance(layer, nn.Conv2d) for layer in module.modules()):
        return survey_model(loaded, recipe)
    module.to(memory_format=torch.channels_last)
    try:
        return survey_model(loaded, recipe)
    except ModelError:
        module.to(memory_format=torch.contiguous_format)
        return survey_model(loaded, recipe)


def prepare(
    options: BuildOptions,
    images: Sequence[ImageFile],
    observer: Observer,
    notes: Remembered | None = None,
) -> Plan:
    """Load the network and settle everything else, so that errors come early.

    Parameters
    ----------
    options
        The run's.
    images
        What discovery found.
    observer
        Is told what was settled.
    notes
        Where the batch size that was found by measuring is noted.

    Raises
    ------
    UsageError
        If an option cannot be carried out.
    """
    methods = choose_methods(options.methods)
    network = options.network
    observer.stage(f"Loading {network.checkpoint or network.model or DEFAULT_MODEL}")
    loaded, device = load(network, show_progress=options.show_download)
    options, loaded, labels = _name_classes(options, loaded, images)
    options = lab.fill_in(options, loaded.categories)
    recipe, origin = _recipe(options.preprocess, loaded)
    known = _survey_channels_last(loaded, recipe)
    defaults = default_layers(known, loaded.architecture)
    placed = place(methods, choose_layers(options.layers, known, defaults), defaults)
    features = feature_layers(options.features.layers, known, defaults)
    reducers = _reducers(options, placed, known)
    wanted = [name for _, names in placed for name in names]
    wanted += [*features, *(reducer.layer for reducer in reducers.values())]
    layouts = {layer: known.layers[known.order[layer]].layout for layer in dict.fromkeys(wanted)}
    attribution = Attribution(
        targets=_targets(options, loaded, labels),
        methods=placed,
        layouts={layer: layout for layer, layout in layouts.items() if layout is not None},
        categories=loaded.categories,
        top_k=min(options.top_k, len(loaded.categories)),
        features=features,
        batch_size=options.batch_size,
        smooth=options.smooth,
        fusion=_fusion(options, methods),
        guided=_guided(options, methods, loaded),
        degrid=reducers,
    )

    lines = structure(loaded.module, _explained(placed, features))
    if not options.amp:  # rounded weights would not be those of the network, rounded
        loaded = _folded(loaded, known, layouts.keys(), observer)

    def paced(batch_size: int) -> Pace:
        cores = torch.get_num_threads()
        return pace(device, known, batch_size=batch_size, images=len(images), cores=cores)

    if options.batch_size == AUTO_BATCH_SIZE:
        size = choose_batch_size(
            loaded,
            attribution,
            device=device,
            picture=recipe.crop or loaded.preprocessing.crop or (224, 224),
            amp=options.amp,
            images=len(images),
            paced=paced,
            notes=notes,
        )
        options = replace(options, batch_size=size)
        attribution = replace(attribution, batch_size=size)
        observer.detail(f"batch size {size}, the fastest of those measured")
    plan = Plan(
        options=options,
        loaded=loaded,
        device=device,
        recipe=recipe,
        recipe_origin=origin,
        labels=labels,
        structure=lines,
        attribution=attribution,
        boxes=_boxes(options, images, loaded),
        notes=read_notes(options.notes, [image.name for image in images]),
        surroundings={
            layer: Surroundings(norm_follows(layer, known), stride_after(layer, known))
            for layer in layouts
        },
        pace=paced(options.batch_size),
    )
    _tell(plan, observer)
    return plan


def _folded(
    loaded: LoadedModel, known: Survey, kept: Collection[str], observer: Observer
) -> LoadedModel:
    """Return the network with less to do."""
    with few_threads(1):
        module, count = folded(loaded.module, known, kept)
    if count:
        observer.detail(f"{count} batch normalisations folded into the convolutions before them")
    return replace(loaded, module=module)


def _tell(plan: Plan, observer: Observer) -> None:
    observer.detail(f"{plan.loaded.info.architecture}, {plan.loaded.info.weights}")
    observer.detail(f"weights sha256 {plan.loaded.info.weights_sha256}")
    observer.detail(f"{provenance.describe_device(plan.device)}; {plan.recipe.describe()}")
    observer.detail(plan.pace.describe())
    for method, layers in plan.attribution.methods:
        observer.detail(f"{method.title} at {', '.join(layers)}")
        extra = sum(cost(method, plan.attribution.layouts[layer].channels) for layer in layers)
        if extra:
            observer.stage(f"{method.title} takes about {extra} more passes for each picture")
    for note in plan.boxes.notes:
        observer.detail(f"boxes: {note}")
    if plan.passes:
        observer.stage(
            f"Measuring takes about {plan.passes} passes of the network for each target of each "
            f"picture"
        )


def _name_classes(
    options: BuildOptions, loaded: LoadedModel, images: Sequence[ImageFile]
) -> tuple[BuildOptions, LoadedModel, Labels]:
    """Settle the names of the classes, which labels may bring with them, and the labels."""
    options = lab.name_classes(options, loaded.categories, named=loaded.named)
    if options.network.classes and not loaded.named:
        names = tuple(options.network.classes.split(","))
        loaded = replace(loaded, categories=names, named=True, categories_origin="--classes")
    source = options.labels
    if source == "auto" and "label" in {text.strip().casefold() for text in options.targets}:
        source = "folders"  # asked for by name, so that an error says what does not fit
    names_of_images = [image.name for image in images]
    labels = read_labels(source, names_of_images, loaded.categories, named=loaded.named)
    if labels.categories is not None:
        loaded = replace(
            loaded, categories=labels.categories, named=True, categories_origin=_("folder names")
        )
    return options, loaded, labels


def _reducers(options: BuildOptions, placed: Placed, known: Survey) -> dict[str, Reducer]:
    """Return what reduces the output of each layer of Layer-CAM, where that is asked for."""
    if not options.degrid:
        return {}
    layers = {layer for method, names in placed if method.name == DEGRIDDED for layer in names}
    found = {layer: reducer_after(layer, known) for layer in layers}
    return {layer: Reducer(*reducer) for layer, reducer in found.items() if reducer is not None}


def _guided(options: BuildOptions, methods: tuple[Method, ...], loaded: LoadedModel) -> bool:
    if not options.guided:
        return False
    if GUIDED_BY not in {method.name for method in methods}:
        raise OptionError(f"--guided: it needs {GUIDED_BY}, which is not among --methods.")
    if count_relus(loaded.module) == 0:
        raise OptionError(
            "--guided: this network has no ReLU layer that could be guided; those with GELU or "
            "SiLU, or that call relu as a function, are out of its reach. Leave --guided out.",
        )
    return True


def _fusion(options: BuildOptions, methods: tuple[Method, ...]) -> Fusion | None:
    if not options.fuse:
        return None
    if FUSION_SOURCE not in {method.name for method in methods}:
        raise OptionError(f"--fuse: it fuses {FUSION_SOURCE}, which is not among --methods.")
    return Fusion(options.fuse_gamma)


def _boxes(options: BuildOptions, images: Sequence[ImageFile], loaded: LoadedModel) -> Boxes:
    if options.boxes is None:
        return Boxes()
    classes = ClassNames(loaded.categories)
    return read_boxes(
        options.boxes,
        [image.name for image in images],
        loaded.categories,
        lambda text: classes.named(text) or classes.numbered(text),
    )


def _recipe(options: PreprocessOptions, loaded: LoadedModel) -> tuple[Preprocessing, str]:
    """Return the recipe and a text that says where it is from."""
    recipe = make_recipe(loaded.preprocessing, options)
    if options.preset != "auto":
        return recipe, f"--preprocess {options.preset}"
    if recipe != loaded.preprocessing:
        return recipe, _("{origin}, changed by options").format(origin=loaded.recipe_origin)
    return recipe, loaded.recipe_origin


def _targets(options: BuildOptions, loaded: LoadedModel, labels: Labels) -> tuple[TargetSpec, ...]:
    targets = parse_targets(options.targets, loaded.categories)
    if any(isinstance(target, TrueLabel) for target in targets) and not labels.by_name:
        raise TargetError(
            "--target: 'label' explains the true class of each picture, but there are no labels. "
            "Put the pictures into folders named as the classes, or give --labels FILE.csv.",
        )
    return targets


def _explained(placed: Placed, features: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return what is shown of each layer."""
    marks: dict[str, tuple[str, ...]] = {}
    for method, layers in placed:
        for layer in layers:
            marks[layer] = (*marks.get(layer, ()), method.title)
    for layer in features:
        marks[layer] = (*marks.get(layer, ()), FEATURE_MAPS)
    return marks


def place(methods: tuple[Method, ...], chosen: tuple[str, ...], defaults: DefaultLayers) -> Placed:
    """Give each method its layers.

    The layers that the user names are for the methods of many layers; where none of those was
    asked for, they are for every method.
    """
    for_all = not any(method.scope is Scope.STAGES for method in methods)

    def layers_of(method: Method) -> tuple[str, ...]:
        if chosen and (for_all or method.scope is Scope.STAGES):
            return chosen
        return defaults.stages if method.scope is Scope.STAGES else (defaults.last,)

    return tuple((method, layers_of(method)) for method in methods)
