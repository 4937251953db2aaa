"""The engine of this machine: one pass of pictures on every core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.identity import read_inputs

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from types import TracebackType
    from typing import Self

    from reportgen.identity import Input
    from reportgen.options import BuildOptions
    from reportgen.plan import Plan
    from reportgen.progress import Observer
    from reportgen.values import ImageFile, Made


class Local:
    """Threads of this process; see `reportgen.engine`."""

    def __init__(self, _options: BuildOptions, observer: Observer) -> None:
        self._observer = observer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def look(self, images: Sequence[ImageFile], max_pixels: int) -> tuple[Input, ...]:
        """Read every picture here, and return it with its hash."""
        return read_inputs(images, max_pixels)

    def compute(self, images: Sequence[ImageFile], plan: Plan) -> Generator[Made]:
        """Yield what was made of every picture, in order."""
        from reportgen.engine import compute  # noqa: PLC0415 - torch, which a look need not cost

        return compute(images, plan, self._observer)
