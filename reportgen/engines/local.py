"""The engine of this machine: one pass of pictures on every core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.engines import Engine
from reportgen.identity import read_inputs

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from reportgen.identity import Input
    from reportgen.plan import Plan
    from reportgen.values import ImageFile, Made


class Local(Engine):
    """Threads of this process; see `reportgen.engine`."""

    def close(self) -> None:
        """Nothing was started that lasts beyond `compute`."""

    def look(self, images: Sequence[ImageFile], max_pixels: int) -> tuple[Input, ...]:
        """Read every picture here, and return it with its hash."""
        return read_inputs(images, max_pixels)

    def compute(self, images: Sequence[ImageFile], plan: Plan) -> Generator[Made]:
        """Yield what was made of every picture, in order."""
        from reportgen.engine import compute  # noqa: PLC0415 - torch, which a look need not cost

        return compute(images, plan, self._observer)
