"""What was computed before: in the cache, and in the report that stands where the new one goes."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from reportgen.closing import Closing
from reportgen.errors import CacheError, RunFileError
from reportgen.store import RUN_STORE, Cache, Found, RunReader, is_damage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reportgen.progress import Observer


class Known(Closing):
    """Records by the key of all that they were made from, as a context manager.

    Parameters
    ----------
    folder
        Of the cache; None to know nothing and keep nothing.
    report
        Folder of the report that is to be replaced, whether there is one or not; None where its
        records name files beside the pages, of which only the cache has the content.
    observer
        Is told where the cache cannot be used; the run goes on without it then.
    """

    def __init__(self, folder: Path | None, report: Path | None, observer: Observer) -> None:
        self._observer = observer
        self._stack = ExitStack()
        self._cache: Cache | None = None
        self._earlier: RunReader | None = None
        self._keys: frozenset[str] = frozenset()
        self._tried: frozenset[str] = frozenset()
        self._keeps = True
        self._damaged = False
        if folder is None:
            return
        try:
            self._cache = self._stack.enter_context(Cache(folder))
            self._keys, self._tried = self._cache.keys(), self._cache.tried()
        except CacheError as error:
            self._give_up(error)
        if report is not None and (report / RUN_STORE).is_file():
            try:
                self._earlier = self._stack.enter_context(RunReader(report))
                self._keys |= self._earlier.keys()
            except RunFileError:
                pass  # of another version, or damaged: it is made anew

    def close(self) -> None:
        """Close what is open, and delete a cache that is damaged."""
        if self._damaged and self._cache is not None:
            self._cache.begin_anew()
        self._stack.close()

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def was_tried(self, key: str) -> bool:
        """Say whether a run before this one tried a picture, and in vain."""
        return key in self._tried

    def find(self, key: str) -> Found:
        """Return what is known for ``key``, which has to be in here.

        Raises
        ------
        CacheError, RunFileError
            If it cannot be read any more: `forget` everything then, and begin again.
        """
        found = None if self._cache is None else self._cache.find(key)
        if found is None and self._earlier is not None:
            record = self._earlier.find(key)
            found = None if record is None else Found(record, {})
        if found is None:
            raise CacheError(
                "the cache was emptied while it was used, by another run or by `reportgen clean`",
            )
        return found

    def keep(self, batch: Sequence[tuple[str, Found]]) -> None:
        """Keep what came of a batch, all of it or nothing."""
        if self._cache is not None and self._keeps:
            try:
                self._cache.put(batch)
            except CacheError as error:
                self._give_up(error)

    def forget_report(self) -> None:
        """Close the report that was there, so that it can be replaced."""
        if self._earlier is not None:
            self._earlier.close()
            self._earlier = None

    def forget(self, error: Exception) -> None:
        """Know nothing from here on, and delete the cache: ``error`` says that it is damaged."""
        self._observer.stage(f"What was known cannot be used, and is computed again: {error}")
        self.forget_report()
        self._keys = self._tried = frozenset()
        if self._cache is not None:
            self._cache.begin_anew()
            self._cache = None

    def fact(self, name: str) -> str | None:
        """Return what was noted of this machine under ``name``, or None."""
        if self._cache is not None:
            try:
                return self._cache.fact(name)
            except CacheError as error:
                self._give_up(error)
        return None

    def note(self, name: str, value: str) -> None:
        """Note something about this machine for next time."""
        if self._cache is not None and self._keeps:
            try:
                self._cache.note(name, value)
            except CacheError as error:
                self._give_up(error)

    def trim(self, limit: int) -> None:
        """Keep the cache within ``limit`` bytes."""
        if self._cache is not None and self._keeps:
            try:
                gone = self._cache.trim(limit)
            except CacheError as error:
                self._give_up(error)
            else:
                if gone:
                    self._observer.detail(f"cache: {gone} records taken out, to stay in its limit")

    def _give_up(self, error: CacheError) -> None:
        if self._keeps:
            self._observer.stage(f"Nothing more is kept for next time: {error}")
        self._keeps = False
        self._damaged = self._damaged or is_damage(error)
