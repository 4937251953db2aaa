"""How options are declared, and the panels of the help that they stand in."""

from __future__ import annotations

from typing import Any

import typer

NETWORK = "Network"
INPUT = "Preprocessing"
MAPS = "Maps"
REPORT = "Report"
RUN = "Run"


def option(*names: str, panel: str, **rest: Any) -> Any:  # noqa: ANN401 - typer's own type
    """Declare an option in one panel of the help."""
    return typer.Option(*names, rich_help_panel=panel, **rest)
