"""The values that flow between the stages, all frozen.

discover → decode → preprocess → forward and backward → maps → overlays → records → render

Nothing here imports torch: everything behind the network, rendering above all, works on these
alone. Array layouts, dtypes and ranges are given with each field. Sizes are always
``(width, height)`` in pixels, array shapes always ``(height, width, …)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.values.comparison import (
    ComparedImage,
    ComparedMap,
    ComparedRun,
    ComparedTarget,
    Comparison,
    LayerSummary,
    MapAgreement,
    MapRow,
)
from reportgen.values.evidence import (
    MIN_IMAGES,
    RIGHT_IOU,
    Candidate,
    Caution,
    Curve,
    Faithfulness,
    Interval,
    Localisation,
    LocalisationSummary,
    Metric,
    Ranking,
    Rectangle,
    Road,
    Standing,
)
from reportgen.values.maps import (
    ClassMap,
    Explanation,
    FeatureMaps,
    MapState,
    Overlay,
    Prediction,
    Target,
    TargetMaps,
)
from reportgen.values.measures import (
    MAX_CONFUSION,
    Agreement,
    ClassCount,
    Evaluation,
    HeatReading,
    Reading,
)
from reportgen.values.pictures import (
    DecodedImage,
    ImageFile,
    ModelInput,
    Preprocessing,
    Size,
    ViewGeometry,
)
from reportgen.values.records import (
    Box,
    ChannelPicture,
    Contrast,
    FailureRecord,
    ImageRecord,
    Made,
    Mosaic,
    Panel,
    Picture,
    StrongestChannels,
    TargetRecord,
    TrueClass,
)
from reportgen.values.report import (
    FEATURE_MAPS,
    FrontMatter,
    JsonObject,
    MethodInfo,
    ModelInfo,
    Palette,
    Report,
    RunInfo,
    StructureLine,
)

if TYPE_CHECKING:
    # Aliases for annotations alone; the doubled names tell type checkers that they are public.
    from reportgen.values.pictures import Float32Array as Float32Array
    from reportgen.values.pictures import UInt8Array as UInt8Array

__all__ = [
    "FEATURE_MAPS",
    "MAX_CONFUSION",
    "MIN_IMAGES",
    "RIGHT_IOU",
    "Agreement",
    "Box",
    "Candidate",
    "Caution",
    "ChannelPicture",
    "ClassCount",
    "ClassMap",
    "ComparedImage",
    "ComparedMap",
    "ComparedRun",
    "ComparedTarget",
    "Comparison",
    "Contrast",
    "Curve",
    "DecodedImage",
    "Evaluation",
    "Explanation",
    "FailureRecord",
    "Faithfulness",
    "FeatureMaps",
    "FrontMatter",
    "HeatReading",
    "ImageFile",
    "ImageRecord",
    "Interval",
    "JsonObject",
    "LayerSummary",
    "Localisation",
    "LocalisationSummary",
    "Made",
    "MapAgreement",
    "MapRow",
    "MapState",
    "MethodInfo",
    "Metric",
    "ModelInfo",
    "ModelInput",
    "Mosaic",
    "Overlay",
    "Palette",
    "Panel",
    "Picture",
    "Prediction",
    "Preprocessing",
    "Ranking",
    "Reading",
    "Rectangle",
    "Report",
    "Road",
    "RunInfo",
    "Size",
    "Standing",
    "StrongestChannels",
    "StructureLine",
    "Target",
    "TargetMaps",
    "TargetRecord",
    "TrueClass",
    "ViewGeometry",
]
