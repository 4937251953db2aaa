"""What the report is called, what it holds, and in which form."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reportgen.cli_options.common import REPORT, option

Output = Annotated[
    Path | None,
    option(
        "--output",
        "-o",
        panel=REPORT,
        metavar="DIR",
        help="Folder of the report.",
        show_default="reports/<folder name>-<model name>",
    ),
]

FinishedRun = Annotated[
    Path, typer.Argument(metavar="RUN", help="Folder of a finished report.", show_default=False)
]
RenderOutput = Annotated[
    Path | None,
    option(
        "--output",
        "-o",
        panel=REPORT,
        metavar="DIR",
        help="Folder to write.",
        show_default="the run's own",
    ),
]
RenderPageSize = Annotated[
    int | None,
    option(
        "--page-size",
        panel=REPORT,
        metavar="N",
        min=1,
        help="Images on a page of a folder.",
        show_default="as the run has it",
    ),
]
RenderPaper = Annotated[
    str | None,
    option(
        "--paper",
        panel=REPORT,
        metavar="a4|letter",
        help="Paper of the PDF file.",
        show_default="as the run has it",
    ),
]

TopK = Annotated[
    int,
    option("--top-k", panel=REPORT, metavar="K", min=1, help="Classes listed for every picture."),
]

Runs = Annotated[
    list[Path],
    typer.Argument(metavar="RUN_A RUN_B ...", help="Folders of finished reports, two or more."),
]
ComparisonOutput = Annotated[
    Path | None,
    option(
        "--output",
        "-o",
        panel=REPORT,
        metavar="DIR",
        help="Folder of the comparison.",
        show_default="reports/compare-<run>-<run>",
    ),
]
ComparisonTitle = Annotated[
    str | None,
    option(
        "--title",
        panel=REPORT,
        metavar="TEXT",
        help="Title of the comparison.",
        show_default="names the networks",
    ),
]
Title = Annotated[
    str | None, option("--title", panel=REPORT, metavar="TEXT", help="Title of the report.")
]

Author = Annotated[
    str | None, option("--author", panel=REPORT, metavar="TEXT", help="Who hands the report in.")
]

Meta = Annotated[
    list[str] | None,
    option(
        "--meta",
        panel=REPORT,
        metavar="KEY=VALUE",
        show_default="none",
        help="A line for the first page, such as course=CV101. Repeatable.",
    ),
]

NotesFile = Annotated[
    Path | None,
    option(
        "--notes",
        panel=REPORT,
        metavar="FILE",
        help="Markdown with your analysis: of the whole report, and under headings that name an "
        "image, of that image.",
    ),
]

Lang = Annotated[
    str,
    option("--lang", panel=REPORT, metavar="en|zh", help="Language of the report."),
]

SingleFile = Annotated[
    bool,
    option(
        "--single-file",
        panel=REPORT,
        help="Everything in one HTML file. The default below 500 images.",
    ),
]

Folder = Annotated[
    bool,
    option(
        "--folder",
        panel=REPORT,
        help="An index and pages of some images each, with the pictures in files beside them. "
        "The default from 500 images on.",
    ),
]

PageSize = Annotated[
    int,
    option("--page-size", panel=REPORT, metavar="N", min=1, help="Images on a page of a folder."),
]

Compact = Annotated[
    bool,
    option(
        "--compact/--no-compact",
        panel=REPORT,
        help="Let the browser lay the maps over the photos instead of storing overlays: less "
        "than half of the size.",
    ),
]

Zip = Annotated[
    Path | None,
    option(
        "--zip",
        panel=REPORT,
        metavar="NAME",
        help="Also pack the report with its pictures into one ZIP file, to hand in.",
    ),
]

Pdf = Annotated[
    Path | None,
    option(
        "--pdf",
        panel=REPORT,
        metavar="NAME",
        help="Also print the report to a PDF file; needs an installed Chromium or Chrome.",
    ),
]

Paper = Annotated[
    str, option("--paper", panel=REPORT, metavar="a4|letter", help="Paper of the PDF file.")
]

Export = Annotated[
    str | None,
    option(
        "--export",
        panel=REPORT,
        metavar="figures",
        show_default="nothing",
        help="Also write the grids as PNG and SVG figures with captions, under figures/.",
    ),
]

SaveOverlays = Annotated[
    bool,
    option(
        "--save-overlays/--no-save-overlays",
        panel=REPORT,
        help="Also write every overlay as a full-size PNG under overlays/, on the model's view "
        "and on the original.",
    ),
]

SaveMaps = Annotated[
    bool,
    option(
        "--save-maps/--no-save-maps",
        panel=REPORT,
        help="Also write the raw maps of every picture, as float32 in one .npz file under maps/.",
    ),
]

TemplateDir = Annotated[
    Path | None,
    option(
        "--template-dir",
        panel=REPORT,
        metavar="DIR",
        help="Folder with templates of your own, used before the built-in ones.",
    ),
]

Force = Annotated[
    bool,
    option(
        "--force",
        panel=REPORT,
        help="Use an output folder that holds other files; those are never touched.",
    ),
]

Open = Annotated[bool, option("--open", panel=REPORT, help="Open the report when it is done.")]
