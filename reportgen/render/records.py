"""The report as plain values for ``report.json``, described by ``report.schema.json``.

Numbers that are not finite become None: strict JSON has no NaN and no infinity.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reportgen.values import (
        ImageRecord,
        JsonObject,
        MethodInfo,
        ModelInfo,
        Panel,
        Prediction,
        Preprocessing,
        Report,
        RunInfo,
        TargetRecord,
        ViewGeometry,
    )

SCHEMA = "reportgen/report"
SCHEMA_VERSION = 1


def report_record(report: Report) -> JsonObject:
    """Return everything in ``report`` but its pictures."""
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "title": report.title,
        "run": _run(report.run),
        "images": [_image(image) for image in report.images],
        "failures": [{"name": item.name, "reason": item.reason} for item in report.failures],
    }


def finite(value: float) -> float | None:
    """Return ``value``, or None for NaN and the infinities."""
    return value if math.isfinite(value) else None


def _run(run: RunInfo) -> JsonObject:
    return {
        "command": list(run.command),
        "created": run.created.isoformat(),
        "seconds": finite(run.seconds),
        "device": run.device,
        "versions": dict(run.versions),
        "model": _model(run.model),
        "preprocessing": _preprocessing(run.preprocessing),
        "methods": [_method(method) for method in run.methods],
        "targets": list(run.targets),
        "top_k": run.top_k,
        "alpha": run.alpha,
        "colormap": run.colormap,
    }


def _model(model: ModelInfo) -> JsonObject:
    return {
        "name": model.name,
        "source": model.source,
        "architecture": model.architecture,
        "weights": model.weights,
        "weights_sha256": model.weights_sha256,
        "trained": model.trained,
        "parameters": model.parameters,
        "classes": model.classes,
    }


def _preprocessing(recipe: Preprocessing) -> JsonObject:
    return {
        "resize": recipe.resize,
        "crop": list(recipe.crop),
        "mean": list(recipe.mean),
        "std": list(recipe.std),
        "interpolation": recipe.interpolation,
    }


def _method(method: MethodInfo) -> JsonObject:
    return {
        "name": method.name,
        "title": method.title,
        "formula": method.formula,
        "citation": method.citation,
        "layers": list(method.layers),
    }


def _image(image: ImageRecord) -> JsonObject:
    return {
        "name": image.name,
        "sha256": image.sha256,
        "notes": list(image.notes),
        "geometry": _geometry(image.geometry),
        "predictions": [_prediction(item) for item in image.predictions],
        "targets": [_target(target) for target in image.targets],
    }


def _geometry(geometry: ViewGeometry) -> JsonObject:
    return {
        "original": list(geometry.original),
        "resized": list(geometry.resized),
        "crop": {"left": geometry.crop_left, "top": geometry.crop_top},
        "view": list(geometry.view),
    }


def _prediction(prediction: Prediction) -> JsonObject:
    return {
        "index": prediction.index,
        "category": prediction.category,
        "logit": finite(prediction.logit),
        "probability": finite(prediction.probability),
    }


def _target(target: TargetRecord) -> JsonObject:
    return {
        "prediction": _prediction(target.prediction),
        "rank": target.rank,
        "panels": [_panel(panel) for panel in target.panels],
    }


def _panel(panel: Panel) -> JsonObject:
    return {
        "method": panel.method,
        "layer": panel.layer,
        "activation_shape": list(panel.activation_shape),
        "map_size": list(panel.map_size),
        "peak": finite(panel.peak),
        "state": panel.state.value,
        "overlay_file": panel.overlay_file,
    }
