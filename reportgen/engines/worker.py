"""What runs in a process of a cluster: pictures in, their records out, with one network."""

from __future__ import annotations

import os
import pickle
import traceback
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import ray

from reportgen.identity import read_inputs
from reportgen.language import activate
from reportgen.progress import Silent
from reportgen.values import ImageFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reportgen.engine import Maker
    from reportgen.values import Made

ROW = pa.schema(
    [
        ("path", pa.binary()),  # it need not be text
        ("url", pa.string()),
        ("name", pa.string()),
        ("refused", pa.string()),
    ]
)
"""A picture on its way to a worker."""

RESULT = pa.schema(
    [
        ("made", pa.binary()),
        ("told", pa.list_(pa.string())),
        ("worker", pa.string()),
        ("process", pa.int64()),
        ("error", pa.binary()),
    ]
)
"""What came of one: `reportgen.values.Made`, pickled, and what there is to tell. Of a row with an
error, which is the last of its block, the rest is empty."""


HASHES = pa.schema([("sha256", pa.string()), ("reason", pa.string())])
"""What a look at one gave."""


def rows(images: Sequence[ImageFile]) -> pa.Table:
    """Return pictures as a table of `ROW`."""
    return pa.table(
        {
            # The worker's current folder is another; links stay as they are.
            "path": [os.fsencode(os.path.abspath(image.path)) for image in images],  # noqa: PTH100
            "url": [image.url for image in images],
            "name": [image.name for image in images],
            "refused": [image.refused for image in images],
        },
        schema=ROW,
    )


def images_of(table: pa.Table) -> list[ImageFile]:
    """Return the pictures that `rows` made ``table`` of."""
    return [
        ImageFile(Path(os.fsdecode(row["path"])), row["name"], row["refused"], row["url"])
        for row in table.to_pylist()
    ]


class Reader:
    """One process that hashes pictures, block after block.

    Parameters
    ----------
    max_pixels
        Most pixels that a picture may have.
    language
        Of what is said of pictures that cannot be read.
    """

    def __init__(self, max_pixels: int, language: str) -> None:
        activate(language)
        self._max_pixels = max_pixels

    def __call__(self, table: pa.Table) -> pa.Table:
        """Return a table with the hash of each picture, or why there is none."""
        found = read_inputs(images_of(table), self._max_pixels)
        return pa.table(
            {
                "sha256": [item.sha256 for item in found],
                "reason": [item.failure and item.failure.reason for item in found],
            },
            schema=HASHES,
        )


class _Telling(Silent):
    """Keeps what a worker has to tell until it can be sent."""

    def __init__(self) -> None:
        self._told: list[str] = []

    def stage(self, text: str) -> None:
        """Keep a text."""
        self._told.append(text)

    def take(self) -> list[str]:
        """Return what was kept, once."""
        told, self._told = self._told, []
        return told


class Worker:
    """One process of the pool: gets the plan once, and then block after block of pictures.

    Nothing is raised here: an error travels as a row, so that it reaches the user as the local
    engine's would, and Ray does not try again what fails by itself.

    Parameters
    ----------
    plan
        Reference to what `reportgen.engines.shipping.pack` made.
    language
        Of the records' texts.
    """

    def __init__(self, plan: ray.ObjectRef[bytes], language: str) -> None:
        self._observer = _Telling()
        try:
            self._make: Maker | Exception = self._maker(plan, language)
        except Exception as error:  # noqa: BLE001 - see above
            self._make = error

    def _maker(self, shipped: ray.ObjectRef[bytes], language: str) -> Maker:
        # Seconds, in a process that may have an error to report.
        from reportgen.engine import Maker  # noqa: PLC0415
        from reportgen.engines.shipping import unpack  # noqa: PLC0415

        activate(language)
        plan = unpack(ray.get(shipped))
        plan.loaded.module.to(plan.device)
        plan = replace(plan, pace=replace(plan.pace, networks=1, workers=1))
        return Maker(plan, self._observer).__enter__()  # for as long as the process lives

    def __call__(self, table: pa.Table) -> Iterator[pa.Table]:
        """Yield a table of `RESULT` for every pass of a block."""
        if isinstance(self._make, Exception):
            yield failure(self._make)
            return
        try:
            for made in self._make.each(images_of(table)):
                yield self._results(made)
        except Exception as error:  # noqa: BLE001 - see above
            yield failure(error)

    def _results(self, made: list[Made]) -> pa.Table:
        told = self._observer.take()
        context = ray.get_runtime_context()
        return pa.table(
            {
                "made": [pickle.dumps(item, pickle.HIGHEST_PROTOCOL) for item in made],
                "told": [told, *([] for _item in made[1:])],
                "worker": [context.get_actor_id()] * len(made),
                "process": [os.getpid()] * len(made),
                "error": [None] * len(made),
            },
            schema=RESULT,
        )


def failure(error: Exception) -> pa.Table:
    """Return an error as the row that ends a block."""
    error.add_note("".join(traceback.format_exception(error)))
    try:
        data = pickle.dumps(error)
        pickle.loads(data)  # noqa: S301 - made one line above
    except Exception:  # noqa: BLE001 - an exception of anybody's may hold anything
        data = pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
    empty: dict[str, list[Any]] = {name: [None] for name in RESULT.names}
    return pa.table({**empty, "error": [data]}, schema=RESULT)
