"""The store of a run: ``run.sqlite``, everything that a report is rendered from.

`RunWriter` takes records one by one as they are made; `RunReader` gives them back one by one, and
`read_run` all together. `Cache` keeps records from run to run. The layout is in docs/store.md.
"""

from __future__ import annotations

from reportgen.store.cache import Cache, Found, cache_folder, is_damage, remove_cache
from reportgen.store.codec import Encoded
from reportgen.store.layout import LAYOUT_VERSION, RUN_STORE, find_store
from reportgen.store.reader import ImageEntry, RunReader, read_run
from reportgen.store.rewrite import rewrite_run
from reportgen.store.writer import RunWriter, write_run

__all__ = [
    "LAYOUT_VERSION",
    "RUN_STORE",
    "Cache",
    "Encoded",
    "Found",
    "ImageEntry",
    "RunReader",
    "RunWriter",
    "cache_folder",
    "find_store",
    "is_damage",
    "read_run",
    "remove_cache",
    "rewrite_run",
    "write_run",
]
