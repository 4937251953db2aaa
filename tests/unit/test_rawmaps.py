"""Raw maps on disk."""

from __future__ import annotations

import io
import json

import numpy as np

from reportgen.rawmaps import ABOUT, map_key, pack
from reportgen.values import ClassMap, Target, TargetMaps, ViewGeometry

GEOMETRY = ViewGeometry((400, 300), (341, 256), 58, 16, (224, 224))
CAT = Target("cat", (1,), 2.0, 0.9, 1)
DOG = Target("dog", (0,), 1.0, 0.1, 2)


def raw(values: object, method: str = "grad-cam", layer: str = "features.12") -> ClassMap:
    return ClassMap(method, layer, np.asarray(values, dtype=np.float32), (3, 2, 2))


def test_every_map_is_there_with_its_peak_and_the_geometry() -> None:
    values = [[0.1, 2.5], [1e-9, 0]]
    explained = [
        TargetMaps(CAT, (raw(values), raw([[1.0]], "layer-cam", "features.0"))),
        TargetMaps(DOG, (raw([[float("nan")]]),)),
    ]
    data = pack(explained, GEOMETRY, image="a/b.jpg", sha256="00")
    with np.load(io.BytesIO(data)) as file:
        assert set(file.files) == {
            ABOUT,
            "grad-cam/features.12/cat",
            "layer-cam/features.0/cat",
            "grad-cam/features.12/dog",
        }
        found = file["grad-cam/features.12/cat"]
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, np.asarray(values, dtype=np.float32))
        about = json.loads(str(file[ABOUT]))
    assert about["image"] == "a/b.jpg"
    assert about["geometry"]["crop"] == [58, 16]
    assert about["maps"]["grad-cam/features.12/cat"]["peak"] == 2.5
    assert about["maps"]["grad-cam/features.12/dog"]["peak"] is None, "JSON has no NaN"
    assert pack(explained, GEOMETRY, image="a/b.jpg", sha256="00") == data


def test_names_are_unique_and_lead_nowhere() -> None:
    cats = (
        Target("cat", (1,), 0, 0, 1),
        Target("cat", (7,), 0, 0, 2),
        Target("cat", (1,), 0, 0, None),
    )
    keys = [map_key(raw([[1]]), target, cats) for target in cats]
    assert keys == [
        "grad-cam/features.12/cat (1)",
        "grad-cam/features.12/cat (7)",
        "grad-cam/features.12/cat (group)",
    ]
    hostile = Target("../../etc\n", (1,), 0, 0, 1)
    assert map_key(raw([[1]]), hostile, [hostile]) == "grad-cam/features.12/.._.._etc_"
    dots = Target("..", (1,), 0, 0, 1)
    assert map_key(raw([[1]]), dots, [dots]) == "grad-cam/features.12/_"
