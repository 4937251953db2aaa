"""From what the network said of one picture to its record: drawn, measured and encoded."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reportgen import encode, overlay
from reportgen.caution import Circumstances, alike, cautions_of_map, cautions_of_target
from reportgen.contrast import contrast
from reportgen.localisation import boxes_of, localise, to_view
from reportgen.mosaic import mosaic
from reportgen.naming import feature_name, maps_name, overlay_name
from reportgen.normalise import map_state
from reportgen.plan import Plan, Surroundings
from reportgen.rawmaps import pack
from reportgen.reading import compare_targets, layers_agree, peak_place, read_map, read_maps
from reportgen.values import (
    ImageRecord,
    MapState,
    Panel,
    TargetRecord,
    TrueClass,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reportgen.options import BuildOptions
    from reportgen.values import (
        Box,
        ClassMap,
        Explanation,
        HeatReading,
        ModelInput,
        Mosaic,
        Picture,
        Rectangle,
        Target,
        TargetMaps,
        UInt8Array,
        ViewGeometry,
    )

MOSAIC_COLORMAP = "viridis"
"""Even to the eye from least to most, so that channels can be compared with each other."""


LARGE_SIDE = 192
"""Longest side in pixels of the overlay of a method with one map."""
SMALL_SIDE = 136
"""The same for a method with a map at each of several layers."""

COMPACT_CELLS = 40
"""Most cells along a side of a map in a compact report; larger ones are averaged."""
COMPACT_BITS = 0.6
"""Bits per pixel of a photo in a compact report."""

PHOTO_SIDE = 160
"""Longest side in pixels of the original, where it is not shown at the model's scale."""
PHOTO_BITS = 0.95
"""Bits per pixel that a photo may take; compression shows less in it than in an overlay."""
VIEW_SIDE = 512
"""Longest side in pixels at which a view is shown, and a photo at the model's scale."""
MOST_AROUND = 2.2
"""How many times as large as the view a photo at the model's scale may be."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """One picture ready for the network."""

    model_input: ModelInput
    photo: Picture
    photo_box: Box
    view: Picture | None
    original: UInt8Array | None
    """``(height, width, 3)`` uint8 RGB: the original at full size, where overlays are saved."""
    label: TrueClass | None


def prepare(
    source: ModelInput, original: UInt8Array, label: TrueClass | None, options: BuildOptions
) -> Prepared:
    """Encode the photo of one picture and put aside what the records need.

    Parameters
    ----------
    source
        The picture as the network gets it.
    original
        ``(height, width, 3)`` uint8 RGB: the decoded picture.
    label
        What it shows, where that is known.
    options
        The run's.
    """
    bits = COMPACT_BITS if options.compact else PHOTO_BITS
    geometry, whole = source.geometry, source.whole
    if whole is not None and _is_near(geometry):
        photo = encode.thumbnail(whole, VIEW_SIDE, bits)
        left, top = float(geometry.crop_left), float(geometry.crop_top)
        box = left, top, float(geometry.view[0]), float(geometry.view[1])
        view = None
    else:
        photo = encode.thumbnail(original, PHOTO_SIDE, bits)
        width, height = photo.size
        across, down, wide, high = geometry.seen_fraction()
        box = across * width, down * height, wide * width, high * height
        view = encode.thumbnail(source.view, VIEW_SIDE, bits)
    return Prepared(source, photo, box, view, original if options.save_overlays else None, label)


def _is_near(geometry: ViewGeometry) -> bool:
    """Say whether the whole picture at the model's scale is not much larger than the view."""
    (width, height), view = geometry.resized, geometry.view
    around = width * height / (view[0] * view[1])
    return max(width, height) <= VIEW_SIDE and around <= MOST_AROUND


def record(
    prepared: Prepared, explanation: Explanation, plan: Plan
) -> tuple[ImageRecord, Mapping[str, bytes]]:
    """Draw, measure and encode everything about one picture.

    Returns
    -------
    Its record, and the files that the record names: relative name → content.
    """
    recorder = _Recorder(plan, prepared)
    return recorder.record(explanation), recorder.files


@dataclass(frozen=True, slots=True)
class _Overlays:
    """Makes the overlays of one size."""

    view: UInt8Array
    """``(height, width, 3)`` uint8 RGB, what the model saw, at that size. Maps are drawn on it as
    it is: to draw each on the view, and to average that down, takes much longer."""
    encode: encode.Thumbnails


@dataclass(frozen=True, slots=True)
class _Recorder:
    """Makes the record of one picture."""

    plan: Plan
    prepared: Prepared
    files: dict[str, bytes] = field(default_factory=dict)
    """Relative name → content of the files that were asked for beside the pages."""
    thumbnails: dict[int, _Overlays] = field(default_factory=dict)
    """Longest side → what makes overlays of that size."""

    @property
    def options(self) -> BuildOptions:
        """The run's options, with nothing left open."""
        return self.plan.options

    def record(self, explanation: Explanation) -> ImageRecord:
        prepared = self.prepared
        source = prepared.model_input
        view = source.geometry.view
        compared = compare_targets(explanation.targets, view)
        return ImageRecord(
            name=source.file.name,
            sha256=source.sha256,
            notes=source.notes,
            geometry=source.geometry,
            photo=prepared.photo,
            photo_box=prepared.photo_box,
            view=prepared.view,
            predictions=explanation.predictions,
            targets=tuple(self._target(item) for item in explanation.targets),
            label=prepared.label,
            label_rank=explanation.label_rank,
            overlaps=compared if self.options.reading else (),
            mosaics=self._mosaics(source, explanation),
            maps_file=self._save_maps(source, explanation),
            cautions=alike(compared),
            contrast=contrast(explanation.targets, prepared.label),
            note=self.plan.notes.by_name.get(source.file.name, ""),
        )

    def _target(self, item: TargetMaps) -> TargetRecord:
        source = self.prepared.model_input
        view = source.geometry.view
        boxes = boxes_of(self.plan.boxes.by_name.get(source.file.name, ()), item.target)
        found = cautions_of_target(item.target, trained=self.plan.loaded.info.trained)
        heats = [read_map(raw, view) for raw in item.maps]
        return TargetRecord(
            target=item.target,
            panels=tuple(
                self._panel(item, number, heat, to_view(boxes, source.geometry).boxes)
                for number, heat in enumerate(heats)
            ),
            reading=read_maps(item.maps, view, heats) if self.options.reading else None,
            cautions=found,
            layers_agree=layers_agree(item.maps, view),
            guided=None
            if item.guided is None
            else encode.thumbnail(
                overlay.guided_pixels(item.guided, self.plan.recipe.channel_order)
            ),
        )

    def _panel(
        self,
        item: TargetMaps,
        number: int,
        heat: HeatReading | None,
        boxes: tuple[Rectangle, ...],
    ) -> Panel:
        source, target, raw = self.prepared.model_input, item.target, item.maps[number]
        state = map_state(raw.values)
        shown = state is MapState.SHOWN
        single = sum(other.method == raw.method for other in item.maps) == 1
        height, width = raw.values.shape
        # A fused map is of no single layer.
        around = self.plan.surroundings.get(raw.layer, Surroundings(norm_follows=False, stride=1))
        return Panel(
            method=raw.method,
            layer=raw.layer,
            activation_shape=raw.activation_shape,
            map_size=(width, height),
            peak=raw.peak,
            state=state,
            grey=self._grey(raw) if shown else None,
            overlay=self._overlay(raw, LARGE_SIDE if single else SMALL_SIDE) if shown else None,
            heat=heat,
            overlay_file=self._save_overlay(target, raw),
            original_file=self._save_on_original(target, raw),
            cautions=cautions_of_map(
                raw,
                target,
                Circumstances(
                    source.geometry, norm_follows=around.norm_follows, stride=around.stride
                ),
            ),
            faithfulness=item.faithfulness[number] if item.faithfulness else None,
            localisation=localise(raw, target, boxes, source.geometry.view) if boxes else None,
            peak_at=peak_place(raw) if shown else None,
        )

    def _grey(self, raw: ClassMap) -> Picture:
        """Encode the raw map of one panel."""
        if self.options.compact:
            return encode.grey_png(overlay.reduced(raw.values, COMPACT_CELLS))
        return encode.grey_png(overlay.levels(raw.values))

    def _overlay(self, raw: ClassMap, side: int) -> Picture | None:
        """Encode the thumbnail of one panel; a compact report lays the map over the photo."""
        if self.options.compact:
            return None
        if side not in self.thumbnails:
            view = encode.shrink(self.prepared.model_input.view, side)
            self.thumbnails[side] = _Overlays(view, encode.Thumbnails())
        made = self.thumbnails[side]
        drawn = overlay.draw(
            raw,
            made.view,
            alpha=self.options.alpha,
            colormap=self.options.colormap,
            shrunk=made.view.shape != self.prepared.model_input.view.shape,
        )
        return None if drawn.blend is None else made.encode(drawn.blend)

    def _save_overlay(self, target: Target, raw: ClassMap) -> str | None:
        """Make a full-size PNG of the view where that was asked for, and return its name."""
        if not self.options.save_overlays:
            return None
        alpha, colormap = self.options.alpha, self.options.colormap
        view = self.prepared.model_input.view
        return self._save(
            target, raw, overlay.draw(raw, view, alpha=alpha, colormap=colormap).blend, suffix=""
        )

    def _save_on_original(self, target: Target, raw: ClassMap) -> str | None:
        """Make a PNG of the whole original where it is more than the view, return its name."""
        original, geometry = self.prepared.original, self.prepared.model_input.geometry
        if original is None or shows_all(geometry):
            return None
        alpha, colormap = self.options.alpha, self.options.colormap
        drawn = overlay.draw_on_original(raw, original, geometry, alpha=alpha, colormap=colormap)
        return self._save(target, raw, drawn, suffix="original")

    def _save(
        self, target: Target, raw: ClassMap, pixels: UInt8Array | None, *, suffix: str
    ) -> str | None:
        """Keep a PNG of what was drawn, if anything was, and return its relative name."""
        if pixels is None:
            return None
        image = self.prepared.model_input.file.name
        name = overlay_name(image, target, raw.method, raw.layer, suffix)
        self.files[name] = encode.png(pixels)
        return name

    def _save_maps(self, source: ModelInput, explanation: Explanation) -> str | None:
        """Pack the raw maps where that was asked for, and return the file's relative name."""
        if not self.options.save_maps:
            return None
        name = maps_name(source.file.name)
        data = pack(
            explanation.targets, source.geometry, image=source.file.name, sha256=source.sha256
        )
        self.files[name] = data
        return name

    def _mosaics(self, source: ModelInput, explanation: Explanation) -> tuple[Mosaic, ...]:
        wanted = self.options.features
        names = [item.target.name for item in explanation.targets]
        made = []
        for features in explanation.features:
            drawn = mosaic(
                features,
                names,
                scale=wanted.scale,
                order=wanted.order,
                palette=overlay.palette(MOSAIC_COLORMAP),
                encode=encode.indexed_png,
            )
            if self.options.save_overlays:
                name = feature_name(source.file.name, features.layer)
                self.files[name] = drawn.picture.data
                drawn = replace(drawn, file=name)
            made.append(drawn)
        return tuple(made)


def shows_all(geometry: ViewGeometry) -> bool:
    """Say whether the view is the whole original in its own proportions."""
    across, down = (
        view / original for view, original in zip(geometry.view, geometry.original, strict=True)
    )
    whole = geometry.seen_fraction() == (0, 0, 1, 1)
    return whole and abs(across - down) * max(geometry.original) < 1  # less than a pixel's stretch
