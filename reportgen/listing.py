"""What ``reportgen layers`` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.layers import default_layers, number_of
from reportgen.methods import METHODS, Scope
from reportgen.plan import load, survey_model

if TYPE_CHECKING:
    from reportgen.layers import DefaultLayers, LayerInfo
    from reportgen.options import ModelOptions

LAYER_HEADERS = ("#", "layer", "type", "output", "default for", "note")
"""The columns of `layer_rows`; the first is the number that ``--layers`` takes, if any."""

LayerRow = tuple[str, str, str, str, str, str]


def layer_rows(options: ModelOptions) -> tuple[list[LayerRow], str]:
    """Return one row per layer, with the columns `LAYER_HEADERS`, and a caption.

    Raises
    ------
    UsageError
        If the network cannot be loaded.
    """
    loaded, _ = load(options, show_progress=True)
    known = survey_model(loaded)
    defaults = default_layers(known, loaded.architecture)
    rows: list[LayerRow] = []
    for layer in known.layers:
        number = number_of(layer.name, known)
        rows.append(
            (
                "" if number is None else str(number),
                layer.name,
                layer.type,
                _shape(layer),
                ", ".join(_methods_at(layer.name, defaults)),
                layer.problem or "",
            )
        )
    width, height = loaded.preprocessing.crop or (224, 224)
    caption = (
        f"{loaded.info.name}: {len(rows)} layers for a picture of {width}×{height}, output as "
        f"channels×height×width; {len(known.usable)} of them can carry a map."
    )
    return rows, caption


def _shape(layer: LayerInfo) -> str:
    sides = layer.layout.shape if layer.layout else layer.output_shape
    return "×".join(str(side) for side in sides)


def _methods_at(name: str, defaults: DefaultLayers) -> list[str]:
    at = {
        Scope.LAST: (defaults.last,),
        Scope.STAGES: defaults.stages,
    }
    return [method.name for method in METHODS.values() if name in at[method.scope]]
