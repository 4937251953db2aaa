"""Lighthouse gives every page the full score for accessibility and for best practices."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TOOL: dict[str, Any] = runpy.run_path(
    str(Path(__file__).parents[2] / "benchmarks/lighthouse.py"), run_name="lighthouse"
)


@pytest.mark.parametrize("form", ["desktop", "mobile"])
@pytest.mark.parametrize("name", ["full", "index", "comparison"])
@pytest.mark.usefixtures("web_tools", "browser")
def test_full_scores(name: str, form: str, pages: dict[str, Path]) -> None:
    page = pages[name]
    with TOOL["served"](page.parent) as address:
        found = TOOL["audit"](f"{address}/{page.name}", form)
    assert TOOL["shortcomings"](found, "accessibility") == []
    assert TOOL["shortcomings"](found, "best-practices") == []
    assert found["categories"]["accessibility"]["score"] == 1
    assert found["categories"]["best-practices"]["score"] == 1
