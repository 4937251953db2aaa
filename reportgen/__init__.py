"""reportgen: from a folder of images to an HTML report of Grad-CAM and per-layer Layer-CAM.

From Python, `explain` gives the maps themselves, with typed results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reportgen.api import Explained, explain
    from reportgen.values import ClassMap, Preprocessing

__all__ = ["ClassMap", "Explained", "Preprocessing", "__version__", "explain"]

__version__ = "0.1.0"

_FROM = {
    "ClassMap": "reportgen.values",
    "Explained": "reportgen.api",
    "Preprocessing": "reportgen.values",
    "explain": "reportgen.api",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Import a public name when it is first asked for, so that the version costs no torch."""
    if name not in _FROM:
        raise AttributeError(f"module 'reportgen' has no attribute '{name}'")
    from importlib import import_module  # noqa: PLC0415 - see above

    return getattr(import_module(_FROM[name]), name)
