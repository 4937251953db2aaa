"""Kill runs at moments drawn by chance, and let the next run finish what they began.

A program of its own, which imports torch once and forks for every run. It prints one line of JSON
for the old report, one for a run that nothing disturbs, and one for each run that was killed.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import select
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torchvision
from PIL import Image

from reportgen import computing, pipeline, render
from reportgen.errors import OutputFolderError
from reportgen.folder import differences
from reportgen.options import BuildOptions, ModelOptions, PreprocessOptions
from reportgen.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable

    from reportgen.progress import Outcome

LOADED = (torchvision, computing)
"""What a run would import, before anything is forked."""

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
STEPS = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.chmod", "os.chown")

NETWORK = '''
import torch
from torch import nn

class Picky(nn.Module):
    """Fails on a picture that is white, and says NaN of one that is black."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.inner = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5),
        )

    def forward(self, x):
        flat = x.flatten(1)
        if (flat.min(dim=1).values > 0.99).any():
            raise IndexError("white")
        black = torch.where(flat.max(dim=1).values == 0, float("nan"), 0.0)
        return self.inner(x) + black[:, None]
'''


def prepare(root: Path, pictures: int) -> None:
    """Write the network and the pictures: some that fail in each way, and two of the same bytes."""
    (root / "net.py").write_text(NETWORK, encoding="utf-8")
    folder = root / "in"
    folder.mkdir()
    for number in range(pictures):
        pixels = np.random.default_rng(number).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        if number % 37 == 5:
            pixels[:] = 254 + number % 2
        elif number % 41 == 7:
            pixels[:] = 0
        Image.fromarray(pixels).save(folder / f"{number:03}.png")
    (folder / "020.png").write_text("no picture")
    shutil.copy(folder / "011.png", folder / "150.png")


def build(root: Path, alpha: float, stop: Callable[[], bool] = lambda: False) -> Outcome:
    options = BuildOptions(
        images=root / "in",
        output=root / "work" / "out",
        network=ModelOptions(model=f"{root / 'net.py'}:Picky", device="cpu"),
        preprocess=PreprocessOptions(
            preset="auto", input_size="32", resize_mode="squash", mean="0,0,0", std="1,1,1"
        ),
        layers=("inner.0",),
        alpha=alpha,
        folder=True,
        page_size=50,
        batch_size=8,
    )
    return pipeline.build(options, Silent(), stop)


def forked(work: Callable[[], object]) -> int:
    process = os.fork()
    if process:
        return process
    try:
        work()
    except BaseException:  # noqa: BLE001 - it is a process of its own
        traceback.print_exc()
        os._exit(3)
    os._exit(0)


def ended(process: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def counting(most: float, tell: Path | None = None) -> Callable[[], None]:
    """Kill this process before it changes a thing on the disk for the ``most + 1``-th time.

    Returns
    -------
    A function that writes how often it did into ``tell``.
    """
    done = [0]

    def count(event: str, arguments: tuple[object, ...]) -> None:
        if event in STEPS or (event == "open" and int(str(arguments[2])) & WRITES):
            done[0] += 1
            if done[0] > most:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    return lambda: None if tell is None else (tell.write_text(str(done[0])), None)[1]


def content(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def verified(folder: Path) -> list[str]:
    try:
        return list(differences(folder))
    except OutputFolderError as error:
        return [str(error)]


def begin(root: Path) -> None:
    """Put the old report back, and empty the cache."""
    shutil.rmtree(root / "work", ignore_errors=True)
    (root / "work").mkdir()
    if (root / "old").exists():
        shutil.copytree(root / "old", root / "work" / "out")


def undisturbed(root: Path) -> tuple[float, int]:
    """Run once, and return how long it took and how often it changed something on the disk."""

    def run() -> None:
        tell = counting(float("inf"), root / "steps")
        build(root, 0.5)
        tell()

    started = time.perf_counter()
    code = ended(forked(run))
    seconds = time.perf_counter() - started
    told = {"code": code, "content": content(root / "work" / "out")}
    sys.stdout.write(json.dumps(told) + "\n")
    return seconds, int((root / "steps").read_text())


def killed(root: Path, seconds: float | None, steps: float) -> dict[str, object]:
    """Kill a run after so many seconds, or so many steps; return what it left, and mend it."""

    def run() -> None:
        counting(steps)
        build(root, 0.5)

    process = forked(run)
    if seconds is not None:
        handle = os.pidfd_open(process)
        if not select.select([handle], [], [], seconds)[0]:
            os.kill(process, signal.SIGKILL)
        os.close(handle)
    out = root / "work" / "out"
    found: dict[str, object] = {"code": ended(process), "seconds": seconds, "steps": steps}
    found |= {"content": content(out), "verified": verified(out)}
    found["again"] = ended(forked(lambda: build(root, 0.5)))
    found["mended"] = content(out)
    found["beside"] = sorted(path.name for path in (root / "work").iterdir())
    return found


def main(root: Path, pictures: int, kills: int, seed: int) -> None:
    os.environ["REPORTGEN_CACHE"] = str(root / "work" / "cache")
    render.check_templates(None)  # compiles them, which every run would do again
    prepare(root, pictures)
    begin(root)
    code = ended(forked(lambda: build(root, 0.7)))
    (root / "work" / "out").rename(root / "old")
    told = {"code": code, "content": content(root / "old")}
    sys.stdout.write(json.dumps(told) + "\n")
    begin(root)
    duration, steps = undisturbed(root)
    sys.stderr.write(f"{duration:.2f} s, {steps} steps\n")
    chance = random.Random(seed)  # noqa: S311 - to be drawn again
    for number in range(kills):
        begin(root)
        share = chance.random()
        if number % 2:  # most steps are the old report being cleared away, at the end
            state = killed(root, None, int(share**3 * steps))
        else:
            state = killed(root, share * duration, float("inf"))
        sys.stdout.write(json.dumps(state) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(int(word) for word in sys.argv[2:5]))
