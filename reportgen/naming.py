"""Names for files that we make: readable, safe on every file system, and unique."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reportgen.values import Target

_MAX_STEM = 48


def slug(text: str, *, longest: int = _MAX_STEM) -> str:
    """Return ``text`` in ASCII letters, digits, ``.``, ``_`` and ``-`` only, never empty.

    Two texts can have one slug; add a hash of what makes them different.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    safe = re.sub(r"[^A-Za-z0-9._]+", "-", plain).strip("-.")
    return safe[:longest].rstrip("-.") or "x"


def overlay_name(image: str, target: Target, method: str, layer: str, kind: str = "") -> str:
    """Return the relative name of one overlay's PNG, unique within a report.

    The readable parts can be equal for two overlays (paths that differ only in case or in signs
    that no file system likes), so a hash of all that tells them apart ends the name.

    Parameters
    ----------
    image, method, layer
        What the overlay is of.
    target
        The class or group that it explains.
    kind
        Empty for the overlay on the model's view; a word for any other.
    """
    index = "group" if target.is_group else str(target.classes[0])
    key = f"{index}:{target.name}" if target.is_group else index
    digest = _digest(image, key, method, layer, *([kind] if kind else []))
    parts = [slug(image), f"{index}-{slug(target.name, longest=24)}", method, slug(layer)]
    return f"overlays/{'__'.join([*parts, *([kind] if kind else []), digest])}.png"


def feature_name(image: str, layer: str) -> str:
    """Return the relative name of the PNG with every channel of a layer, unique in a report."""
    return f"overlays/{slug(image)}__channels__{slug(layer)}__{_digest(image, layer)}.png"


def maps_name(image: str) -> str:
    """Return the relative name of the file with the raw maps of a picture, unique in a report."""
    return f"maps/{slug(image)}__{_digest(image)}.npz"


def _digest(*parts: str) -> str:
    identity = "\0".join(parts)
    return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:8]
