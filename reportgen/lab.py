"""What the options left open mean: in general, and in the lab.

The lab tells cats from dogs: by a two-class network of its own, class 0 cat and class 1 dog, on
pictures as ``cv2.imread`` and ``ToTensor`` give them; or by an ImageNet network, through the groups
of its cats and its dogs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reportgen.groups import is_imagenet
from reportgen.options import DEFAULT_TARGETS, LAB_CLASSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reportgen.options import BuildOptions, PreprocessOptions

LAB_GROUPS = ("cat=@cats", "dog=@dogs")


def name_classes(options: BuildOptions, categories: Sequence[str], *, named: bool) -> BuildOptions:
    """Return ``options`` with the lab's names for a two-class network that has none."""
    if not options.lab or named or len(categories) != len(LAB_CLASSES):
        return options
    return replace(options, network=replace(options.network, classes=",".join(LAB_CLASSES)))


def fill_in(options: BuildOptions, categories: Sequence[str]) -> BuildOptions:
    """Return ``options`` with nothing left open.

    Parameters
    ----------
    options
        As the user gave them.
    categories
        The network's classes by index.
    """
    return replace(
        options,
        targets=options.targets or _targets(options, categories),
        preprocess=_preprocess(options, categories),
    )


def _targets(options: BuildOptions, categories: Sequence[str]) -> tuple[str, ...]:
    if not options.lab:
        return DEFAULT_TARGETS
    if is_imagenet(categories):
        return LAB_GROUPS
    return tuple(str(index) for index in range(min(len(categories), len(LAB_CLASSES))))


def _preprocess(options: BuildOptions, categories: Sequence[str]) -> PreprocessOptions:
    given = options.preprocess
    if given.preset is not None:
        return given
    if not options.lab or is_imagenet(categories) or options.network.checkpoint is None:
        return replace(given, preset="auto")
    return replace(given, preset="unit", channel_order=given.channel_order or "bgr")
