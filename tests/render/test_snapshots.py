"""The files as they are, but for pictures and the script's hash.

Regenerate after a change that is meant with ``pytest tests/render --snapshot-update``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from reportgen.render import render

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from reportgen.values import Report


class _TextFile(SingleFileSnapshotExtension):
    _write_mode = WriteMode.TEXT


class HtmlFile(_TextFile):
    file_extension = "html"


class JsonFile(_TextFile):
    file_extension = "json"


class CsvFile(_TextFile):
    file_extension = "csv"


def scrubbed(page: str) -> str:
    """Return the page without what changes with Pillow's encoder or with style and script."""
    page = re.sub(r"(data:image/\w+;base64,)[\w+/=]+", r"\1…", page)
    page = re.sub(r"'sha256-[\w+/=]+'", "'sha256-…'", page)
    return re.sub(r"(<(style|script)>).*?(</\2>)", r"\1…\3", page, flags=re.DOTALL)


@pytest.mark.parametrize("name", ["sample", "sample_untrained", "full", "measured", "hostile"])
def test_page(
    name: str, request: pytest.FixtureRequest, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    render(request.getfixturevalue(name), tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert scrubbed(page) == snapshot(extension_class=HtmlFile)


@pytest.mark.parametrize("name", ["sample", "full", "measured", "hostile"])
@pytest.mark.parametrize(
    ("filename", "extension"), [("report.json", JsonFile), ("predictions.csv", CsvFile)]
)
def test_data(  # noqa: PLR0913, PLR0917 - fixtures
    name: str,
    filename: str,
    extension: type[_TextFile],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    snapshot: SnapshotAssertion,
) -> None:
    report: Report = request.getfixturevalue(name)
    render(report, tmp_path)
    text = (tmp_path / filename).read_bytes().decode("utf-8")
    assert text == snapshot(extension_class=extension)


@pytest.mark.parametrize("name", ["measured", "hostile"])
def test_metrics(
    name: str, request: pytest.FixtureRequest, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    render(request.getfixturevalue(name), tmp_path)
    text = (tmp_path / "metrics.csv").read_bytes().decode("utf-8")
    assert text == snapshot(extension_class=CsvFile)
