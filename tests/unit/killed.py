"""Put a report in place again and again, killed one step later every time.

A program of its own: it forks, and the process that is forked must have no threads. It takes a plan
as JSON, and for each time prints what was left, and what a run after that made of it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path

from reportgen import folder as folders
from reportgen.folder import MANIFEST, OutputFolder, differences

STEPS = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.chmod", "os.chown")
"""Audit events of what changes something on the disk, each told before it is done; and ``open``."""
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def write(path: Path, files: dict[str, str]) -> None:
    output = OutputFolder(path, force=True)
    with output.staging() as staging:
        for name, text in files.items():
            (staging / name).parent.mkdir(parents=True, exist_ok=True)
            (staging / name).write_text(text, encoding="utf-8")
        output.commit(staging)


def die_after(steps: int) -> None:
    """Kill this process before it takes one more step than ``steps``."""
    left = [steps]

    def count(event: str, arguments: tuple[object, ...]) -> None:
        if event in STEPS or (event == "open" and int(str(arguments[2])) & WRITES):
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def content(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }


def killed(root: Path, plan: dict[str, dict[str, str]], steps: int) -> dict[str, object]:
    out = root / "out"
    out.mkdir(parents=True)
    for name, text in plan["mine"].items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text, encoding="utf-8")
    if plan["before"]:
        write(out, plan["before"])
    process = os.fork()
    if process == 0:
        die_after(steps)
        write(out, plan["after"])
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    found: dict[str, object] = {"code": code, "left": content(out)}
    found["verified"] = list(differences(out)) if (out / MANIFEST).exists() else []
    write(out, plan["after"])
    found["mended"] = content(out)
    found["beside"] = sorted(path.name for path in root.iterdir())
    return found


def main(root: Path) -> None:
    plan = json.load(sys.stdin)
    if not plan.pop("swaps"):
        vars(folders)["exchange"] = lambda _first, _second: False
    steps, code = 0, -1
    while code != 0:
        state = killed(root / "work", plan, steps)
        sys.stdout.write(json.dumps(state) + "\n")
        shutil.rmtree(root / "work")
        code = int(str(state["code"]))
        steps += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]))
