"""What holds for every test: the cache of the user who runs them is not touched."""

from __future__ import annotations

import pytest

from reportgen import provenance


def pytest_xdist_auto_num_workers() -> int:
    """Let half as many processes more run tests as there are cores: some always wait for others."""
    cores = provenance.cores()
    return cores + cores // 2


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give the tests a cache of their own."""
    # Not undone: the commands that tests start take it from the environment too.
    pytest.MonkeyPatch().setenv("REPORTGEN_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(autouse=True)
def empty_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test find what another has computed."""
    monkeypatch.setenv("REPORTGEN_CACHE", str(tmp_path_factory.mktemp("cache")))
