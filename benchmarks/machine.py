"""The kind of machine that something was measured on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("torch", "torchvision", "timm", "grad-cam", "torchcam")
CPU_INFO = Path("/proc/cpuinfo")


def describe() -> str:
    """Return cores, processor, versions, load and date as one line of text.

    Nothing heavy is imported for it, so that a script that measures memory stays small itself.
    """
    versions = [f"{name} {found}" for name in PACKAGES if (found := installed(name)) is not None]
    words = [
        f"{cores()} cores ({processor()})",
        f"Python {platform.python_version()}",
        *versions,
        f"load average {os.getloadavg()[0]:.1f}",  # on a busy machine the times mean little
        datetime.now(tz=UTC).date().isoformat(),
    ]
    return ", ".join(words)


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """Return the processor's name, as the system has it."""
    if CPU_INFO.is_file():
        for line in CPU_INFO.read_text("utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def installed(package: str) -> str | None:
    """Return a distribution's version; None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
