"""Programs run by Node, before and after something was done to them."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def assert_the_same_is_said(runs: Sequence[Sequence[str]], folder: Path) -> None:
    """Run the programs of each row, and compare what the first says with what the others say.

    Each says something, by ``say``.
    """
    program = f"""
      const run = (text) => {{
        const said = [];
        new Function("say", text)((...values) => said.push(JSON.stringify(values)));
        return said.join("\\n");
      }};
      for (const [before, ...others] of {json.dumps(runs)}) {{
        for (const after of others) {{
          if (run(before) !== run(after) || !run(before)) console.log(before, after);
        }}
      }}"""
    (folder / "run.cjs").write_text(program, encoding="utf-8")
    found = subprocess.run(
        ["node", folder / "run.cjs"],  # noqa: S607 - of the reader
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout + found.stderr == ""
