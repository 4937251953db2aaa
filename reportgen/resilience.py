"""Going on where the network fails: on one picture of a batch, or for want of memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Generic, TypeVar

import torch

from reportgen.errors import ReportgenError
from reportgen.language import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reportgen.plan import Plan
    from reportgen.progress import Observer

Item = TypeVar("Item")
Result = TypeVar("Result")

_NO_MEMORY = (
    "out of memory",  # CUDA, MPS
    "can't allocate memory",  # torch's allocator on the CPU
    "not enough memory",  # the same on Windows
    "unable to allocate",  # NumPy
    "alloc_failed",  # cuDNN and cuBLAS
    "std::bad_alloc",
)
"""How errors for want of memory read, in lower case; only some have a type of their own."""


def out_of_memory(error: BaseException) -> bool:
    """Say whether an error is for want of memory."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error).casefold()
    return isinstance(error, RuntimeError) and any(words in text for words in _NO_MEMORY)


def limited(plan: Plan, most: int) -> Plan:
    """Return ``plan`` with at most so many pictures per pass, for what tries out changed ones."""
    if most >= plan.attribution.batch_size:
        return plan
    return replace(plan, attribution=replace(plan.attribution, batch_size=most))


class Resilient(Generic[Item, Result]):
    """Explains groups of pictures and goes on after what fails.

    - For want of memory half as many pictures go through at once, from then on.
    - After any other error the group's pictures go through one by one; those that fail alone
      become failures.
    - Where every picture of the run's first group fails, and there are several, the fault is not
      theirs: the error is raised.

    Parameters
    ----------
    explain
        Takes some pictures, and how many may go through the network at once; returns a result for
        each in order.
    failed
        Makes a result of a picture and the reason why there is no other.
    observer
        Is told when fewer pictures go through at once.
    most
        How many may do so at the beginning.
    """

    def __init__(
        self,
        explain: Callable[[list[Item], int], Iterable[Result]],
        failed: Callable[[Item, str], Result],
        observer: Observer,
        *,
        most: int,
    ) -> None:
        self._explain = explain
        self._failed = failed
        self._observer = observer
        self._most = most
        self._worked = False

    def __call__(self, group: list[Item]) -> list[Result]:
        """Return a result for every picture of ``group``, in order.

        Raises
        ------
        ReportgenError
            Whatever ``explain`` raises of this kind for a single picture: it is for the user.
        Exception
            The first error, where no picture of the run has worked and none of ``group`` does.
        """
        done: list[Result] = []
        while len(done) < len(group):
            part = group[len(done) : len(done) + self._most]
            found, error = self._try(part)
            if found is not None:
                done += found
            elif error is None:
                done += self._one_by_one(part)
            elif len(part) == self._most == 1:
                done += [self._failed(part[0], _too_large(error))]
            else:
                self._halve(len(part))
        return done

    def _try(self, part: list[Item]) -> tuple[list[Result] | None, str | None]:
        """Return the results; or None, and what could not be had where that was memory.

        The error itself is not kept: it would hold on to the tensors of the pass that failed.
        """
        try:
            found = list(self._explain(part, self._most))
        except ReportgenError:
            if len(part) == 1:
                raise
            return None, None
        except Exception as error:  # noqa: BLE001 - a network's forward may raise anything
            return None, _first_line(error) if out_of_memory(error) else None
        self._worked = True
        return found, None

    def _one_by_one(self, part: list[Item]) -> list[Result]:
        done: list[Result] = []
        errors: list[Exception] = []
        for item in part:
            try:
                done += self._explain([item], self._most)
            except ReportgenError:
                raise
            except Exception as error:  # noqa: BLE001 - the same
                errors.append(error.with_traceback(None) if self._worked else error)
                done.append(self._failed(item, _reason(error)))
        if len(errors) == len(part) > 1 and not self._worked:
            raise errors[0]
        self._worked = self._worked or len(errors) < len(part)
        return done

    def _halve(self, tried: int) -> None:
        self._most = max(1, min(tried, self._most) // 2)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        self._observer.stage(
            f"Out of memory with {tried} pictures per pass of the network; going on with "
            f"{self._most}"
        )


def _reason(error: Exception) -> str:
    if out_of_memory(error):
        return _too_large(_first_line(error))
    return _("the network fails on it: {error}").format(error=_first_line(error))


def _too_large(error: str) -> str:
    return _(
        "out of memory with this picture alone ({error}); try a smaller --input-size, or "
        "--device cpu"
    ).format(error=error)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
