"""Fixtures: reports made by hand, and one Chromium for the whole session."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from sample import full_report, hostile_report, measured_report, report, untrained

from reportgen.render import render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from reportgen.values import Report

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
def sample() -> Report:
    return report()


@pytest.fixture
def sample_untrained() -> Report:
    return untrained(report())


@pytest.fixture
def full() -> Report:
    return full_report()


@pytest.fixture
def measured() -> Report:
    return measured_report()


@pytest.fixture
def hostile() -> Report:
    return hostile_report()


@pytest.fixture(scope="session")
def sample_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    render(report(), folder)
    return folder / "index.html"


@pytest.fixture(scope="session")
def full_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("full")
    render(full_report(), folder)
    return folder / "index.html"


@pytest.fixture(scope="session")
def measured_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measured")
    render(measured_report(), folder)
    return folder / "index.html"


@pytest.fixture(scope="session")
def hostile_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    render(hostile_report(), folder)
    return folder / "index.html"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = os.environ.get("REPORTGEN_CHROMIUM") or next(
        filter(None, map(shutil.which, CHROMIUM_NAMES)), None
    )
    if found is None:
        message = (
            f"no Chromium: none of {', '.join(CHROMIUM_NAMES)} on PATH; see REPORTGEN_CHROMIUM"
        )
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=list(CHROMIUM_FLAGS))
        yield started
        started.close()
