"""Where pictures are computed: on this machine, or by the workers of a cluster.

An engine only says where and how many at once. What is made of a picture, and which pictures go
through the network together, is the same for all of them (`reportgen.engine`), and so are the
records, to the last bit.

To add an engine: one module, and one line in `ENGINES`.
"""

from __future__ import annotations

from abc import abstractmethod
from importlib import import_module
from typing import TYPE_CHECKING, cast

from reportgen.closing import Closing
from reportgen.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from reportgen.identity import Input
    from reportgen.options import BuildOptions
    from reportgen.plan import Plan
    from reportgen.progress import Observer
    from reportgen.values import ImageFile, Made


class Engine(Closing):
    """Computes pictures, as a context manager that gives back whatever it started.

    Parameters
    ----------
    options
        The run's.
    observer
        Who is told how far it is.
    """

    def __init__(self, options: BuildOptions, observer: Observer) -> None:
        self._options = options
        self._observer = observer

    @abstractmethod
    def look(self, images: Sequence[ImageFile], max_pixels: int) -> tuple[Input, ...]:
        """Return every picture with the hash of its bytes, in order; see `read_inputs`."""

    @abstractmethod
    def compute(self, images: Sequence[ImageFile], plan: Plan) -> Generator[Made]:
        """Yield what was made of every picture, in order, and each once.

        Raises
        ------
        UsageError
            If the engine cannot do what the options ask for.
        """


ENGINES = {
    "local": "reportgen.engines.local:Local",
    "ray": "reportgen.engines.on_ray:OnRay",
}
"""What ``--engine`` takes, and where it is: each is imported only where it is asked for."""


def check(options: BuildOptions) -> None:
    """Refuse what can be refused before anything is started.

    Raises
    ------
    OptionError
        Naming the option.
    """
    if options.engine not in ENGINES:
        raise OptionError(
            f"--engine: expected one of {', '.join(ENGINES)}, found '{options.engine}'."
        )
    if options.engine == "local":
        for name, value in (("address", options.address), ("workers", options.workers)):
            if value is not None:
                raise OptionError(
                    f"--{name}: it is for --engine ray; the local engine uses the cores of this "
                    f"machine by itself. Leave --{name} out, or add --engine ray."
                )


def choose(options: BuildOptions, observer: Observer) -> Engine:
    """Return the engine that the options name, with nothing started yet."""
    module, _colon, name = ENGINES[options.engine].partition(":")
    made = cast("type[Engine]", getattr(import_module(module), name))
    return made(options, observer)
