"""Raw maps on disk: one ``.npz`` per picture, from which any overlay can be drawn again."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reportgen.values import ClassMap, Target, TargetMaps, ViewGeometry

ABOUT = "about"
"""Name of the entry that describes the others."""


def map_key(raw: ClassMap, target: Target, targets: Iterable[Target]) -> str:
    """Return the name of a map in its file, ``method/layer/target``.

    Two classes may have one name; their indices then tell them apart. A sign that would lead out
    of a folder, where a program unpacks the file, becomes ``_``.
    """
    name = target.name
    if sum(other.name == name for other in targets) > 1:
        name = f"{name} ({'group' if target.is_group else target.classes[0]})"
    return "/".join(_safe(part) for part in (raw.method, raw.layer, name))


def _safe(part: str) -> str:
    cleaned = "".join("_" if char in "/\\\0" or not char.isprintable() else char for char in part)
    return "_" if not cleaned.strip(".") else cleaned


def pack(
    explained: Sequence[TargetMaps], geometry: ViewGeometry, *, image: str, sha256: str
) -> bytes:
    """Return the content of a ``.npz`` file with every raw map of one picture.

    Parameters
    ----------
    explained
        The picture's targets with their maps.
    geometry
        Where the view lies in the picture.
    image
        The picture's name in the report.
    sha256
        Of the picture's file.

    Returns
    -------
    For ``numpy.load``. Each map is a ``(height, width)`` float32 array at its layer's own size,
    not normalised, under the name that `map_key` gives it. `ABOUT` is a JSON text: ``image``,
    ``sha256``, ``geometry`` (sizes as width, height; the crop's left and top edge in the resized
    picture), and for every map its ``peak``, method, layer, target and classes. The same maps give
    the same bytes.
    """
    arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = {}
    maps: dict[str, dict[str, object]] = {}
    targets = [item.target for item in explained]
    for item in explained:
        for raw in item.maps:
            key = map_key(raw, item.target, targets)
            arrays[key] = raw.values
            maps[key] = {
                "method": raw.method,
                "layer": raw.layer,
                "target": item.target.name,
                "classes": list(item.target.classes),
                "peak": raw.peak if np.isfinite(raw.peak) else None,
            }
    about = {
        "image": image,
        "sha256": sha256,
        "geometry": {
            "original": geometry.original,
            "resized": geometry.resized,
            "crop": [geometry.crop_left, geometry.crop_top],
            "view": geometry.view,
        },
        "maps": maps,
    }
    buffer = io.BytesIO()
    text = np.asarray(json.dumps(about, ensure_ascii=True))
    np.savez_compressed(buffer, allow_pickle=False, **{ABOUT: text, **arrays})
    return buffer.getvalue()
