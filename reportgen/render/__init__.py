"""Rendering: from a finished `Report` to the files that people and programs read.

Nothing in this package imports torch, torchvision, timm or cv2.
"""

from __future__ import annotations

from reportgen.render.environment import check_templates
from reportgen.render.formats import (
    FORMATS,
    OutputFormat,
    expected_files,
    render,
    render_pages,
    size_warning,
)
from reportgen.render.pages import RenderOptions, is_folder, page_links

__all__ = [
    "FORMATS",
    "OutputFormat",
    "RenderOptions",
    "check_templates",
    "expected_files",
    "is_folder",
    "page_links",
    "render",
    "render_pages",
    "size_warning",
]
