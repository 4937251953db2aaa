"""Lighthouse's scores of a page from disk: ``python benchmarks/lighthouse.py PAGE``.

Lighthouse refuses ``file:`` addresses, so the page's folder is served on the loopback interface.
Needs Chromium, and the tools of ``tests/web`` (``make test`` installs them).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

LIGHTHOUSE = (
    Path(__file__).resolve().parent.parent / "tests/web/node_modules/lighthouse/cli/index.js"
)
CATEGORIES = ("performance", "accessibility", "best-practices")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing of it."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve ``folder`` on the loopback interface for a while, and give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=os.fspath(folder)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def scores(url: str, form: str = "desktop") -> dict[str, float]:
    """Return Lighthouse's score of ``url`` in each of `CATEGORIES`, 0…100.

    ``form`` is ``desktop``, or ``mobile`` for a slow phone on a slow network. Raises what `audit`
    does.
    """
    found = audit(url, form)["categories"]
    return {name: 100 * found[name]["score"] for name in CATEGORIES}


def audit(url: str, form: str = "desktop") -> dict[str, Any]:
    """Return all that Lighthouse finds out about ``url``, as its JSON report has it.

    Raises `FileNotFoundError` where Chromium or Lighthouse is not there, and
    `subprocess.CalledProcessError` where Lighthouse fails.
    """
    chromium = os.environ.get("REPORTGEN_CHROMIUM") or next(
        filter(None, map(shutil.which, CHROMIUM_NAMES)), None
    )
    node = shutil.which("node")
    if chromium is None or node is None or not LIGHTHOUSE.is_file():
        raise FileNotFoundError(
            f"expected Chromium, node and {LIGHTHOUSE}, found {chromium}, {node} and "
            f"{'it' if LIGHTHOUSE.is_file() else 'no such file'}. Install the first two; "
            "`make test` installs the third."
        )
    options = [
        "--quiet",
        "--output=json",
        f"--only-categories={','.join(CATEGORIES)}",
        f"--chrome-flags={' '.join(CHROMIUM_FLAGS)}",
        *(["--preset=desktop"] if form == "desktop" else []),
    ]
    done = subprocess.run(
        [node, os.fspath(LIGHTHOUSE), url, *options],
        env={**os.environ, "CHROME_PATH": chromium},
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def shortcomings(found: dict[str, Any], category: str) -> list[str]:
    """Return what keeps a score below 100: every audit that counts and is not passed in full."""
    audits = [found["audits"][item["id"]] for item in _counting(found, category)]
    return [
        f"{item['id']}: {item['title']} {json.dumps(item.get('details', {}).get('items', []))}"
        for item in audits
        if item["score"] is not None and item["score"] < 1
    ]


def _counting(found: dict[str, Any], category: str) -> Iterator[dict[str, Any]]:
    return (item for item in found["categories"][category]["auditRefs"] if item["weight"])


def main() -> None:
    """Print the scores of a page."""
    import tables  # noqa: PLC0415 - beside this file: not there for who imports it from elsewhere

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    tables.add_update_option(parser)
    arguments = parser.parse_args()
    page = arguments.page.resolve()
    with tables.published("lighthouse", arguments.update), served(page.parent) as address:
        found = {form: scores(f"{address}/{page.name}", form) for form in ("desktop", "mobile")}
        rows = [[form, *(f"{score:.0f}" for score in of.values())] for form, of in found.items()]
        print(tables.table(["Lighthouse", *CATEGORIES], rows))


if __name__ == "__main__":
    main()
