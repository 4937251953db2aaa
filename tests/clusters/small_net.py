"""A network of the user's own: small, so that what is measured is the way to it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import torch
from torch import Tensor, nn


class Small(nn.Module):
    """Two convolutions and four classes."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3, stride=2, padding=1),
            nn.ReLU(),
        )
        self.head = nn.Linear(8, 4)

    def forward(self, images: Tensor) -> Tensor:
        """Return ``(N, 4)`` logits."""
        kill_once(images)
        found: Tensor = self.head(self.features(images).mean((2, 3)))
        return found


def kill_once(images: Tensor) -> None:
    """End this process, as if by the kernel, when a picture of nearly one colour comes first."""
    mark = os.environ.get("KILL_ONCE")
    if mark and Path(mark).is_file() and float(images.std((2, 3)).mean(1).min()) < 1e-3:
        Path(mark).unlink()
        os.kill(os.getpid(), signal.SIGKILL)


class Failing(Small):
    """Takes the random numbers that its layers are surveyed with, and no picture."""

    def forward(self, images: Tensor) -> Tensor:
        """Return ``(N, 4)`` logits, or fail."""
        if images.min() >= 0:
            raise ValueError("the network's own fault")
        return super().forward(images)


def failing() -> Failing:
    """Return a network that cannot be used."""
    return Failing()


def small() -> Small:
    """Return the network."""
    return Small()
