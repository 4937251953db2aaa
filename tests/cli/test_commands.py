"""The other commands, the help, and the documentation of every option."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest
import typer.main

from cli.conftest import REPOSITORY
from reportgen import __version__, cli, options, overlay

if TYPE_CHECKING:
    from cli.conftest import Run

COMMANDS = typer.main.get_command(cli.app)


def every_option() -> list[tuple[str, str, str]]:
    """Return ``(command, option, help)`` of every option."""
    assert isinstance(COMMANDS, click.Group | typer.core.TyperGroup)
    return [
        (name, option, getattr(parameter, "help", None) or "")
        for name, command in COMMANDS.commands.items()
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("-")
    ]


def test_models(run: Run) -> None:
    ran = run("models", "alexnet")
    assert ran.code == 0
    assert re.search(r"alexnet\s+torchvision\s+224\s+61\.1 M", ran.out)
    everything = run("models").out.splitlines()
    assert everything[1].startswith("efficientnet_lite0")
    assert len(everything) > 80
    assert run("models", "no such thing").code == 2


def test_layers(run: Run) -> None:
    ran = run("layers", "--model", "alexnet", "--weights", "none")
    assert ran.code == 0
    rows = {}
    for line in ran.out.splitlines()[1:]:
        digits, _, rest = line.partition(" ")
        name = (rest if digits.isdecimal() or not digits else line).split()[0]
        rows[name] = line
        # A number as --layers takes it: here that of features.N.
        assert not digits.isdecimal() or name == f"features.{digits}"
    assert rows["features.10"].startswith("10 ")
    assert re.search(r"Sequential\s+256×6×6\s+grad-cam", rows["features"])
    for number in (0, 3, 6, 9, 12):
        assert "layer-cam" in rows[f"features.{number}"]
    assert "layer-cam" not in rows["features.10"]
    assert "does not lie over the picture" in rows["classifier.6"]


@pytest.mark.parametrize("argument", ["--version", "--help", "build --help", "lab --help"])
def test_help_and_version_import_nothing_heavy(argument: str) -> None:
    script = (
        "import sys; from reportgen import cli; "
        f"sys.argv = ['reportgen', *{argument.split()!r}]; code = cli.run(cli.app); "
        "heavy = {'torch', 'torchvision', 'timm', 'cv2', 'numpy', 'jinja2', 'PIL', 'ssl'}; "
        "sys.exit(code or ','.join(heavy & sys.modules.keys()) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=REPOSITORY
    )
    assert done.returncode == 0, done.stderr
    assert ("reportgen" if "help" in argument else __version__) in done.stdout


def test_no_arguments_show_the_help(run: Run) -> None:
    assert "Usage" in run().out + run().err


def test_every_option_has_a_help_text() -> None:
    without = [(command, option) for command, option, text in every_option() if not text]
    assert without == []


def test_the_documentation_lists_every_command_and_option() -> None:
    documentation = (REPOSITORY / "docs" / "cli.md").read_text(encoding="utf-8")
    assert isinstance(COMMANDS, click.Group | typer.core.TyperGroup)
    for name in COMMANDS.commands:
        assert f"## `reportgen {name}" in documentation
    missing = [
        option
        for _, option, _ in every_option()
        if not re.search(rf"`{re.escape(option)}[ `]", documentation)
    ]
    assert missing == []


def test_the_names_of_colormaps_are_kept_in_step() -> None:
    assert tuple(overlay.COLORMAPS) == options.COLORMAP_NAMES
