"""Captions: what a figure shows and how it was made, as plain text to paste under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.figures.layouts import printable, state_text
from reportgen.language import _, ngettext
from reportgen.render.filters import percent, signed, significant, size_text
from reportgen.render.layout import by_method, compared, deepest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reportgen.values import (
        Contrast,
        ImageRecord,
        MethodInfo,
        Mosaic,
        Panel,
        RunInfo,
        Target,
        TargetRecord,
    )


def maps_of_target(image: ImageRecord, record: TargetRecord, run: RunInfo) -> str:
    """Return the caption of every map of one target."""
    groups = by_method(record.panels, run.methods)
    singles = [group.method.title for group in groups if group.single]
    grids = [group.method.title for group in groups if not group.single]
    sentences = [
        _("{methods} for {target} in {image}.").format(
            methods=_listed([group.method.title for group in groups]),
            target=target_text(record.target),
            image=_quoted(image.name),
        )
    ]
    if singles:
        text = _("Above: what the model saw, and for {methods} the map and the map over it.")
        sentences.append(text.format(methods=_listed(singles)))
    if grids:
        text = _("{methods} from shallow to deep layers: maps above, overlays below.")
        sentences.append(text.format(methods=_listed(grids)))
    sentences += [
        *(_peaks(group.method, group.panels) for group in groups),
        *_common(run, [group.method for group in groups]),
    ]
    return _joined(sentences)


def targets_abreast(image: ImageRecord, run: RunInfo) -> str:
    """Return the caption of several targets side by side."""
    methods = compared(image, run.methods)
    opening = _("{methods} for {targets} in {image}, side by side over what the model saw.")
    sentences = [
        opening.format(
            methods=_listed([method.title for method in methods]),
            targets=_listed([target_text(record.target) for record in image.targets]),
            image=_quoted(image.name),
        )
    ]
    for method in methods:
        panels = [(record.target, deepest(record, method)) for record in image.targets]
        known = [(target, panel) for target, panel in panels if panel is not None]
        text = _("{method} at {layer} ({shape}), peaks: {peaks}.")
        sentences.append(
            text.format(
                method=method.title,
                layer=printable(known[0][1].layer),
                shape=size_text(known[0][1].activation_shape),
                peaks="; ".join(f"{_quoted(item.name)} {_value(panel)}" for item, panel in known),
            )
        )
    return _joined([*sentences, *_common(run, methods)])


def contrast(image: ImageRecord, found: Contrast, run: RunInfo) -> str:
    """Return the caption of two targets and the difference of their maps."""
    first, second = image.targets[found.first].target, image.targets[found.second].target
    methods = [method for method in run.methods if method.name == found.method]
    opening = _(
        "{method} at {layer} for {first} and for {second} in {image}, and their difference."
    )
    difference = _(
        "Right: the raw map of {first} less that of {second}, from {least} to {most} in units of "
        "logit, zero in the middle of the colours; red is more for {first}, blue more for "
        "{second}."
    )
    sentences = [
        opening.format(
            method=_listed([method.title for method in methods]),
            layer=printable(found.layer),
            first=target_text(first),
            second=target_text(second),
            image=_quoted(image.name),
        ),
        difference.format(
            first=_quoted(first.name),
            second=_quoted(second.name),
            least=signed(-found.peak),
            most=signed(found.peak),
        ),
    ]
    return _joined([*sentences, *_common(run, methods)])


def features(image: ImageRecord, mosaic: Mosaic, run: RunInfo) -> str:
    """Return the caption of every channel of one layer."""
    channels, height, width = mosaic.shape
    opening = ngettext(
        "The channel of {layer} for {image}, {width}×{height}.",
        "All {channels} channels of {layer} for {image}, each {width}×{height}.",
        channels,
    )
    sentences = [
        opening.format(
            channels=channels,
            layer=printable(mosaic.layer),
            image=_quoted(image.name),
            width=width,
            height=height,
        ),
        _("The tiles are in order of the Grad-CAM weight for the first target, largest first.")
        if mosaic.ordered_by == "weight"
        else _("The tiles are in order of channel number."),
        _("All tiles are coloured from {least} to {most}.").format(
            least=significant(mosaic.minimum), most=significant(mosaic.maximum)
        )
        if mosaic.scale == "layer"
        else _("Each tile is coloured from its own minimum to its own maximum."),
    ]
    if mosaic.strongest:
        names = _listed([_quoted(row.target) for row in mosaic.strongest])
        text = _("Below, the channels with the largest Grad-CAM weights for {targets}.")
        sentences.append(text.format(targets=names))
    return _joined([*sentences, _network(run)])


def part(number: int, total: int) -> str:
    """Return the sentence for a figure that takes several sheets, otherwise nothing."""
    if total == 1:
        return ""
    return _("Part {number} of {total}.").format(number=number, total=total)


def target_text(target: Target) -> str:
    """Return a target with its probability, and its place or what it is a group of."""
    if target.is_group:
        text = ngettext(
            "“{name}” ({probability}, group of {count} class)",
            "“{name}” ({probability}, group of {count} classes)",
            len(target.classes),
        )
    else:
        text = _("“{name}” ({probability}, choice {rank} of the model)")
    return text.format(
        name=printable(target.name),
        probability=percent(target.probability),
        count=len(target.classes),
        rank=target.rank,
    )


def _peaks(method: MethodInfo, panels: Sequence[Panel]) -> str:
    listed = "; ".join(
        f"{printable(panel.layer)} ({size_text(panel.activation_shape)}) {_value(panel)}"
        for panel in panels
    )
    return _("{method}, peaks by layer: {peaks}.").format(method=method.title, peaks=listed)


def _value(panel: Panel) -> str:
    return significant(panel.peak) if panel.grey is not None else state_text(panel)


def _common(run: RunInfo, methods: Iterable[MethodInfo]) -> list[str]:
    """Return the sentences that every figure with maps has."""
    made = _(
        "Every map is divided by its own maximum, resized bilinearly to what the model saw and "
        "coloured with {colormap}; an overlay is {heat} map and {picture} picture. Peaks are the "
        "raw maxima, in units of logit."
    )
    listed = "; ".join(f"{method.title}: {method.citation}" for method in methods)
    return [
        made.format(
            colormap=run.colormap,
            heat=percent(run.alpha),
            picture=percent(1 - run.alpha),
        ),
        _network(run),
        _("Methods: {methods}.").format(methods=listed),
    ]


def _network(run: RunInfo) -> str:
    sentence = _("Network: {name} ({architecture}), weights: {weights}.").format(
        name=printable(run.model.name),
        architecture=printable(run.model.architecture),
        weights=printable(run.model.weights),
    )
    if run.model.trained:
        return sentence
    untrained = _("It was never trained: the maps show the plumbing at work, not evidence.")
    return f"{sentence} {untrained}"


def _quoted(name: str) -> str:
    return f"“{printable(name)}”"


def _listed(names: Sequence[str]) -> str:
    """Return names with commas, and “and” before the last."""
    if len(names) < 2:  # noqa: PLR2004 - nothing to join
        return "".join(names)
    return _("{names} and {last}").format(names=", ".join(names[:-1]), last=names[-1])


def _joined(sentences: Iterable[str]) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
