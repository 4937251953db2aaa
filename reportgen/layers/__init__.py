"""Which layers a network has, what their outputs look like, and which of them to explain."""

from reportgen.layers.choose import DefaultLayers, default_layers, last_convolution
from reportgen.layers.grammar import choose_layers, feature_layers, number_of
from reportgen.layers.layout import Layout, at, infer_layout, layout_at
from reportgen.layers.surroundings import norm_follows, reducer_after, stride_after
from reportgen.layers.survey import LayerInfo, Survey, survey

__all__ = [
    "DefaultLayers",
    "LayerInfo",
    "Layout",
    "Survey",
    "at",
    "choose_layers",
    "default_layers",
    "feature_layers",
    "infer_layout",
    "last_convolution",
    "layout_at",
    "norm_follows",
    "number_of",
    "reducer_after",
    "stride_after",
    "survey",
]
