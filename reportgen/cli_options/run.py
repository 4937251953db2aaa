"""The pictures, the settings file, and how the run goes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reportgen.cli_options.common import RUN, option


def _read_config(context: typer.Context, path: Path | None) -> Path | None:
    """Take the settings of a TOML file as the command's defaults."""
    if path is not None:
        from reportgen.settings import read_config  # noqa: PLC0415 - only where it is asked for

        names = {
            opt.lstrip("-"): parameter.name
            for parameter in context.command.params
            for opt in parameter.opts
            if parameter.name is not None and (opt.startswith("--") or not opt.startswith("-"))
        }
        settings = read_config(path, names.keys() - {"config", "help"})
        context.default_map = {names[key]: value for key, value in settings.items()}
    return path


Images = Annotated[
    Path, typer.Argument(metavar="IMAGES", help="Folder of pictures.", show_default=True)
]

Config = Annotated[
    Path | None,
    option(
        "--config",
        panel=RUN,
        metavar="FILE",
        callback=_read_config,
        is_eager=True,
        help="TOML file of options, such as the run.toml of a report; what the command line says "
        "goes first.",
    ),
]

Recursive = Annotated[
    bool, option("--recursive/--no-recursive", panel=RUN, help="Look into sub-folders too.")
]

FollowLinks = Annotated[
    bool,
    option(
        "--follow-links/--no-follow-links",
        panel=RUN,
        help="Follow links that lead out of the folder of images; those within it always are.",
    ),
]

MaxPixels = Annotated[
    int,
    option(
        "--max-pixels",
        panel=RUN,
        metavar="N",
        min=1,
        help="Refuse pictures with more pixels than this, before they are decoded.",
    ),
]

Lenient = Annotated[
    bool,
    option(
        "--lenient/--no-lenient",
        panel=RUN,
        help="Use what there is of JPEG and PNG files that are damaged or cut short, and say so.",
    ),
]

BatchSize = Annotated[
    int,
    option("--batch-size", panel=RUN, metavar="N", min=1, help="Pictures per pass of the network."),
]

Quiet = Annotated[bool, option("--quiet", "-q", panel=RUN, help="Print failures and errors only.")]

Verbose = Annotated[
    bool, option("--verbose", "-v", panel=RUN, help="Print layers, weights and recipe too.")
]
