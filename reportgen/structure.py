"""The network as torch prints it, line by line, with the explained layers marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.values import StructureLine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import nn


def structure(
    module: nn.Module, explained: Mapping[str, tuple[str, ...]]
) -> tuple[StructureLine, ...]:
    """Return the lines of ``print(module)``.

    Parameters
    ----------
    module
        The network.
    explained
        Layer name → titles of what is computed at it.

    Returns
    -------
    Every module on a line of its own: blocks that are alike, which torch draws together as
    ``(0-3): 4 x Block``, are all written out, so that each can be marked.
    """
    return tuple(_lines(module, name="", key="", depth=0, explained=explained))


def _lines(
    module: nn.Module, *, name: str, key: str, depth: int, explained: Mapping[str, tuple[str, ...]]
) -> Iterator[StructureLine]:
    label = f"({key}): " if key else ""
    title = str(module._get_name())  # type: ignore[no-untyped-call] # noqa: SLF001 - as torch prints it
    children = [(child, item) for child, item in module._modules.items() if item is not None]  # noqa: SLF001 - named_children() leaves out what is used twice
    extra = " ".join(module.extra_repr().split())
    marks = explained.get(name, ())
    if not children:
        yield StructureLine(depth, f"{label}{title}({extra})", name, marks)
        return
    yield StructureLine(depth, f"{label}{title}({extra}", name, marks)
    for child, item in children:
        inner = f"{name}.{child}" if name else child
        yield from _lines(item, name=inner, key=child, depth=depth + 1, explained=explained)
    yield StructureLine(depth, ")", "", ())
