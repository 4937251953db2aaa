"""Groups of classes to explain together: built-in ones for ImageNet-1k, and a user's own lists.

The right side of ``--target "cat=@cats"`` or ``--target "pet=tabby,151-268"`` is read here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reportgen.errors import TargetError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def _classes(*members: int | tuple[int, int]) -> tuple[int, ...]:
    """Spell out members, of which a pair stands for all classes from its first to its last."""
    found: list[int] = []
    for member in members:
        first, last = (member, member) if isinstance(member, int) else member
        found.extend(range(first, last + 1))
    return tuple(found)


GROUPS: dict[str, tuple[int, ...]] = {
    # Mammals
    "dogs": _classes((151, 268)),
    "cats": _classes((281, 285)),
    "wild-cats": _classes((286, 293)),
    "wolves": _classes((269, 271)),
    "wild-dogs": _classes((272, 275)),
    "foxes": _classes((277, 280)),
    "bears": _classes((294, 297)),
    "apes": _classes((365, 369)),
    "monkeys": _classes((370, 382)),
    "primates": _classes((365, 384)),
    "elephants": _classes(101, (385, 386)),  # 101, tusker, is filled with photos of elephants
    "hoofed-animals": _classes((339, 355)),
    "cattle": _classes((345, 347)),
    "pigs": _classes((341, 343)),
    "rodents": _classes((333, 338)),
    "rabbits": _classes((330, 332)),
    "sea-mammals": _classes((147, 150)),
    # Other animals
    "birds": _classes((7, 24), (80, 100), (127, 146)),
    "parrots": _classes((87, 90)),
    "fish": _classes((0, 6), (389, 397)),
    "sharks": _classes((2, 4)),
    "reptiles": _classes((33, 68)),
    "snakes": _classes((52, 68)),
    "lizards": _classes((38, 48)),
    "turtles": _classes((33, 37)),
    "crocodiles": _classes((49, 50)),
    "amphibians": _classes((25, 32)),
    "frogs": _classes((30, 32)),
    "spiders": _classes((72, 77)),
    "insects": _classes((300, 326)),
    "beetles": _classes((300, 307)),
    "butterflies": _classes((321, 326)),
    "crabs": _classes((118, 121), 125),
    # Plants, mushrooms, food
    "mushrooms": _classes(947, (991, 997)),
    "flowers": _classes((985, 986)),
    "fruit": _classes((948, 957)),
    "vegetables": _classes((936, 946)),
    # Vehicles
    "cars": _classes(436, 468, 511, 609, 627, 656, 661, 751, 817),
    "trucks": _classes(555, 569, 675, 717, 864, 867),
    "buses": _classes(654, 779, 874),
    "trains": _classes(466, 547, 565, 705, 820, 829),
    "boats": _classes(403, 472, 484, 510, 554, 576, 625, 628, 724, 780, 814, 871, 914),
    "aircraft": _classes(404, 405, 417, 895),  # not 726, plane, which is a carpenter's tool
    "bicycles": _classes(444, 671),
    # Things
    "musical-instruments": _classes(
        *(401, 402, 420, 432, 486, 494, 513, 541, 546, 558, 566, 577, 579),
        *(593, 594, 641, 642, 683, 684, 687, 699, 776, 822, 875, 881, 889),
    ),
    "balls": _classes(429, 430, 522, 574, 722, 768, 805, 852, 890),
    "bottles": _classes(440, 720, 737, 898, 907),
    "cups": _classes(504, 968),
    "chairs": _classes(423, 559, 765, 857),
    "clocks": _classes(409, 530, 892),
    "computers": _classes(527, 590, 620, 681),
    "shoes": _classes(502, 514, 630, 770, 774),
}
"""Class indices of every built-in group, in the order of ImageNet-1k that torchvision uses."""

_SENTINELS = {
    0: "tench",
    151: "Chihuahua",
    207: "golden retriever",
    281: "tabby",
    404: "airliner",
    948: "Granny Smith",
    999: "toilet tissue",
}
_IMAGENET_CLASSES = 1000

_RANGE = re.compile(r"(\d+)\s*[-–]\s*(\d+)")


def is_imagenet(categories: Sequence[str]) -> bool:
    """Say whether ``categories`` are the 1,000 of ImageNet-1k, in that order.

    A few names are compared, each up to its first comma, so that lists which add synonyms
    (``tabby, tabby cat``) pass too.
    """
    return len(categories) == _IMAGENET_CLASSES and all(
        categories[index].partition(",")[0].strip().casefold() == name.casefold()
        for index, name in _SENTINELS.items()
    )


def builtin_group(name: str, categories: Sequence[str]) -> tuple[int, ...]:
    """Return the class indices of a built-in group, in ascending order.

    Parameters
    ----------
    name
        A key of `GROUPS`, in any case, singular or plural, with or without ``@`` in front; space,
        ``_`` and ``-`` mean the same.
    categories
        Name of each class of the model, by index.

    Raises
    ------
    TargetError
        If there is no such group, or if the model's classes are not those of ImageNet-1k.
    """
    wanted = name.strip().removeprefix("@").strip()
    known = {_squeeze(group): classes for group, classes in GROUPS.items()}
    classes = next((known[form] for form in _forms(_squeeze(wanted)) if form in known), None)
    if classes is None:
        raise TargetError(
            f"--target: there is no built-in group '@{wanted}'.{did_you_mean(wanted, GROUPS)} "
            f"The groups are {', '.join(f'@{group}' for group in GROUPS)}.",
        )
    if not is_imagenet(categories):
        raise TargetError(
            f"--target: '@{wanted}' is a group of ImageNet's 1,000 classes, but this model has "
            f"{len(categories)} classes that are not those. List the classes that you mean by "
            f'name or index instead, for example "cat=tabby,tiger cat".',
        )
    return classes


def _squeeze(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()


def _forms(word: str) -> Iterator[str]:
    """Yield ``word`` itself, then the plurals and the singulars that it may stand for."""
    yield word
    yield word + "s"
    yield word + "es"
    if word.endswith("y"):
        yield word[:-1] + "ies"
    if word.endswith("f"):
        yield word[:-1] + "ves"
    yield word.removesuffix("s")
    yield word.removesuffix("es")


def parse_members(text: str, categories: Sequence[str]) -> tuple[int, ...]:
    """Read a list of classes, the right side of ``--target name=…``.

    Parameters
    ----------
    text
        Members with commas between: ``@group`` (see `builtin_group`), a category (any case), an
        index from 0, or a range of indices ``151-268`` with both ends in it. Where categories
        have commas in their names, the longest run of parts that is a category is taken.
    categories
        Name of each class, by index.

    Returns
    -------
    Class indices in the order given, without repeats; at least one.

    Raises
    ------
    TargetError
        If a member is empty, does not exist, or is a name that several classes have.
    """
    if not text.strip():
        raise TargetError(
            "--target: a group needs at least one class after the '='. Give names, indices or "
            'built-in groups with commas between, for example "cat=tabby,tiger cat".',
        )
    by_name: dict[str, list[int]] = {}
    for index, category in enumerate(categories):
        by_name.setdefault(_plain(category.split(",")), []).append(index)
    longest = max((name.count(",") + 1 for name in by_name), default=1)
    parts = [part.strip() for part in text.split(",")]
    found: dict[int, None] = {}
    at = 0
    while at < len(parts):
        run = _longest_name(parts[at : at + longest], by_name)
        found.update(dict.fromkeys(_member(", ".join(parts[at : at + run]), categories, by_name)))
        at += run
    return tuple(found)


def _plain(parts: Sequence[str]) -> str:
    return ", ".join(part.strip() for part in parts).casefold()


def _longest_name(parts: Sequence[str], by_name: Mapping[str, list[int]]) -> int:
    """Return how many of the first ``parts`` make the longest name of a class; 1 if none do."""
    return next((run for run in range(len(parts), 1, -1) if _plain(parts[:run]) in by_name), 1)


def _member(
    text: str,
    categories: Sequence[str],
    by_name: Mapping[str, list[int]],
) -> tuple[int, ...]:
    """Return the classes that one member of a list stands for."""
    if not text:
        raise TargetError(
            "--target: there is nothing between two commas, or after the last one, in the list "
            "of a group. Take the comma away or name a class there.",
        )
    indices = by_name.get(text.casefold(), [])
    if len(indices) > 1:
        raise TargetError(
            f"--target: '{text}' is the name of {len(indices)} classes. "
            f"Give the index instead: {', '.join(map(str, indices))}.",
        )
    if indices:
        return tuple(indices)
    if text.startswith("@"):
        return builtin_group(text, categories)
    span = _RANGE.fullmatch(text)
    if text.isdecimal() or span:
        ends = span.groups() if span else (text, text)
        return _indices(text, int(ends[0]), int(ends[1]), len(categories))
    raise TargetError(
        f"--target: there is no class '{text}' in this model.{did_you_mean(text, categories)} "
        f"Give a class name, an index from 0 to {len(categories) - 1}, a range such as 3-5, or a "
        f"built-in group such as @dogs.",
    )


def _indices(text: str, first: int, last: int, classes: int) -> tuple[int, ...]:
    if first > last:
        raise TargetError(
            f"--target: the range '{text}' runs backwards. Give the smaller index first: "
            f"{last}-{first}.",
        )
    if last >= classes:
        raise TargetError(
            f"--target: '{text}' goes beyond the classes of this model, which has {classes}: "
            f"0 to {classes - 1}.",
        )
    return tuple(range(first, last + 1))
