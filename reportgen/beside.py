"""Pages rendered by other processes beside this one, where there are many.

To render is work for the interpreter, of which a process runs one thread at a time: on two cores
one would have nothing to do while the pages of thousands of images are made.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from reportgen import provenance, render
from reportgen.closing import Closing
from reportgen.errors import TemplateError
from reportgen.language import activate
from reportgen.store import RunReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reportgen.values import Report

FROM_IMAGES = 400
"""Images from which on a process more, which takes half a second to start, is worth it."""

MOST = 3
"""Processes beside this one at most; each reads the whole list of images."""

_START = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from reportgen.beside import serve
serve()
"""


class Beside(Closing):
    """Renders reports with the help of other processes, as a context manager.

    They are started at once, so that they are ready when there is something to render. Without
    them, or if one of them ends before its time, this process renders everything.

    Parameters
    ----------
    images
        That the report will have.
    form
        Of its pages.
    """

    def __init__(self, images: int, form: render.RenderOptions) -> None:
        self._form = form
        self._helpers: list[subprocess.Popen[str]] = []
        pages = len(render.page_links(images, form.page_size))
        if images < FROM_IMAGES or not render.is_folder(images, form) or not sys.executable:
            return
        for _ in range(min(MOST, provenance.cores() - 1, pages - 1)):
            with suppress(OSError):
                self._helpers.append(_start())

    def close(self) -> None:
        """Stop the processes."""
        while self._helpers:
            process = self._helpers.pop()
            process.kill()
            process.communicate()

    def render(self, report: Report, store: Path, folder: Path, digests: dict[str, str]) -> None:
        """Render as `reportgen.render.render` does.

        Parameters
        ----------
        report
            What to render.
        store
            The finished ``run.sqlite`` that it was read from.
        folder
            Where to write; has to exist.
        digests
            Is given what `reportgen.render.render` gives.

        Raises
        ------
        TemplateError
            If a template is missing or fails.
        """
        shares = self._shares(len(report.images))
        for helper, numbers in zip(self._helpers, shares, strict=False):
            _ask(helper, store, folder, self._form, numbers)
        taken = {number for numbers in shares for number in numbers}
        render.render(report, folder, self._form, digests, taken)
        for helper, numbers in zip(self._helpers, shares, strict=False):
            made = _answer(helper)
            if made is None:
                helper.kill()  # nobody else writes these files from here on
                helper.wait()
                made = {}  # also what is there already, as it may have been cut short meanwhile
                render.render_pages(report, folder, self._form, numbers, made)
            digests.update(made)

    def _shares(self, images: int) -> list[Sequence[int]]:
        """Return the numbers of the pages that each process makes."""
        if not render.is_folder(images, self._form):  # as some of the images have failed
            return []
        pages, helpers = len(render.page_links(images, self._form.page_size)), len(self._helpers)
        # The index and the tables are this process's, which takes a third of the pages' time.
        each = int(pages * 1.3 / (1.2 + helpers))
        ends = [pages - each * number for number in range(helpers + 1)]
        return [range(end - each + 1, end + 1) for end in ends[:helpers]]


def _start() -> subprocess.Popen[str]:
    path = json.dumps([os.path.abspath(entry) for entry in sys.path])  # noqa: PTH100 - not resolved
    return subprocess.Popen(  # noqa: S603 - our own text
        [sys.executable, "-c", _START, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # what fails there fails here again, and is told then
        encoding="ascii",
        start_new_session=True,  # Ctrl-C is for the one who started it
    )


def _ask(
    helper: subprocess.Popen[str],
    store: Path,
    folder: Path,
    form: render.RenderOptions,
    numbers: Sequence[int],
) -> None:
    request = {
        "store": os.fspath(store.absolute()),
        "folder": os.fspath(folder.absolute()),
        "templates": None if form.template_dir is None else os.fspath(form.template_dir.absolute()),
        "page_size": form.page_size,
        "pages": list(numbers),
    }
    if helper.stdin is not None:
        with suppress(BrokenPipeError):  # it has ended, which shows when its answer is asked for
            print(json.dumps(request), file=helper.stdin, flush=True)


def _answer(helper: subprocess.Popen[str]) -> dict[str, str] | None:
    """Wait for what `serve` says: the digests, or None where the process ended before its time.

    Raises `TemplateError` where it met with one.
    """
    digests: dict[str, str] = {}
    for line in helper.stdout or ():
        if not line.endswith("\n"):
            break
        kind, *words = json.loads(line)
        if kind == "error":
            raise TemplateError(words[0])
        if kind == "done":
            return digests
        digests[words[0]] = words[1]
    return None


def serve() -> None:
    """Render, in a process of its own, the pages that one line of standard input asks for.

    Lines of standard output say what came of it. The process ends with the one that asked.
    """
    request = json.loads(sys.stdin.readline())
    Thread(target=_end_with_input, daemon=True).start()
    form = render.RenderOptions(
        template_dir=None if request["templates"] is None else Path(request["templates"]),
        form="folder",
        page_size=request["page_size"],
    )
    digests: dict[str, str] = {}
    try:
        with RunReader(Path(request["store"])) as run:
            activate(run.report.run.language)
            pages = frozenset(request["pages"])
            render.render_pages(run.whole, Path(request["folder"]), form, pages, digests)
    except TemplateError as error:
        _say("error", str(error))
    else:
        for name, digest in digests.items():
            _say("file", name, digest)
        _say("done")
    sys.stdout.flush()


def _say(*words: str) -> None:
    sys.stdout.write(json.dumps(words) + "\n")


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(1)
