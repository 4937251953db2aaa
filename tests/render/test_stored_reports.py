"""Every report that the page is tested with comes back from its store as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sample import full_report, hostile_report, measured_report, report, untrained

from reportgen.store import RUN_STORE, read_run, write_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reportgen.values import Report


@pytest.mark.parametrize(
    "make",
    [report, full_report, measured_report, hostile_report, lambda: untrained(report())],
    ids=["sample", "full", "measured", "hostile", "untrained"],
)
def test_round_trip(make: Callable[[], Report], tmp_path: Path) -> None:
    written = make()
    write_run(written, tmp_path / RUN_STORE)
    found = read_run(tmp_path)
    # By text, as NaN does not equal itself; the bytes of pictures are not in it.
    assert repr(found) == repr(written)
    pictures = [image.photo.data for image in found.images]
    assert pictures == [image.photo.data for image in written.images]
    assert found.run.palettes == written.run.palettes
