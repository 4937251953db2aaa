"""The engine of many machines: Ray Data, with a pool of processes that hold the network.

Pictures are a dataset of rows that say where they lie. Blocks of whole batches go to the workers,
which read, compute and encode, and results come back as a stream in the order of the pictures. What
is under way is bounded on both sides, whatever the number of pictures: by the blocks that a worker
may have waiting, and by the bytes of finished results that nobody has taken yet.
"""

from __future__ import annotations

import importlib.util
import logging
import math
import pickle
from typing import TYPE_CHECKING

from reportgen.errors import OptionError
from reportgen.identity import Input, read_inputs
from reportgen.language import current
from reportgen.streaming import chunks
from reportgen.values import FailureRecord

if importlib.util.find_spec("ray") is None or importlib.util.find_spec("pyarrow") is None:
    raise OptionError(
        "--engine ray: Ray is not installed. `pip install 'reportgen[ray]'`, or leave --engine "
        "out to compute on this machine alone.",
    )

from reportgen.engines import Engine, cluster

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from typing import Self

    import pyarrow as pa

    from reportgen.options import BuildOptions
    from reportgen.plan import Plan
    from reportgen.progress import Observer
    from reportgen.values import ImageFile, Made

MOST_BLOCKS = 4096
"""Of a run: more pictures make larger blocks, so that Ray's own work does not grow with them."""

AHEAD = 2
"""Blocks that a worker has at once: the one it works on, and the next."""

LOOK = 64
"""Pictures of a block that are only hashed."""

RESULTS_BYTES = 256 * 2**20
"""Most bytes of results that wait to be taken, about 3,000 pictures."""


class OnRay(Engine):
    """Starts or joins Ray when the first picture is to be computed, and leaves it at the end."""

    def __init__(self, options: BuildOptions, observer: Observer) -> None:
        super().__init__(options, observer)
        self._started = False

    def __enter__(self) -> Self:
        if self._options.address is not None:
            cluster.check_address(self._options.address)  # before the network is loaded
        return self

    def close(self) -> None:
        """Leave the cluster, and end what was started here."""
        if self._started:
            cluster.stop()

    def look(self, images: Sequence[ImageFile], max_pixels: int) -> tuple[Input, ...]:
        """Return every picture with the hash of its bytes.

        A folder is read here, where it is. What lies on another machine is read by the workers: all
        of a large bucket through one process would take longer than to compute it.
        """
        if not self._options.url:
            return read_inputs(images, max_pixels)
        from reportgen.engines.worker import Reader  # noqa: PLC0415 - pyarrow

        places = self._place(math.ceil(len(images) / LOOK), threads=1, gpu=False)
        arguments = (max_pixels, current())
        tables = stream(chunks(images, LOOK), places, Reader, arguments)
        found = (row for table in tables for row in table.to_pylist())
        return tuple(_input(image, **row) for image, row in zip(images, found, strict=True))

    def compute(self, images: Sequence[ImageFile], plan: Plan) -> Generator[Made]:
        """Yield what was made of every picture, in order, and each once.

        Raises
        ------
        UsageError
            If there is no such cluster, no room in it for the workers, or no reportgen on it.
        Exception
            What a worker met that is not the fault of one picture.
        """
        import ray  # noqa: PLC0415 - it is there, but only a run with something new needs it

        from reportgen.engines.shipping import pack  # noqa: PLC0415 - the same
        from reportgen.engines.worker import Worker  # noqa: PLC0415 - the same

        size = block_size(len(images), plan.options.batch_size)
        places = self._place(
            math.ceil(len(images) / size),
            threads=plan.pace.threads,
            gpu=plan.device.type == "cuda",
        )
        shipped = ray.put(pack(plan))  # held here: a worker that is started again asks for it
        workers = _Workers(self._observer, places.workers)
        for table in stream(chunks(images, size), places, Worker, (shipped, current())):
            for row in table.to_pylist():
                if row["error"] is not None:
                    raise pickle.loads(row["error"])  # noqa: S301 - from a worker of ours
                workers.heard_of(row["worker"], row["process"], row["told"])
                yield pickle.loads(row["made"])  # noqa: S301 - the same

    def _place(self, blocks: int, *, threads: int, gpu: bool) -> cluster.Places:
        """Start or join Ray, once, and find room for the workers."""
        if not self._started:
            if self._options.address is None:
                cluster.start(self._observer)
            else:
                cluster.join(self._options.address, self._observer)
            self._started = True
            cluster.check_software(cluster.nodes())
        known = cluster.nodes()
        places = cluster.place(
            known, wanted=self._options.workers, blocks=blocks, threads=threads, gpu=gpu
        )
        self._observer.detail(
            f"{places.workers} Ray workers of {threads} torch threads each, {len(known)} nodes"
        )
        return places


def _input(image: ImageFile, sha256: str, reason: str | None) -> Input:
    return Input(image, sha256, None if reason is None else FailureRecord(image.name, reason))


def block_size(images: int, batch_size: int) -> int:
    """Return how many pictures a block has: whole batches, and at most `MOST_BLOCKS` blocks."""
    return batch_size * math.ceil(math.ceil(images / batch_size) / MOST_BLOCKS)


def stream(
    blocks: Iterable[Sequence[ImageFile]],
    places: cluster.Places,
    worker: type,
    arguments: tuple[object, ...],
) -> Iterator[pa.Table]:
    """Send blocks of pictures through a pool of workers, and yield their tables in order.

    Parameters
    ----------
    blocks
        Of pictures; a worker gets one at a time.
    places
        How many workers, and what each reserves.
    worker
        Called with ``arguments`` once in each process, and then with a table of
        `reportgen.engines.worker.ROW` for each block; yields tables.
    arguments
        The worker's.
    """
    import ray.data  # noqa: PLC0415 - the slowest part of Ray to import

    from reportgen.engines.worker import rows  # noqa: PLC0415 - the same

    _be_quiet()
    dataset = ray.data.from_arrow([rows(block) for block in blocks]).map_batches(
        worker,
        fn_constructor_args=arguments,
        batch_size=None,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(
            size=places.workers, max_tasks_in_flight_per_actor=AHEAD
        ),
        num_cpus=places.cpus,
        num_gpus=places.gpus,
    )
    yield from dataset.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=1)


def _be_quiet() -> None:
    """Set how Ray Data runs: in order, within bounds, and without a word of its own."""
    from ray.data import DataContext, ExecutionResources  # noqa: PLC0415 - see above

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_options.preserve_order = True
    context.execution_options.resource_limits = ExecutionResources.for_limits(
        object_store_memory=RESULTS_BYTES
    )
    for name in ("ray.data", "ray"):
        logging.getLogger(name).setLevel(logging.ERROR)


class _Workers:
    """What is known of the workers by what they send."""

    def __init__(self, observer: Observer, count: int) -> None:
        self._observer = observer
        self._processes: dict[str, int] = {}
        observer.workers(count)

    def heard_of(self, worker: str, process: int, told: list[str]) -> None:
        """Take note of who made a picture, and pass on what there is to tell."""
        before = self._processes.get(worker, process)
        self._processes[worker] = process
        if before != process:
            self._observer.stage("A worker ended and was started again; nothing is lost by that")
        for text in told:
            self._observer.stage(text)
