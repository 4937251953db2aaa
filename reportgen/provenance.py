"""Where, when and with what a run was made."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from reportgen import __version__
from reportgen.errors import OptionError
from reportgen.language import ngettext

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

_PACKAGES = ("torch", "torchvision", "timm", "numpy", "opencv-python", "pillow", "jinja2")

DEVICES = ("auto", "cpu", "cuda", "mps")


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def versions() -> tuple[tuple[str, str], ...]:
    """Return ``(name, version)`` of everything that the numbers depend on."""
    return tuple(_versions())


def _versions() -> Iterator[tuple[str, str]]:
    yield "reportgen", __version__
    yield "Python", platform.python_version()
    for package in _PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:  # another build of it, such as opencv-python-headless
            continue


def now() -> datetime:
    """Return the date to stamp: the clock's, or ``SOURCE_DATE_EPOCH`` for the same bytes again.

    Raises
    ------
    OptionError
        If ``SOURCE_DATE_EPOCH`` is not a number of seconds.
    """
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    if fixed is None:
        return datetime.now().astimezone().replace(microsecond=0)
    try:
        return datetime.fromtimestamp(int(fixed), tz=UTC)
    except (ValueError, OverflowError, OSError):
        raise OptionError(
            f"SOURCE_DATE_EPOCH: seconds since 1970 are expected, found '{fixed}'.",
        ) from None


def choose_device(name: str) -> torch.device:
    """Return the device to compute on.

    Parameters
    ----------
    name
        One of `DEVICES`; ``auto`` takes CUDA, else Apple's MPS, else the CPU.

    Raises
    ------
    OptionError
        If the device is not there, or there is no such name.
    """
    import torch  # noqa: PLC0415 - seconds that a run with nothing new to compute need not cost

    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(kind for kind, available in there.items() if available))
    if name not in there:
        raise OptionError(f"--device: expected one of {', '.join(DEVICES)}, found '{name}'.")
    if not there[name]:
        raise OptionError(
            f"--device: torch {torch.__version__} finds no {name} device on this machine. "
            f"Use --device auto or --device cpu.",
        )
    return torch.device(name)


def describe_device(device: torch.device) -> str:
    """Return a device as text for the report."""
    import torch  # noqa: PLC0415 - see above

    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return ngettext("cpu ({count} thread)", "cpu ({count} threads)", threads).format(
            count=threads
        )
    return device.type
