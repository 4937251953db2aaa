"""A finished run rendered again: other templates, another form, another title. No torch."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from reportgen import delivery, render
from reportgen.beside import Beside
from reportgen.folder import PAGE, OutputFolder, read_manifest
from reportgen.language import activate
from reportgen.locking import locked
from reportgen.notes import Notes, parse_author, parse_meta, read_notes
from reportgen.options import (
    DEFAULT_PAGE_SIZE,
    DEFAULT_PAPER,
    BuildOptions,
    RenderAgainOptions,
)
from reportgen.progress import Outcome
from reportgen.settings import (
    RUN_FILE,
    changed_command,
    of_page,
    read_table,
    rewritten,
    usual_options,
)
from reportgen.store import RUN_STORE, RunReader, rewrite_run
from reportgen.values import FrontMatter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reportgen.progress import Observer
    from reportgen.settings import Value
    from reportgen.values import Report

KEPT = ("overlays/", "maps/", "figures/")
"""Files of a run that are not rendered; they come along as they are."""


def rerender(options: RenderAgainOptions, observer: Observer) -> Outcome:
    """Render the report of a finished run again, from its ``run.sqlite`` alone.

    Parameters
    ----------
    options
        Which run, and what is to be different.
    observer
        Who is told how far it is.

    Raises
    ------
    UsageError
        If the run cannot be read, or an option cannot be carried out; nothing has been written
        then.
    """
    started = time.perf_counter()
    path = options.output or _folder(options.run)
    form = _form(options, read_table(_folder(options.run)), _folder(options.run))
    delivery.check(form)
    with locked(path):
        write_again(options, observer)
        with RunReader(path) as again:
            delivery.deliver(again.whole, path, (), form, observer)
            return Outcome(
                images=len(again),
                failures=again.report.failures,
                top_classes=again.top_classes(),
                seconds=time.perf_counter() - started,
                page=path / PAGE,
                pdf=options.pdf,
                remarks=delivery.remarks(path / PAGE),
                evaluation=again.report.evaluation,
                computed=None,
            )


def write_again(options: RenderAgainOptions, observer: Observer) -> None:
    """Put the report in its place, which the caller has locked; raises as `rerender` does."""
    source = _folder(options.run)
    path = options.output or source
    table = read_table(source)
    form = _form(options, table, source)
    changes = _changes(options)
    with RunReader(options.run) as run:
        activate(run.report.run.language)
        names = [entry.name for entry in run.entries]
        notes = None if options.notes is None else read_notes(options.notes, names)
        output = OutputFolder(path, force=options.force)
        pages = delivery.render_options(form)
        output.check([*render.expected_files(len(names), pages), RUN_FILE, RUN_STORE])
        render.check_templates(form.template_dir)
        with output.staging() as staging, Beside(len(names), pages) as beside:
            store = staging / RUN_STORE
            report = _changed(run.report, options, changes, notes)
            rewrite_run(run.path, store, report, None if notes is None else notes.by_name)
            run.close()  # it is about to be replaced
            observer.stage("Writing the report")
            digests: dict[str, str] = {}
            with RunReader(store) as again:
                written = again.whole
                beside.render(written, store, staging, digests)
                delivery.export(written, staging, form, observer)
            text = rewritten(table, changes, source, path)
            (staging / RUN_FILE).write_text(text, encoding="utf-8", newline="\n")
            _carry(source, staging, link=path.resolve() == source.resolve())
            output.commit(staging, digests)


def page_alone(
    options: BuildOptions, path: Path, before: Mapping[str, Value | None]
) -> RenderAgainOptions | None:
    """Return what makes the report in ``path`` the one of ``options``, by rendering it again.

    Parameters
    ----------
    options
        A run's that differs from the one before in what the page alone shows.
    path
        The report.
    before
        What `reportgen.settings.of_page` gave then.

    Returns
    -------
    None where something was taken back, as what stands without it is not in the report.
    """
    given, usual = of_page(options), of_page(usual_options(options.images))
    if any(given[key] != before.get(key) and given[key] == usual[key] for key in given):
        return None
    return RenderAgainOptions(
        run=path,
        title=options.title,
        author=options.author or None,
        meta=options.meta or None,
        notes=options.notes,
        template_dir=options.template_dir,
        single_file=options.single_file,
        folder=options.folder,
        page_size=None if given["page-size"] == usual["page-size"] else options.page_size,
        export=options.export,
        paper=None if given["paper"] == usual["paper"] else options.paper,
        force=options.force,
    )


def _folder(run: Path) -> Path:
    return run if run.is_dir() else run.parent


def _form(options: RenderAgainOptions, table: Mapping[str, Value], source: Path) -> BuildOptions:
    """Return what the pages are to be like: as asked for, and else as the run was."""
    chosen = options.single_file or options.folder
    templates = options.template_dir
    if templates is None and isinstance(table.get("template-dir"), str):
        templates = source / str(table["template-dir"])
    size = table.get("page-size", DEFAULT_PAGE_SIZE)
    return BuildOptions(
        images=source,
        single_file=options.single_file if chosen else table.get("single-file") is True,
        folder=options.folder if chosen else table.get("folder") is True,
        page_size=options.page_size or (size if isinstance(size, int) and size > 0 else 1),
        template_dir=templates,
        author=options.author,
        meta=options.meta or (),
        export=options.export,
        pdf=options.pdf,
        paper=options.paper or str(table.get("paper", DEFAULT_PAPER)),
        force=options.force,
    )


def _changes(options: RenderAgainOptions) -> dict[str, Value]:
    """Return the settings of the run that have other values from now on."""
    chosen = options.single_file or options.folder
    given: dict[str, Value | None] = {
        "title": options.title,
        "author": options.author,
        "meta": None if options.meta is None else list(options.meta),
        "notes": None if options.notes is None else str(options.notes),
        "template-dir": None if options.template_dir is None else str(options.template_dir),
        "single-file": options.single_file if chosen else None,
        "folder": options.folder if chosen else None,
        "page-size": options.page_size,
        "paper": options.paper,
        "export": ",".join(options.export) or None,
    }
    return {key: value for key, value in given.items() if value is not None}


def _changed(
    report: Report, options: RenderAgainOptions, changes: Mapping[str, Value], notes: Notes | None
) -> Report:
    front = report.front
    author, meta = options.author, options.meta
    return replace(
        report,
        title=report.title if options.title is None else options.title,
        run=replace(report.run, command=changed_command(report.run.command, changes)),
        front=FrontMatter(
            front.author if author is None else parse_author(author),
            front.meta if meta is None else parse_meta(meta),
            front.notes if notes is None else notes.report,
        ),
    )


def _carry(source: Path, staging: Path, *, link: bool) -> None:
    """Bring the files along that are not rendered, by links where they go back to their place."""
    for name in read_manifest(source) or {}:
        destination = staging / name
        if name.startswith(KEPT) and (source / name).is_file() and not destination.exists():
            destination.parent.mkdir(parents=True, exist_ok=True)
            if link:
                try:
                    os.link(source / name, destination)
                except OSError:  # a drive that has no links
                    pass
                else:
                    continue
            shutil.copyfile(source / name, destination)
