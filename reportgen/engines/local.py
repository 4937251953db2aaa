"""The engine of this machine: one pass of pictures on every core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.engine import compute

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from types import TracebackType
    from typing import Self

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

    def compute(self, images: Sequence[ImageFile], plan: Plan) -> Generator[Made]:
        """Yield what was made of every picture, in order."""
        return compute(images, plan, self._observer)
