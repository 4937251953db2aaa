"""Runs that are killed: the old report stands until the new one is whole, and nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli import killing
from reportgen.errors import RunInterrupted

KILLING = Path(__file__).with_name("killing.py")
PICTURES = 200
KILLS = 10
"""For each of five seeds."""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="waits for processes as Linux can")
@pytest.mark.parametrize("seed", range(5))
def test_killed_at_moments_drawn_by_chance(tmp_path: Path, seed: int) -> None:
    words = [str(word) for word in (KILLING, tmp_path, PICTURES, KILLS, seed)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1700000000"}
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    old, new, *states = [json.loads(line) for line in done.stdout.splitlines()]
    assert old["code"] == new["code"] == 0
    assert old["content"] != new["content"]
    assert len(states) == KILLS
    assert sum(state["code"] == -signal.SIGKILL for state in states) >= KILLS // 2
    assert any(state["content"] == old["content"] for state in states)
    for state in states:
        assert state["code"] in {-signal.SIGKILL, 0}
        assert state["content"] in (old["content"], new["content"]), "one of the two, whole"
        assert state["verified"] == []
        assert state["again"] == 0
        assert state["mended"] == new["content"], "as if nothing had happened"
        assert state["beside"] == ["cache", "out"], "nothing is left of what was killed"


def test_what_failed_is_tried_again_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the batches after it would be other ones, and numbers differ in their last bits."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    killing.prepare(tmp_path, 60)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    monkeypatch.setenv("REPORTGEN_CACHE", str(whole))
    killing.begin(tmp_path)
    assert killing.build(tmp_path, 0.5).computed == 59
    before = killing.content(tmp_path / "work" / "out")
    killing.begin(tmp_path)
    monkeypatch.setenv("REPORTGEN_CACHE", str(cut))
    with pytest.raises(RunInterrupted):
        killing.build(tmp_path, 0.5, lambda: True)
    outcome = killing.build(tmp_path, 0.5)
    assert outcome.computed == 59 - 8 + 1, "the one that the network failed on too"
    assert killing.content(tmp_path / "work" / "out") == before
    again = killing.build(tmp_path, 0.5)
    assert again.computed == 2, "both that it failed on, each by itself"
    assert killing.content(tmp_path / "work" / "out") == before
