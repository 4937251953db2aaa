"""A comparison as plain values for ``comparison.json``.

Numbers that are not finite become None: strict JSON has no NaN and no infinity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.render.records import finite

if TYPE_CHECKING:
    from reportgen.values import (
        ComparedImage,
        ComparedMap,
        ComparedRun,
        ComparedTarget,
        Comparison,
        JsonObject,
        LayerSummary,
        MapAgreement,
        MapRow,
        Prediction,
    )

SCHEMA = "reportgen/comparison"
SCHEMA_VERSION = 1


def comparison_record(comparison: Comparison) -> JsonObject:
    """Return everything in ``comparison`` but its pictures; runs go by their letters."""
    letters = [item.letter for item in comparison.runs]
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "title": comparison.title,
        "runs": [_run(item) for item in comparison.runs],
        "layers": [_summary(item, letters) for item in comparison.layers],
        "images": [_image(image, letters) for image in comparison.images],
        "alone": [{"run": letters[place], "file": name} for place, name in comparison.alone],
        "changed": list(comparison.changed),
    }


def _run(item: ComparedRun) -> JsonObject:
    model = item.run.model
    return {
        "run": item.letter,
        "name": item.name,
        "title": item.title,
        "created": item.run.created.isoformat(),
        "command": list(item.run.command),
        "model": model.name,
        "architecture": model.architecture,
        "weights": model.weights,
        "weights_sha256": model.weights_sha256,
        "images": item.images,
        "failures": list(item.failures),
        "labelled": item.evaluation.images if item.evaluation else 0,
        "right": item.evaluation.right if item.evaluation else 0,
    }


def _summary(item: LayerSummary, letters: list[str]) -> JsonObject:
    return {
        "method": item.method,
        "runs": [letters[item.first], letters[item.second]],
        "layers": list(item.layers),
        "maps": item.maps,
        "one_sided": item.one_sided,
        "mean_r": finite(item.correlation),
        "lowest_r": finite(item.lowest),
        "mean_iou": finite(item.overlap),
    }


def _image(image: ComparedImage, letters: list[str]) -> JsonObject:
    label = image.label
    return {
        "sha256": image.sha256,
        "files": _by_run(letters, [list(names) or None for names in image.names]),
        "true_class": {"index": label.index, "category": label.category} if label else None,
        "flipped": image.flipped,
        "predictions": _by_run(
            letters, [[_prediction(item) for item in found] or None for found in image.predictions]
        ),
        "right": _by_run(letters, list(image.rights)),
        "lowest_r": finite(image.lowest),
        "targets": [_target(item, letters) for item in image.targets],
    }


def _by_run(letters: list[str], values: list[object]) -> JsonObject:
    """Return what each run has; a run without a value is left out."""
    pairs = zip(letters, values, strict=True)
    return {letter: value for letter, value in pairs if value is not None}


def _prediction(item: Prediction) -> JsonObject:
    return {
        "index": item.index,
        "category": item.category,
        "logit": finite(item.logit),
        "probability": finite(item.probability),
    }


def _target(item: ComparedTarget, letters: list[str]) -> JsonObject:
    return {
        "same": item.same,
        "targets": _by_run(
            letters,
            [
                {"name": target.name, "probability": finite(target.probability)} if target else None
                for target in item.targets
            ],
        ),
        "maps": [_row(row, letters) for row in item.rows],
    }


def _row(row: MapRow, letters: list[str]) -> JsonObject:
    return {
        "method": row.method,
        "maps": _by_run(letters, [_map(item) if item else None for item in row.maps]),
        "agreements": [_agreement(item, letters) for item in row.agreements],
    }


def _map(item: ComparedMap) -> JsonObject:
    return {"layer": item.layer, "state": item.state.value, "peak": finite(item.peak)}


def _agreement(item: MapAgreement, letters: list[str]) -> JsonObject:
    return {
        "runs": [letters[item.first], letters[item.second]],
        "r": finite(item.correlation),
        "iou": finite(item.overlap),
        "one_sided": item.one_sided,
    }
