"""Which layers a network has, what their outputs look like, and which of them to explain."""

from reportgen.layers.choose import DefaultLayers, choose_layers, default_layers
from reportgen.layers.layout import Layout, infer_layout
from reportgen.layers.survey import LayerInfo, Survey, survey

__all__ = [
    "DefaultLayers",
    "LayerInfo",
    "Layout",
    "Survey",
    "choose_layers",
    "default_layers",
    "infer_layout",
    "survey",
]
