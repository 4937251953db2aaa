"""What the page's scripts have to know of what the author said, to let it be written on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from reportgen.render.sections import Place
    from reportgen.values import Report


def hand_in(report: Report, form: Place) -> Markup:
    """Return what tells this report from others, and the Markdown of its notes, as JSON.

    ``notes`` has the report's own under the empty name, then those of its pictures by their names.
    It is safe to stand in a ``script`` element that holds data.
    """
    front = report.front
    record = {
        "form": form,
        "about": {
            "title": report.title,
            "author": front.author,
            "meta": dict(front.meta),
            "created": report.run.created.isoformat(),
            "weights_sha256": report.run.model.weights_sha256,
        },
        "notes": {
            "": front.notes,
            **{image.name: image.note for image in report.images if image.note},
        },
    }
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - no tag can begin in it
