"""First choices against labels: how often the network is right, and what it takes for what."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reportgen.values import MAX_CONFUSION, ClassCount, Evaluation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reportgen.values import ImageRecord

TOP = 5
"""First choices among which a true class counts as found, of networks with more classes."""


def evaluate(images: Sequence[ImageRecord], categories: Sequence[str]) -> Evaluation | None:
    """Count first choices against labels.

    Parameters
    ----------
    images
        The finished pictures of a run; those without a label are only counted.
    categories
        Name of each class, by index.

    Returns
    -------
    The counts, or None where no picture has a label. `Evaluation.top` is `TOP`, or the number of
    classes where there are fewer.
    """
    found = [
        (image.label.index, image.predictions[0].index, image.label_rank)
        for image in images
        if image.label is not None
    ]
    if not found:
        return None
    top = min(TOP, len(categories))
    pairs = [(label, choice) for label, choice, _rank in found]
    classes = sorted({index for pair in pairs for index in pair})
    counts = Counter(pairs)
    labels = Counter(label for label, _ in pairs)
    choices = Counter(choice for _, choice in pairs)
    return Evaluation(
        images=len(pairs),
        right=sum(label == choice for label, choice in pairs),
        in_top=sum(rank is not None and rank <= top for _label, _choice, rank in found),
        top=top,
        unlabelled=len(images) - len(pairs),
        classes=tuple(
            ClassCount(
                index=index,
                category=categories[index],
                images=labels[index],
                right=counts[index, index],
                predicted=choices[index],
            )
            for index in classes
        ),
        confusion=_confusion(classes, counts) if len(classes) <= MAX_CONFUSION else None,
    )


def _confusion(
    classes: Sequence[int],
    counts: Counter[tuple[int, int]],
) -> tuple[tuple[int, ...], ...]:
    """Return pictures by true class (rows) and first choice (columns), in the order given."""
    return tuple(tuple(counts[label, choice] for choice in classes) for label in classes)
