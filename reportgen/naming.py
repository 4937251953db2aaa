"""Names for files that we make: readable, safe on every file system, and unique."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_MAX_STEM = 48


def slug(text: str, *, longest: int = _MAX_STEM) -> str:
    """Return ``text`` in ASCII letters, digits, ``.``, ``_`` and ``-`` only, never empty.

    Two texts can have one slug; add a hash of what makes them different.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    safe = re.sub(r"[^A-Za-z0-9._]+", "-", plain).strip("-.")
    return safe[:longest].rstrip("-.") or "x"


def overlay_name(image: str, target: int, category: str, method: str, layer: str) -> str:
    """Return the relative name of one overlay's PNG, unique within a report.

    The readable parts can be equal for two overlays (paths that differ only in case or in signs
    that no file system likes), so a hash of all that tells them apart ends the name.
    """
    identity = "\0".join((image, str(target), method, layer))
    digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    parts = (
        slug(image),
        f"{target}-{slug(category, longest=24)}",
        method,
        slug(layer),
        digest,
    )
    return f"overlays/{'__'.join(parts)}.png"
