"""A map with something in it for every classifier of torchvision, by name."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
import torch
import torchvision

from reportgen.attribution import Attribution, explain_batch
from reportgen.capture import quiet_mode
from reportgen.decode import decode
from reportgen.layers import default_layers, survey
from reportgen.methods import METHODS
from reportgen.models import ModelRequest, load_model
from reportgen.preprocess import preprocess
from reportgen.targets import TopClasses
from reportgen.values import ImageFile

CAT = Path(__file__).parents[2] / "images" / "cat.jpg"
NAMES = torchvision.models.list_models(module=torchvision.models)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_default_maps_of_every_torchvision_classifier(name: str) -> None:
    loaded = load_model(ModelRequest(name, weights="none"))
    width, height = loaded.preprocessing.crop or (224, 224)
    known = survey(loaded.module, (height, width))
    defaults = default_layers(known, loaded.architecture)
    layouts = {layer: known.layers[known.order[layer]].layout for layer in defaults.stages}
    layouts[defaults.last] = known.layers[known.order[defaults.last]].layout
    plan = Attribution(
        targets=(TopClasses(1),),
        methods=(
            (METHODS["grad-cam"], (defaults.last,)),
            (METHODS["layer-cam"], defaults.stages),
        ),
        layouts={layer: layout for layer, layout in layouts.items() if layout is not None},
        categories=loaded.categories,
        top_k=1,
    )
    cat = preprocess(decode(ImageFile(CAT, CAT.name)), loaded.preprocessing)
    picture = torch.from_numpy(cat.tensor)[None]
    with quiet_mode(loaded.module):
        (found,) = explain_batch(loaded.module, picture, plan)
    assert len(defaults.stages) >= 4
    maps = found.targets[0].maps
    assert all(raw.values.min() >= 0 for raw in maps)
    assert all(raw.peak > 0 for raw in maps if raw.method == "layer-cam")
    gc.collect()  # the largest have gigabytes of weights
