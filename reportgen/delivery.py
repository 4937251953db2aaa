"""What is made of a finished report besides its page: figures, a ZIP file, a PDF file."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reportgen import archive, pdf, render
from reportgen.errors import OptionError, cannot_write, did_you_mean
from reportgen.folder import PAGE
from reportgen.language import LANGUAGES
from reportgen.notes import parse_author, parse_meta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from reportgen.options import BuildOptions
    from reportgen.progress import Observer
    from reportgen.values import ImageFile, Report


def _figures(report: Report, folder: Path) -> tuple[str, ...]:
    from reportgen import figures  # noqa: PLC0415 - for those who ask for them only

    return figures.export(report, folder)


EXPORTS: dict[str, Callable[[Report, Path], tuple[str, ...]]] = {"figures": _figures}
"""What ``--export`` takes, and what writes it."""


def check(options: BuildOptions) -> None:
    """Refuse what cannot be delivered, before anything is computed.

    Raises
    ------
    OptionError
        Naming the option.
    """
    if options.lang not in LANGUAGES:
        raise OptionError(
            f"--lang: expected one of {', '.join(LANGUAGES)}, found '{options.lang}'.",
        )
    for name in options.export:
        if name not in EXPORTS:
            raise OptionError(
                f"--export: expected {', '.join(EXPORTS)}, found '{name}'."
                f"{did_you_mean(name, EXPORTS)}",
            )
    if options.single_file and options.folder:
        raise OptionError("--single-file and --folder: give one of them, not both.")
    parse_author(options.author)
    parse_meta(options.meta)
    if options.zip is not None:
        archive.check(options.zip)
    if options.pdf is not None:
        pdf.check(options.pdf, options.paper)


def render_options(options: BuildOptions) -> render.RenderOptions:
    """Return the form that the pages are to have."""
    return render.RenderOptions(
        template_dir=options.template_dir,
        form="single" if options.single_file else "folder" if options.folder else "auto",
        page_size=options.page_size,
    )


def export(report: Report, staging: Path, options: BuildOptions, observer: Observer) -> None:
    """Write what belongs into the report's folder, before that is put in place."""
    for name in options.export:
        observer.stage(f"Drawing the {name}")
        EXPORTS[name](report, staging)


def deliver(
    report: Report,
    path: Path,
    images: Sequence[ImageFile],
    options: BuildOptions,
    observer: Observer,
) -> None:
    """Write what stands beside the finished report in ``path``.

    Raises
    ------
    OptionError
        If that cannot be written; what was there stands.
    """
    if options.zip is not None:
        done = {record.name for record in report.images}
        files = [image for image in images if image.name in done]
        with _beside("--zip", options.zip):
            archive.write(options.zip, path, files, options, report.run.created, report.title)
    if options.pdf is not None:
        observer.stage("Printing the report")
        with _beside("--pdf", options.pdf):
            _print(report, path, options.pdf, options)


@contextmanager
def _beside(option: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OptionError(
            f"{option}: {cannot_write(path, error)} The report itself is complete.",
        ) from error


def _print(report: Report, path: Path, destination: Path, options: BuildOptions) -> None:
    """Print the single page; of a report in several, one is made for this."""
    form = render_options(options)
    if not render.is_folder(len(report.images), form):
        pdf.write(path / PAGE, destination, title=report.title, paper=options.paper)
        return
    beside = destination.absolute().parent
    with tempfile.TemporaryDirectory(prefix="print-", dir=beside) as name:
        folder = beside / name
        single = render.RenderOptions(template_dir=options.template_dir, form="single")
        render.render(report, folder, single)
        pdf.write(folder / PAGE, destination, title=report.title, paper=options.paper)


def remarks(page: Path) -> tuple[str, ...]:
    """Return what the user should know of a finished report."""
    warning = render.size_warning(page)
    return () if warning is None else (warning,)
