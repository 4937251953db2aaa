"""Tiny networks whose maps can be worked out by hand, each with one trap in it."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class Linear2(nn.Module):
    """Two channels that are multiples of the picture's red, then a weighted mean of each.

    ``logits[c] = mean(head[c, 0] * r + head[c, 1] * 2r)``, so activation and gradient are known.
    """

    def __init__(self, head: list[list[float]]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 1, bias=False)
        self.conv.weight.data.zero_()
        self.conv.weight.data[0, 0] = 1.0
        self.conv.weight.data[1, 0] = 2.0
        self.head = nn.Linear(2, len(head), bias=False)
        self.head.weight.data = torch.tensor(head)

    def forward(self, x: Tensor) -> Any:  # noqa: ANN401 - subclasses return other structures
        logits: Tensor = self.head(self.conv(x).mean(dim=(2, 3)))
        return logits


class ConvNet(nn.Module):
    """A convolution, a ReLU in place or not, a head; random but seeded."""

    def __init__(self, *, inplace: bool, classes: int = 3) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1)
        self.relu = nn.ReLU(inplace=inplace)
        self.conv2 = nn.Conv2d(4, 5, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(5)
        self.head = nn.Linear(5, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.conv1(x))
        x = self.relu(self.norm(self.conv2(x)))
        logits: Tensor = self.head(x.mean(dim=(2, 3)))
        return logits


class Twice(nn.Module):
    """One convolution called twice; its last output is what the head sees."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.shared = nn.Conv2d(3, 3, 3, padding=1)
        self.head = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.shared(self.shared(x).relu())
        logits: Tensor = self.head(x.mean(dim=(2, 3)))
        return logits


class Pair(NamedTuple):
    note: str
    values: Tensor


class Structured(nn.Module):
    """A layer that gives a named tuple, and a network that gives a dict."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.block = Block()
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        values = self.block(x).values
        return {"logits": self.head(values.mean(dim=(2, 3))), "aux": values}


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Pair:
        return Pair("kept", self.conv(x))


class Tokens(nn.Module):
    """A class token and a register before a grid of patches, as in a vision transformer."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(6)
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.mix = nn.Linear(8, 8)
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        grid = self.patches(x).flatten(2).transpose(1, 2)
        extra = torch.zeros(x.shape[0], 2, 8)
        tokens = self.mix(torch.cat([extra, grid], dim=1))
        logits: Tensor = self.head(tokens.mean(dim=1))
        return logits


class Flat(nn.Module):
    """No layer of it keeps places apart."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3 * 8 * 8, 2)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(x.flatten(1))
        return logits


class Sequence(nn.Sequential):
    """Layers without names."""

    def __init__(self) -> None:
        torch.manual_seed(7)
        super().__init__(
            nn.Conv2d(3, 4, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(4, 5, 3, padding=1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(5, 2),
        )


class Attention(nn.Module):
    """Attention weights, 49 × 49 for 7 × 7 places, that look like a grid of 49 × 49."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(8)
        self.patches = nn.Conv2d(3, 8, 8, stride=8)
        self.weights = nn.Softmax(dim=-1)
        self.values = nn.Linear(8, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        heads = tokens.reshape(x.shape[0], -1, 2, 4).transpose(1, 2)
        weights = self.weights(heads @ heads.transpose(2, 3))
        mixed = weights.mean(dim=1) @ self.values(tokens)
        logits: Tensor = self.head(mixed.mean(dim=1))
        return logits


class Windows(nn.Module):
    """A convolution on four windows, which stand in the place of pictures."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(9)
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.inside = nn.Conv2d(8, 8, 3, padding=1)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        windows = x.reshape(x.shape[0], 8, 2, 4, 2, 4).permute(0, 2, 4, 1, 3, 5)
        mixed = self.inside(windows.flatten(0, 2)).mean(dim=(2, 3)).view(x.shape[0], 4, 8)
        logits: Tensor = self.head(mixed.mean(dim=1))
        return logits


class Folded(nn.Module):
    """Tokens that are not in rows: taken apart into the four places of every 2 × 2 first."""

    def __init__(self, folds: int) -> None:
        super().__init__()
        torch.manual_seed(10)
        self.folds = folds
        self.patches = nn.Conv2d(3, 6, 4, stride=4)
        self.mix = nn.Linear(6, 6)
        self.head = nn.Linear(6, 3)

    def sequence(self, x: Tensor) -> Tensor:
        grids = [self.patches(x)]
        for _ in range(self.folds):
            grids = [
                grid[:, :, row::2, column::2]
                for grid in grids
                for row in (0, 1)
                for column in (0, 1)
            ]
        return torch.cat([grid.flatten(2) for grid in grids], dim=2).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.mix(self.sequence(x)).mean(dim=1))
        return logits


class ChannelsLast(nn.Module):
    """Channels at the end, as in Swin."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        torch.manual_seed(11)
        self.patches = nn.Conv2d(3, 6, 4, stride=4)
        self.mix = nn.Linear(6, 6)
        self.head = nn.Linear(6, classes)

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.mix(self.patches(x).permute(0, 2, 3, 1))
        logits: Tensor = self.head(mixed.mean(dim=(1, 2)))
        return logits
