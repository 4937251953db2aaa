"""The report as plain values for ``report.json``, described by ``report.schema.json``.

Numbers that are not finite become None: strict JSON has no NaN and no infinity.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reportgen.values import (
        Agreement,
        Caution,
        ClassCount,
        Contrast,
        Curve,
        Evaluation,
        Faithfulness,
        HeatReading,
        ImageRecord,
        Interval,
        JsonObject,
        Localisation,
        LocalisationSummary,
        MethodInfo,
        ModelInfo,
        Mosaic,
        Panel,
        Prediction,
        Preprocessing,
        Ranking,
        Reading,
        Rectangle,
        Report,
        RunInfo,
        Standing,
        StrongestChannels,
        StructureLine,
        TargetRecord,
        TrueClass,
        ViewGeometry,
    )

SCHEMA = "reportgen/report"
SCHEMA_VERSION = 3
QUADRANTS = ("upper_left", "upper_right", "lower_left", "lower_right")


def report_record(report: Report) -> JsonObject:
    """Return everything in ``report`` but its pictures; the images as an iterator, to be used once.

    A run may have more of them than fit into memory.
    """
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "title": report.title,
        "author": report.front.author,
        "meta": dict(report.front.meta),
        "notes": report.front.notes,
        "run": _run(report.run),
        "images": map(_image, report.images),
        "evaluation": None if report.evaluation is None else _evaluation(report.evaluation),
        "rankings": [_ranking(ranking) for ranking in report.rankings],
        "verdict": report.verdict,
        "localisation": [_summary(summary) for summary in report.localisation],
        "boxes": report.boxes,
        "failures": [{"name": item.name, "reason": item.reason} for item in report.failures],
    }


def finite(value: float) -> float | None:
    """Return ``value``, or None for NaN and the infinities."""
    return value if math.isfinite(value) else None


def _run(run: RunInfo) -> JsonObject:
    return {
        "command": list(run.command),
        "created": run.created.isoformat(),
        "device": run.device,
        "versions": dict(run.versions),
        "model": _model(run.model),
        "preprocessing": {**_preprocessing(run.preprocessing), "origin": run.recipe_origin},
        "categories": run.categories_origin,
        "labels": run.labels,
        "structure": [_structure_line(line) for line in run.structure],
        "methods": [_method(method) for method in run.methods],
        "targets": list(run.targets),
        "top_k": run.top_k,
        "alpha": run.alpha,
        "colormap": run.colormap,
        "language": run.language,
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
        "mode": recipe.mode,
        "resize": recipe.resize,
        "crop": None if recipe.crop is None else list(recipe.crop),
        "mean": list(recipe.mean),
        "std": list(recipe.std),
        "interpolation": recipe.interpolation,
        "channel_order": recipe.channel_order,
    }


def _structure_line(line: StructureLine) -> JsonObject:
    return {
        "depth": line.depth,
        "text": line.text,
        "layer": line.layer,
        "explained": list(line.explained),
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
        "label": None if image.label is None else _true_class(image.label),
        "label_rank": image.label_rank,
        "right": image.right,
        "predictions": [_prediction(item) for item in image.predictions],
        "targets": [_target(target) for target in image.targets],
        "overlaps": [_agreement(item) for item in image.overlaps],
        "maps_file": image.maps_file,
        "cautions": [_caution(caution) for caution in image.cautions],
        "feature_maps": [_mosaic(mosaic) for mosaic in image.mosaics],
        "contrast": None if image.contrast is None else _contrast(image.contrast),
        "note": image.note,
    }


def _true_class(label: TrueClass) -> JsonObject:
    return {"index": label.index, "category": label.category}


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


def _target(record: TargetRecord) -> JsonObject:
    target = record.target
    return {
        "name": target.name,
        "group": target.is_group,
        "classes": list(target.classes),
        "logit": finite(target.logit),
        "probability": finite(target.probability),
        "rank": target.rank,
        "panels": [_panel(panel) for panel in record.panels],
        "reading": None if record.reading is None else _reading(record.reading),
        "layers_agree": _optional(record.layers_agree),
        "cautions": [_caution(caution) for caution in record.cautions],
    }


def _panel(panel: Panel) -> JsonObject:
    return {
        "method": panel.method,
        "layer": panel.layer,
        "activation_shape": list(panel.activation_shape),
        "map_size": list(panel.map_size),
        "peak": finite(panel.peak),
        "state": panel.state.value,
        "heat": None if panel.heat is None else _heat(panel.heat),
        "overlay_file": panel.overlay_file,
        "original_file": panel.original_file,
        "cautions": [_caution(caution) for caution in panel.cautions],
        "faithfulness": None if panel.faithfulness is None else _faithfulness(panel.faithfulness),
        "localisation": None if panel.localisation is None else _localisation(panel.localisation),
    }


def _caution(caution: Caution) -> JsonObject:
    return {"code": caution.code, "text": caution.text}


def _faithfulness(found: Faithfulness) -> JsonObject:
    road = found.road
    return {
        "average_drop": finite(found.drop),
        "increase": found.increased,
        "deletion": None if found.deletion is None else _curve(found.deletion),
        "insertion": None if found.insertion is None else _curve(found.insertion),
        "road": None
        if road is None
        else {
            "combined": finite(road.combined),
            "percentiles": [_short(value) for value in road.percentiles],
            "most": [_short(value) for value in road.most],
            "least": [_short(value) for value in road.least],
        },
        "complexity": finite(found.complexity),
        "coherency": _optional(found.coherency),
        "adcc": _optional(found.adcc),
    }


def _curve(curve: Curve) -> JsonObject:
    return {
        "auc": finite(curve.auc),
        "fractions": [_short(value) for value in curve.fractions],
        "scores": [_short(value) for value in curve.scores],
    }


def _localisation(found: Localisation) -> JsonObject:
    return {
        "pointing": found.hit,
        "energy": finite(found.energy),
        "iou": finite(found.iou),
        "gt_known": found.gt_known,
        "loc1": found.loc1,
        "loc5": found.loc5,
        "box": None if found.box is None else _rectangle(found.box),
        "boxes": [_rectangle(box) for box in found.boxes],
    }


def _rectangle(box: Rectangle) -> list[float | None]:
    return [_rounded(edge) for edge in box]


def _optional(value: float | None) -> float | None:
    return None if value is None else finite(value)


def _reading(reading: Reading) -> JsonObject:
    agreement = reading.methods_agree
    return {
        "heats": [_heat(heat) for heat in reading.heats],
        "methods_agree": None if agreement is None else _agreement(agreement),
    }


def _heat(heat: HeatReading) -> JsonObject:
    return {
        "method": heat.method,
        "layer": heat.layer,
        "quadrants": dict(zip(QUADRANTS, map(finite, heat.quadrants), strict=True)),
        "centroid": [finite(value) for value in heat.centroid],
        "area": finite(heat.area),
        "border": finite(heat.border),
    }


def _contrast(contrast: Contrast) -> JsonObject:
    return {
        "first": contrast.first,
        "second": contrast.second,
        "method": contrast.method,
        "layer": contrast.layer,
        "peak": finite(contrast.peak),
    }


def _agreement(agreement: Agreement) -> JsonObject:
    return {
        "first": agreement.first,
        "second": agreement.second,
        "method": agreement.method,
        "layer": agreement.layer,
        "correlation": finite(agreement.correlation),
        "overlap": finite(agreement.overlap),
        "shared": finite(agreement.shared),
    }


def _mosaic(mosaic: Mosaic) -> JsonObject:
    return {
        "layer": mosaic.layer,
        "shape": list(mosaic.shape),
        "columns": mosaic.columns,
        "rows": mosaic.rows,
        "tile": list(mosaic.tile),
        "gap": mosaic.gap,
        "scale": mosaic.scale,
        "ordered_by": mosaic.ordered_by,
        "order": list(mosaic.order),
        "minimum": finite(mosaic.minimum),
        "maximum": finite(mosaic.maximum),
        "weights": [
            {"target": name, "by_channel": [_rounded(value) for value in values]}
            for name, values in mosaic.weights
        ],
        "strongest": [_strongest(item) for item in mosaic.strongest],
        "file": mosaic.file,
    }


def _strongest(strongest: StrongestChannels) -> JsonObject:
    return {
        "target": strongest.target,
        "channels": [
            {"channel": item.channel, "weight": _rounded(item.weight), "peak": finite(item.peak)}
            for item in strongest.channels
        ],
    }


def _rounded(value: float) -> float | None:
    """Return ``value`` with six significant digits, as many as float32 holds for certain."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _short(value: float) -> float | None:
    """Return ``value`` with four significant digits: a run may hold thousands of curves."""
    return float(f"{value:.4g}") if math.isfinite(value) else None


def _ranking(ranking: Ranking) -> JsonObject:
    return {
        "metric": ranking.metric.name,
        "title": ranking.metric.title,
        "higher_is_better": ranking.metric.higher_is_better,
        "images": ranking.images,
        "standings": [_standing(row) for row in ranking.standings],
    }


def _standing(row: Standing) -> JsonObject:
    return {
        "method": row.method,
        "layer": row.layer,
        "rank": row.rank,
        "score": _interval(row.score),
        "behind": None if row.behind is None else _interval(row.behind),
        "more_than_chance": row.is_behind,
    }


def _interval(interval: Interval) -> JsonObject:
    return {
        "mean": finite(interval.mean),
        "low": finite(interval.low),
        "high": finite(interval.high),
        "images": interval.images,
    }


def _summary(summary: LocalisationSummary) -> JsonObject:
    return {
        "method": summary.method,
        "layer": summary.layer,
        "maps": summary.maps,
        "hits": summary.hits,
        "gt_known": summary.gt_known,
        "ranked": summary.ranked,
        "loc1": summary.loc1,
        "loc5": summary.loc5,
        "energy": finite(summary.energy),
        "iou": finite(summary.iou),
    }


def _evaluation(evaluation: Evaluation) -> JsonObject:
    confusion = evaluation.confusion
    return {
        "images": evaluation.images,
        "right": evaluation.right,
        "accuracy": evaluation.accuracy,
        "in_top": evaluation.in_top,
        "top": evaluation.top,
        "unlabelled": evaluation.unlabelled,
        "classes": [_class_count(item) for item in evaluation.classes],
        "confusion": None if confusion is None else [list(row) for row in confusion],
    }


def _class_count(item: ClassCount) -> JsonObject:
    return {
        "index": item.index,
        "category": item.category,
        "images": item.images,
        "right": item.right,
        "predicted": item.predicted,
    }
