"""The pictures, the settings file, and how the run goes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from reportgen.cli_options.common import RUN, option
from reportgen.options import AUTO_BATCH_SIZE


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
    str,
    typer.Argument(
        metavar="IMAGES",
        help="Folder of pictures, or its address, such as s3://bucket/photos.",
        show_default=True,
    ),
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


def _pictures(text: str | int) -> int:
    """Read a number of pictures from 1, or ``auto``."""
    if str(text).strip().casefold() == "auto":
        return AUTO_BATCH_SIZE
    if not str(text).strip().isdecimal() or int(text) < 1:
        raise typer.BadParameter(
            f"a number from 1 or auto is expected, found '{text}'", param_hint="--batch-size"
        )
    return int(text)


BatchSize = Annotated[
    int,
    option(
        "--batch-size",
        panel=RUN,
        metavar="N|auto",
        parser=_pictures,
        help="Pictures per pass of the network; auto measures which number is fastest.",
    ),
]

Amp = Annotated[
    bool,
    option(
        "--amp/--no-amp",
        panel=RUN,
        help="Let the network compute in 16 bits where it can: faster on most GPUs, and maps "
        "differ a little.",
    ),
]

Engine = Annotated[
    str,
    option(
        "--engine",
        panel=RUN,
        metavar="local|ray",
        help="Compute on this machine, or by the workers of a Ray cluster.",
    ),
]

Address = Annotated[
    str | None,
    option(
        "--address",
        panel=RUN,
        metavar="HOST:PORT",
        show_default="Ray is started on this machine",
        help="Head of the Ray cluster to compute on; 'auto' for the one that this machine is in.",
    ),
]

Workers = Annotated[
    int | None,
    option(
        "--workers",
        panel=RUN,
        metavar="N",
        min=1,
        show_default="as many as there are cores for",
        help="Ray workers, each with a network of its own.",
    ),
]

Cache = Annotated[
    bool,
    option(
        "--cache/--no-cache",
        panel=RUN,
        help="Take over what was computed before, and keep what is computed.",
    ),
]


def _bytes(text: str | int) -> int:
    """Read a size such as ``500MB`` or ``2 GB``."""
    found = _SIZE.fullmatch(str(text).strip())
    if found is None:
        raise typer.BadParameter(
            f"a size such as 500MB, 4GB or 0 is expected, found '{text}'",
            param_hint="--cache-limit",
        )
    return int(float(found[1]) * _UNITS[found[2].casefold()])


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?", re.IGNORECASE)
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}

CacheLimit = Annotated[
    int,
    option(
        "--cache-limit",
        panel=RUN,
        metavar="SIZE",
        parser=_bytes,
        show_default="4GB",
        help="What the cache may have on disk after the run; what was not used for longest goes "
        "first.",
    ),
]

CleanLimit = Annotated[
    int,
    option(
        "--limit",
        panel=RUN,
        metavar="SIZE",
        parser=_bytes,
        show_default="0",
        help="What may stay, such as 500MB; what was not used for longest goes first.",
    ),
]

Quiet = Annotated[bool, option("--quiet", "-q", panel=RUN, help="Print failures and errors only.")]

Verbose = Annotated[
    bool, option("--verbose", "-v", panel=RUN, help="Print layers, weights and recipe too.")
]
