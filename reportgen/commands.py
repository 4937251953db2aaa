"""The commands as a group: built when they are asked for, and listed without loading rich."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import typer
from typer.core import TyperGroup
from typer.main import get_command_from_info, get_command_name

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping, Sequence

    from typer.core import TyperCommand
    from typer.models import CommandInfo

_MARKUP: Literal["rich"] = "rich"
"""Typer's default where rich is installed: how the help of a command is drawn."""


class OnDemand(Mapping[str, "TyperCommand"]):
    """Commands by name. Building one takes milliseconds per dozen options, so each waits."""

    def __init__(self, declared: Sequence[CommandInfo]) -> None:
        self._declared = {_name_of(info): info for info in declared}
        self._built: dict[str, TyperCommand] = {}

    def __getitem__(self, name: str) -> TyperCommand:
        if name not in self._built:
            made = get_command_from_info(
                self._declared[name], pretty_exceptions_short=True, rich_markup_mode=_MARKUP
            )
            self._built[name] = cast("TyperCommand", made)
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared)

    def __len__(self) -> int:
        return len(self._declared)

    def summaries(self) -> list[tuple[str, str]]:
        """Return name and first paragraph of every command, none of them built."""
        return [(name, _summary(info)) for name, info in self._declared.items()]


def _name_of(info: CommandInfo) -> str:
    return info.name or get_command_name(getattr(info.callback, "__name__", ""))


def _summary(info: CommandInfo) -> str:
    text = inspect.cleandoc(info.help or info.callback.__doc__ or "")
    return " ".join(text.partition("\n\n")[0].split())


class Commands(TyperGroup):
    """A group of commands that are declared on `declared` and built on demand.

    Its own help is written without rich, whose import alone takes longer than the rest of
    ``--help``. The help of a command, with its dozens of options, is rich's.
    """

    declared: ClassVar = typer.Typer()
    """Where a command is declared: ``@Commands.declared.command()``."""

    def __init__(self, **rest: Any) -> None:  # noqa: ANN401 - typer's own types
        super().__init__(**rest)
        self._on_demand = OnDemand(self.declared.registered_commands)
        self.commands = cast("MutableMapping[str, Any]", self._on_demand)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - the same
        """Read the options; without any word, show the help and leave with 2, as typer does."""
        if not args:
            typer.echo(ctx.get_help())
            raise typer.Exit(_USAGE)
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - not public in typer
        """Write usage, options and commands, each name in colour where the terminal has any."""
        formatter.width = max(formatter.width, min(_columns(), _WIDEST) - 2)
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        records = (parameter.get_help_record(ctx) for parameter in self.get_params(ctx))
        options = [record for record in records if record is not None]
        rows = {"Options": options, "Commands": self._on_demand.summaries()}
        width = max(len(name) for name, _text in (*options, *rows["Commands"]))
        for heading, found in rows.items():
            formatter.write_paragraph()
            formatter.write(f"{_styled(heading, bold=True)}\n")
            formatter.indent()
            padded = [(_styled(name.ljust(width), fg="cyan"), text) for name, text in found]
            formatter.write_dl(padded)
            formatter.dedent()


_USAGE = 2
"""Exit code where the command line is at fault."""

_WIDEST = 100
"""Columns beyond which lines are no longer easy to read."""


def _columns() -> int:
    return typer.get_terminal_size().columns


def _styled(text: str, **style: Any) -> str:  # noqa: ANN401 - of every kind
    """Colour ``text``; typer takes it out again where the output is no terminal."""
    return text if os.environ.get("NO_COLOR") else typer.style(text, **style)
