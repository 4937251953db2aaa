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
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from reportgen import provenance, render
from reportgen.closing import Closing
from reportgen.errors import TemplateError
from reportgen.language import activate
from reportgen.store import RunReader

if TYPE_CHECKING:
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
        if not self._helpers or not render.is_folder(len(report.images), self._form):
            render.render(report, folder, self._form, digests)
            return
        with TemporaryDirectory(dir=folder) as shared:
            claims = Path(shared)
            for helper in self._helpers:
                _ask(helper, store, folder, self._form, claims)
            here = Claims(claims)
            render.render(report, folder, self._form, digests, here)
            pages = render.page_links(len(report.images), self._form.page_size)
            missing = {page.number for page in pages} - here.taken
            for helper in self._helpers:
                answer = _answer(helper)
                if answer is None:
                    helper.kill()  # nobody else writes these files from here on
                    helper.wait()
                else:
                    digests.update(answer.digests)
                    missing -= answer.pages
        if missing:
            made: dict[str, str] = {}  # also what is there, as it may have been cut short meanwhile
            render.render_pages(report, folder, self._form, missing.__contains__, made)
            digests.update(made)


class Claims:
    """Shares pages out among processes: each goes to the first one that asks for it.

    So none of them waits for another, however fast they are.

    Parameters
    ----------
    folder
        An empty one, the same for all.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.taken: set[int] = set()
        """Pages that went to this process."""

    def __call__(self, number: int) -> bool:
        """Ask for a page, and return whether it is this process's."""
        try:
            (self._folder / str(number)).touch(exist_ok=False)
        except FileExistsError:
            return False
        self.taken.add(number)
        return True


class _Answer(NamedTuple):
    """What a process made."""

    digests: dict[str, str]
    pages: set[int]


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
    claims: Path,
) -> None:
    request = {
        "store": os.fspath(store.absolute()),
        "folder": os.fspath(folder.absolute()),
        "templates": None if form.template_dir is None else os.fspath(form.template_dir.absolute()),
        "page_size": form.page_size,
        "claims": os.fspath(claims.absolute()),
    }
    if helper.stdin is not None:
        with suppress(BrokenPipeError):  # it has ended, which shows when its answer is asked for
            print(json.dumps(request), file=helper.stdin, flush=True)


def _answer(helper: subprocess.Popen[str]) -> _Answer | None:
    """Wait for what `serve` says, or None where the process ended before its time.

    Raises `TemplateError` where it met with one.
    """
    answer = _Answer({}, set())
    for line in helper.stdout or ():
        if not line.endswith("\n"):
            break
        kind, *words = json.loads(line)
        if kind == "error":
            raise TemplateError(words[0])
        if kind == "done":
            return answer
        if kind == "page":
            answer.pages.add(words[0])
        else:
            answer.digests[words[0]] = words[1]
    return None


def serve() -> None:
    """Render, in a process of its own, pages of the report that standard input names in one line.

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
    claims = Claims(Path(request["claims"]))
    try:
        with RunReader(Path(request["store"])) as run:
            activate(run.report.run.language)
            render.render_pages(run.whole, Path(request["folder"]), form, claims, digests)
    except TemplateError as error:
        _say("error", str(error))
    else:
        for name, digest in digests.items():
            _say("file", name, digest)
        for number in claims.taken:
            _say("page", number)
        _say("done")
    sys.stdout.flush()


def _say(*words: str | int) -> None:
    sys.stdout.write(json.dumps(words) + "\n")


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(1)
