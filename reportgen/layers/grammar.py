"""Turn what a user writes for ``--layers`` and ``--feature-maps`` into layers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.errors import LayerError, did_you_mean
from reportgen.layers.choose import CONVOLUTIONS, by_rule, last_convolution, worth_explaining

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reportgen.layers.choose import DefaultLayers
    from reportgen.layers.survey import LayerInfo, Survey

KEYWORDS = ("auto", "stages", "all-conv", "last:N")

_LIST_THEM = "`reportgen layers --model NAME` lists them all."


def choose_layers(
    texts: Iterable[str], survey: Survey, defaults: DefaultLayers | None = None
) -> tuple[str, ...]:
    """Turn the user's words into layers that can carry a map, without repeats, shallow to deep.

    Parameters
    ----------
    texts
        Each one a full name (``layer4.1``); a pattern (``layer?.1``, ``blocks.**``), in which
        ``*`` and ``?`` stay between two dots and ``**`` does not, and which leaves out what
        cannot carry a map; a number (see `number_of`); or a keyword: ``auto`` for the defaults,
        ``stages`` for one layer per resolution, ``all-conv`` for every convolution, ``last:N``
        for the last N layers before the head. Keywords go before layers of that name.
    survey
        What the network has.
    defaults
        What ``auto`` means; by default the same as ``stages``.

    Raises
    ------
    LayerError
        With the nearest right names, if a layer does not exist or cannot carry a map, or if a
        pattern matches none that can.
    """
    return _Grammar("--layers", survey, defaults, for_maps=True).resolve(texts)


def feature_layers(
    texts: Iterable[str], survey: Survey, defaults: DefaultLayers | None = None
) -> tuple[str, ...]:
    """Turn the user's words into layers whose channels can be shown.

    As `choose_layers`, but a layer that no gradient reaches will do, and ``last`` is the last
    convolution.

    Raises
    ------
    LayerError
        As `choose_layers`.
    """
    return _Grammar("--feature-maps", survey, defaults, for_maps=False).resolve(texts)


def number_of(name: str, survey: Survey) -> int | None:
    """Return the number that stands for a layer, or None where none does.

    In a network with ``features.0`` the number N stands for ``features.N``, as is usual for
    AlexNet and VGG; in one that is a plain sequence for its N-th layer; and in any other for the
    N-th line of ``reportgen layers``, from 0.
    """
    if _has_numbered(survey, ""):
        return int(name) if name.isdecimal() else None
    if _has_numbered(survey, "features."):
        number = name.removeprefix("features.")
        return int(number) if number != name and number.isdecimal() else None
    return survey.order.get(name)


def _has_numbered(survey: Survey, prefix: str) -> bool:
    return f"{prefix}0" in survey.modules


@dataclass(frozen=True, slots=True)
class _Grammar:
    """One option's words against one network."""

    option: str
    survey: Survey
    defaults: DefaultLayers | None
    for_maps: bool
    """Whether the layers are for maps, which need a gradient, or for their channels alone."""

    def resolve(self, texts: Iterable[str]) -> tuple[str, ...]:
        words = [text.strip() for text in texts if text.strip()]
        names = {name for word in words for name in self._names(word)}
        return tuple(sorted(names, key=self.survey.order.__getitem__))

    def _names(self, word: str) -> Iterator[str]:
        keyword = word.casefold()
        if keyword == "auto":
            yield from (self.defaults or by_rule(self.survey)).stages
        elif keyword == "stages":
            yield from by_rule(self.survey).stages
        elif keyword == "all-conv":
            yield from self._convolutions()
        elif keyword == "last" and not self.for_maps:
            yield last_convolution(self.survey)
        elif ":" in word:
            yield from self._last(word)
        elif "*" in word or "?" in word:
            yield from self._matches(word)
        else:
            yield self._one(word)

    def _problem(self, layer: LayerInfo) -> str | None:
        if self.for_maps or layer.layout is None:
            return layer.problem
        return None

    def _convolutions(self) -> list[str]:
        found = [
            layer.name
            for layer in self.survey.layers
            if isinstance(self.survey.modules[layer.name], CONVOLUTIONS)
            and self._problem(layer) is None
        ]
        if not found:
            raise LayerError(
                f"{self.option} all-conv: this network has no convolution whose output lies over "
                f"the picture. {_LIST_THEM}",
            )
        return found

    def _last(self, word: str) -> list[str]:
        keyword, _, number = word.partition(":")
        if keyword.casefold() != "last" or not number.isdecimal() or int(number) < 1:
            raise LayerError(
                f"{self.option}: '{word}' is no layer and no keyword. Keywords: "
                f"{', '.join(KEYWORDS)}, where N is a whole number from 1.",
            )
        # A block that gives its last layer's output unchanged would come twice.
        found = [layer.name for layer in worth_explaining(self.survey) if layer.same_as is None]
        return found[-int(number) :]

    def _matches(self, pattern: str) -> list[str]:
        expression = _expression(pattern)
        matched = [layer for layer in self.survey.layers if expression.fullmatch(layer.name)]
        found = [layer.name for layer in matched if self._problem(layer) is None]
        if found:
            return found
        if not matched:
            raise LayerError(f"{self.option}: no layer matches '{pattern}'. {_LIST_THEM}")
        raise LayerError(
            f"{self.option}: of the layers that match '{pattern}' none can be used; "
            f"'{matched[-1].name}': {self._problem(matched[-1])}. "
            f"The nearest layer that can is '{self._nearest(matched[-1].name)}'.",
        )

    def _one(self, word: str) -> str:
        name = self._numbered(int(word)) if word.isdecimal() else word
        if name in self.survey.order:
            problem = self._problem(self.survey.layers[self.survey.order[name]])
            if problem is None:
                return name
            raise LayerError(
                f"{self.option}: '{name}' cannot carry a map: {problem}. "
                f"The nearest layer that can is '{self._nearest(name)}'.",
            )
        if name in self.survey.modules:
            raise LayerError(
                f"{self.option}: '{name}' exists, but it did not run or gave no tensor. "
                f"`reportgen layers` lists the layers that can carry a map.",
            )
        known = [*(layer.name for layer in self.survey.usable), *KEYWORDS]
        raise LayerError(
            f"{self.option}: there is no layer '{word}' in this model."
            f"{did_you_mean(word, known)} {_LIST_THEM}",
        )

    def _numbered(self, number: int) -> str:
        """Return the layer that `number_of` gives the number to."""
        for prefix in ("", "features."):
            if _has_numbered(self.survey, prefix):
                name = f"{prefix}{number}"
                if name not in self.survey.modules:
                    raise LayerError(
                        f"{self.option}: there is no layer '{number}' in this model: a number N "
                        f"means '{prefix}N' here, and there is no '{name}'. {_LIST_THEM}",
                    )
                return name
        if number >= len(self.survey.layers):
            raise LayerError(
                f"{self.option}: there is no layer '{number}' in this model: it has the layers "
                f"0 to {len(self.survey.layers) - 1}. {_LIST_THEM}",
            )
        return self.survey.layers[number].name

    def _nearest(self, name: str) -> str:
        """Return the layer worth explaining that is closest in the order of execution."""
        order = self.survey.order
        near = worth_explaining(self.survey) or [
            layer for layer in self.survey.layers if self._problem(layer) is None
        ]
        if not near:
            raise LayerError(
                f"{self.option}: no layer of this network gives a grid of places. Use a "
                f"convolutional network or a vision transformer.",
            )
        return min(near, key=lambda layer: abs(order[layer.name] - order[name])).name


def _expression(pattern: str) -> re.Pattern[str]:
    """Return the pattern as a regular expression: ``**`` crosses dots, ``*`` and ``?`` do not."""
    wild = {"**": ".*", "*": r"[^.]*", "?": r"[^.]"}
    parts = re.split(r"(\*\*|\*|\?)", pattern)
    return re.compile("".join(wild.get(part) or re.escape(part) for part in parts))
