"""The page as an HTML parser sees it, and the templates that make it."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from markupsafe import escape
from sample import (
    ALIKE,
    CATEGORIES,
    CAUTIONS,
    HOSTILE,
    HOSTILE_NAMES,
    METHODS,
    PAIR,
    UNTRAINED,
    image,
    mosaic,
    panel,
    ranking,
)

from reportgen.errors import TemplateError
from reportgen.render import RenderOptions, check_templates, render
from reportgen.render import environment as environment_module
from reportgen.render import sections as sections_module
from reportgen.render.environment import SCRIPTS, STYLES
from reportgen.render.evidence import MEASURES
from reportgen.render.needed import needed
from reportgen.render.words import (
    THRESHOLDS,
    describe_agreement,
    describe_heat,
    describe_overlap,
)
from reportgen.values import MapState, Metric, ViewGeometry

if TYPE_CHECKING:
    from pathlib import Path

    from reportgen.values import Report

ALLOWED = """
    color-interpolation-filters data-alpha data-box data-cells data-colormap data-form data-key
    data-label data-layer data-map data-method data-model data-name data-names data-original
    data-peak data-probability data-raw data-state data-target
    data-view fill filter hidden offset opacity
    primitiveunits slope stddeviation stop-color tablevalues type data-weights
    alt aria-hidden aria-label aria-labelledby charset class colspan content cx cy d data-copy
    data-filterable data-match data-mosaic data-sort data-sortable data-value data-verdict datetime
    decoding height href http-equiv id lang name open points preserveaspectratio r rel role scope
    src start style tabindex title viewbox width x x1 x2 y y1 y2
"""
ATTRIBUTES = set(ALLOWED.split())


class Page(HTMLParser):
    """Elements, attributes, text and headings of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.script = ""
        self.kind = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kind = "svg title" if tag == "title" and "svg" in self.open else tag
        if tag == "script" and dict(attrs).get("type") == "application/json":
            kind = "data"
        self.elements[kind] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.open.append(tag)
        self.kind = kind

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        if inside == "script":
            self.script += data if self.kind == "script" else ""
        elif inside != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def values(self, name: str) -> list[str]:
        return [value for _, attribute, value in self.attributes if attribute == name]


def written(report: Report, folder: Path, template_dir: Path | None = None) -> str:
    render(report, folder, RenderOptions(template_dir))
    return (folder / "index.html").read_text(encoding="utf-8")


def squeezed(text: str) -> str:
    """Return ``text`` with single spaces, as a browser shows it."""
    return re.sub(r"\s+", " ", text)


def section(page: str, name: str) -> str:
    """Return the part of ``page`` with the anchor ``name``."""
    start = page.index(f'<section class="part" id="{name}"')
    return page[start : page.index('<section class="part"', start + 1)]


TITLES = {method.name: method.title for method in METHODS}


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    folder = tmp_path / "templates"
    (folder / "sections").mkdir(parents=True)
    return folder


# -- safety ----------------------------------------------------------------------------------


def test_hostile_text_stays_text(hostile: Report, measured: Report, tmp_path: Path) -> None:
    page = Page(written(hostile, tmp_path))
    assert page.elements["script"] == page.elements["style"] == page.elements["title"] == 1
    assert set(page.elements) <= set(Page(written(measured, tmp_path)).elements)
    assert {name for _, name, _ in page.attributes} <= ATTRIBUTES
    assert "alert(1)" not in page.script
    for data in page.values("data-mosaic"):
        assert [name for name, _ in json.loads(data)["weights"]] == [HOSTILE, HOSTILE]
    for name in HOSTILE_NAMES:
        assert name in page.text
    assert "{{7*7}}" in page.text
    # What 7*7 would have become; no number of the sample has these digits.
    assert "49" not in page.text


def test_links_lead_into_the_page_or_to_files_beside_it(hostile: Report, tmp_path: Path) -> None:
    page = Page(written(hostile, tmp_path))
    anchors = set(page.values("id"))
    for link in page.values("href"):
        if link.startswith("#"):
            assert link[1:] in anchors
        elif not link.startswith("data:image/"):
            assert re.fullmatch(r"[\w%./~-]+", link), link
    assert all(source.startswith("data:image/") for source in page.values("src"))


@pytest.mark.parametrize("name", ["sample", "full", "measured"])
def test_every_id_is_unique(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    report = request.getfixturevalue(name)
    assert [
        name
        for name, number in Counter(Page(written(report, tmp_path)).values("id")).items()
        if number > 1
    ] == []


def test_the_policy_allows_exactly_the_script_of_the_page(sample: Report, tmp_path: Path) -> None:
    page = Page(written(sample, tmp_path))
    digest = b64encode(sha256(page.script.encode()).digest()).decode()
    (policy,) = [value for value in page.values("content") if value.startswith("default-src")]
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy


def test_overlay_links_are_percent_encoded(sample: Report, tmp_path: Path) -> None:
    links = Page(written(sample, tmp_path)).values("href")
    assert "overlays/a%20b/%230%3F.png" in links


# -- what it says ----------------------------------------------------------------------------


def test_maps_that_cannot_be_drawn_say_so(sample: Report, tmp_path: Path) -> None:
    page = written(sample, tmp_path)
    empty = [figure for figure in figures(page) if 'class="empty"' in figure]
    assert [Page(figure).text.split(" ")[0] for figure in empty] == ["no", "map"]
    assert "no positive evidencefeatures.3 " in Page(empty[0]).text
    assert "map is not finitefeatures.6 " in Page(empty[1]).text
    assert not any("data-map" in figure for figure in empty)


def figures(page: str) -> list[str]:
    """Return every panel of ``page``."""
    return re.findall(r'<figure class="panel".*?</figure>', page, re.DOTALL)


def test_the_map_stands_before_its_overlay(sample: Report, tmp_path: Path) -> None:
    panels = figures(written(replace(sample, images=(image(),)), tmp_path))
    assert len(panels) == 6
    for figure in panels:
        assert figure.index('class="alone"') < figure.index("<image ") < figure.index("<img ")


def test_layers_run_from_shallow_to_deep(sample: Report, tmp_path: Path) -> None:
    page = written(replace(sample, images=(image(),)), tmp_path)
    layers = re.findall(r'<span class="layer">([^<]+)</span>', page)
    assert layers == [METHODS[0].layers[0], *METHODS[1].layers]


def test_random_weights_and_failures_are_announced(
    sample: Report, sample_untrained: Report, tmp_path: Path
) -> None:
    assert "weights of this model are random" in written(sample_untrained, tmp_path)
    page = written(sample, tmp_path)
    assert "weights of this model are random" not in page
    assert "1 image could not be" in page
    assert 'href="#failures"' in page
    assert 'href="#failures"' not in written(replace(sample, failures=()), tmp_path)


def test_a_run_in_which_every_image_failed(sample: Report, tmp_path: Path) -> None:
    page = Page(written(replace(sample, images=()), tmp_path))
    assert {"summary", "failures", "how"} <= set(page.values("id"))
    assert not {"predictions", "images"} & set(page.values("id"))


@pytest.mark.parametrize("name", ["sample", "full", "measured"])
def test_headings_never_skip_a_level(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    page = written(request.getfixturevalue(name), tmp_path)
    levels = [int(level) for level in re.findall(r"<h([1-6])", page)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_command_can_be_pasted(sample: Report, tmp_path: Path) -> None:
    text = Page(written(sample, tmp_path)).text
    assert """reportgen 'my photos' --target top1 --out 'reports/it'"'"'s here'""" in text


@pytest.mark.parametrize("layers", [1, 12])
@pytest.mark.parametrize("targets", [1, 5])
def test_any_number_of_layers_and_targets(
    layers: int, targets: int, sample: Report, tmp_path: Path
) -> None:
    one = image(targets=targets, layers=layers, view=(64, 40))
    page = Page(written(replace(sample, images=(one,)), tmp_path))
    targets_shown = [name for name in page.values("id") if re.fullmatch(r".*-target-\d+", name)]
    assert len(targets_shown) == targets
    alts = [alt for alt in page.values("alt") if "“tabby” at features.0" in alt]
    assert alts == ["Layer-CAM for “tabby” at features.0, peak at the left; opens the full size"]
    assert all(category in page.text for category in CATEGORIES)


def test_targets_without_a_drawn_map_are_still_compared(sample: Report, tmp_path: Path) -> None:
    plain = image(targets=2)
    empty = panel("grad-cam", 4, state=MapState.NO_EVIDENCE, peak=0.0)
    targets = tuple(replace(item, panels=(empty,)) for item in plain.targets)
    page = Page(written(replace(sample, images=(replace(plain, targets=targets),)), tmp_path))
    assert page.text.count("no positive evidence") == 2 * 3  # overview, beside the other, alone


# -- what is only there where it was asked for ------------------------------------------------


def test_a_plain_report_has_nothing_of_the_rest(sample: Report, tmp_path: Path) -> None:
    page = Page(written(sample, tmp_path))
    absent = {"labels", "words", "overview-title", "evidence", "boxes", "measures"}
    assert not absent & set(page.values("id"))
    for word in ("True class", "Accuracy", "Reading", "Feature maps", "Difference"):
        assert word not in page.text
    assert not {"warning", "warnings"} & set(page.values("class"))
    for word in ("Faithfulness", "IoU", "raw maps", "metrics.csv"):
        assert word not in page.text
    assert "data-mosaic" not in {name for _, name, _ in page.attributes}


def test_a_group_is_called_one_and_names_its_classes(full: Report, tmp_path: Path) -> None:
    text = squeezed(Page(written(full, tmp_path)).text)
    assert text.count("group of 5 classes") == len(full.images)
    assert "tabby, Egyptian cat, tiger cat, lynx, Siamese cat, Siamese. The probability" in text
    assert "the model’s 37th choice" in text
    assert "None" not in text


def test_the_map_on_the_original_is_shown_and_shaded(full: Report, tmp_path: Path) -> None:
    page = Page(written(replace(full, images=full.images[:1]), tmp_path))
    text = squeezed(page.text)
    assert text.count("On the original photo.") == 2
    labels = [label for label in page.values("aria-label") if "on the original photo" in label]
    assert labels == ["Grad-CAM, on the original photo"] * 2
    assert page.values("class").count("unseen") == 1
    assert page.values("href").count("#whole-1") == 2
    assert page.values("href").count("originals/a%20b/%23cam.png") == 2


def test_without_a_shade_nothing_is_said_of_one(full: Report, tmp_path: Path) -> None:
    whole = ViewGeometry((224, 224), (224, 224), 0, 0, (224, 224))
    images = (replace(full.images[0], geometry=whole),)
    page = Page(written(replace(full, images=images), tmp_path))
    assert "unseen" not in page.values("class")
    assert "On the original photo." not in page.text  # it would be the overlay once more
    assert "cut away" not in page.text


@pytest.mark.parametrize(
    ("geometry", "mode", "caption"),
    [
        (ViewGeometry((1280, 960), (341, 256), 58, 16, (224, 224)), "shorter", "was cut away"),
        (ViewGeometry((640, 480), (224, 168), 0, -28, (224, 224)), "letterbox", ", with padding."),
        (ViewGeometry((640, 480), (224, 224), 0, 0, (224, 224)), "squash", "all of it, squashed."),
        (ViewGeometry((61, 47), (61, 47), 0, 0, (61, 47)), "none", "The model saw all of it."),
    ],
)
def test_the_caption_says_what_the_model_saw(
    geometry: ViewGeometry, mode: str, caption: str, full: Report, tmp_path: Path
) -> None:
    run = replace(full.run, preprocessing=replace(full.run.preprocessing, mode=mode))
    report = replace(full, run=run, images=(replace(full.images[0], geometry=geometry),))
    (found,) = re.findall(r"<figcaption>Original, .*?</figcaption>", written(report, tmp_path))
    assert caption in found


def test_labels_are_told_in_words_not_in_colour_alone(full: Report, tmp_path: Path) -> None:
    page = Page(written(full, tmp_path))
    text = squeezed(page.text)
    assert "True class beagle ✗ wrong the model ranks it 3rd" in text
    assert "True class tabby ✓ right" in text
    assert "2 of 3 right 66.7%; among the first 5: 3, 100.0%" in text
    assert "1 image without a label is not counted." in text


def test_wrong_pictures_are_listed(full: Report, tmp_path: Path) -> None:
    part = section(written(full, tmp_path), "labels")
    links = re.findall(r'<a href="(#image-\d+)"', part)
    assert links == ["#image-2"]
    assert full.evaluation is not None
    counts = replace(full.evaluation, images=51, right=0)
    many = replace(full, images=(full.images[1],) * 51, evaluation=counts)
    part = section(written(many, tmp_path), "labels")
    assert len(re.findall(r'<a href="#image-\d+"', part)) == 50
    assert "The first 50 of 51" in part
    none = replace(many, images=full.images[:1], evaluation=replace(counts, right=51))
    assert "<p>None.</p>" in section(written(none, tmp_path), "labels").replace(
        ' class="quiet"', ""
    )


def test_the_confusion_matrix_is_left_out_where_classes_are_too_many(
    full: Report, tmp_path: Path
) -> None:
    page = written(full, tmp_path)
    assert "beagle, taken for Egyptian cat: 1 of 1" in page
    assert full.evaluation is not None
    many = replace(full, evaluation=replace(full.evaluation, confusion=None))
    page = written(many, tmp_path)
    assert '<table class="confusion' not in page
    assert "too many for a table" in page


def test_methods_and_targets_stand_side_by_side(full: Report, tmp_path: Path) -> None:
    page = written(replace(full, images=full.images[:1]), tmp_path)
    (table,) = re.findall(r'<table class="abreast".*?</table>', page, re.DOTALL)
    rows = [re.findall(r'aria-label="([^"]*)"', row) for row in table.split("<tr>")[2:]]
    expected = [
        [f"{method} for “{name}” at features.10, peak at the right" for name in PAIR]
        for method in ("Grad-CAM", "Layer-CAM")
    ]
    expected[0].append("Grad-CAM of “cat” less that of “dog”, at features.10")
    assert rows == expected
    assert table.count('href="#image-1-target-2"') == 2


def test_more_than_four_targets_wrap(sample: Report, tmp_path: Path) -> None:
    page = written(replace(sample, images=(image(targets=5),)), tmp_path)
    assert '<table class="abreast"' not in page
    assert "The 5 targets side by side" in page


def test_the_overview_leads_to_every_target(full: Report, tmp_path: Path) -> None:
    page = written(full, tmp_path)
    (table,) = re.findall(r'<table class="overview".*?</table>', page, re.DOTALL)
    links = re.findall(r'href="#(image-\d+-target-\d+)"', table)
    assert links == [
        f"image-{number}-target-{target}" for number in (1, 2, 3, 4) for target in (1, 2, 1, 2)
    ]
    assert set(links) <= set(Page(page).values("id"))
    assert table.count("Grad-CAM for </span><bdi>dog</bdi>") == 1
    assert table.count('colspan="2"') == 2


def test_readings_are_told_in_numbers_and_in_words(full: Report, tmp_path: Path) -> None:
    page = written(replace(full, images=full.images[:1]), tmp_path)
    text = squeezed(Page(page).text)
    assert page.count('<table class="quadrants">') == 2 * 2
    record = full.images[0].targets[0]
    assert record.reading is not None
    assert record.reading.methods_agree is not None
    for sentence in (
        describe_heat(record.reading.heats[0], "Grad-CAM", "cat"),
        describe_agreement(record.reading.methods_agree, TITLES),
        describe_overlap(full.images[0].overlaps[1], TITLES),
    ):
        assert squeezed(sentence) in text
    assert "−0.20" in text
    for threshold in THRESHOLDS:
        assert threshold.words in text


def test_a_reading_of_one_method_compares_none(full: Report, tmp_path: Path) -> None:
    first = full.images[0]
    (target, _) = first.targets
    assert target.reading is not None
    alone = replace(target.reading, heats=target.reading.heats[:1], methods_agree=None)
    one = replace(first, targets=(replace(target, reading=alone),), overlaps=())
    (block,) = re.findall(
        r'<div class="readings">.*?</section>',
        written(replace(full, images=(one,)), tmp_path),
        re.DOTALL,
    )
    assert "agree" not in block


def test_feature_maps_say_how_they_are_scaled_and_ordered(full: Report, tmp_path: Path) -> None:
    first = full.images[0]
    page = written(replace(full, images=(first,)), tmp_path)
    assert "12 channels of 13×13" in page
    assert "4×3 tiles, in order of channel number; each tile from its own minimum" in page
    assert 'href="features/a%20b/%231.png"' in page
    assert page.count('<span class="channel">') == 2 * 8
    assert "Largest Grad-CAM weights for <bdi>dog</bdi>" in page
    assert "weight +0.0889" in page
    assert page.count('"tiles enlarged"') == 1
    large = replace(first, mosaics=(mosaic(channels=400, columns=40),))
    assert '"tiles enlarged"' not in written(replace(full, images=(large,)), tmp_path)
    other = replace(first, mosaics=(mosaic(ordered_by="weight", scale="layer"),))
    page = written(replace(full, images=(other,)), tmp_path)
    assert "Grad-CAM weight for the first target, largest first; all tiles from −3.25 to" in page


def test_the_network_is_printed_with_what_is_explained(full: Report, tmp_path: Path) -> None:
    page = written(full, tmp_path)
    (block,) = re.findall(r'<details class="structure".*?</details>', page, re.DOTALL)
    assert block.startswith('<details class="structure" open>')
    text = Page(block).text
    assert "\nAlexNet(\n  (features): Sequential(\n    (0): Conv2d(3, 64" in "\n" + text.partition(
        "prints it"
    )[2].strip("\n")
    assert block.count("explained") == 2
    assert re.findall(r'<span class="tag">([^<]+)', block) == [
        "Layer-CAM",
        "Grad-CAM",
        "Layer-CAM",
        "feature maps",
    ]
    long = replace(full, run=replace(full.run, structure=full.run.structure * 9))
    assert '<details class="structure">' in written(long, tmp_path)


def test_where_things_come_from(full: Report, tmp_path: Path) -> None:
    origins: dict[str, Any] = {"recipe_origin": "R-1", "categories_origin": "C-1", "labels": "L-1"}
    text = squeezed(Page(written(replace(full, run=replace(full.run, **origins)), tmp_path)).text)
    assert "0.225) R-1" in text
    assert "Class namesC-1" in text
    assert "LabelsL-1" in text
    nothing: dict[str, Any] = dict.fromkeys(origins, "")
    text = squeezed(Page(written(replace(full, run=replace(full.run, **nothing)), tmp_path)).text)
    assert "Class names" not in text
    assert "Labels" not in text


# -- evidence --------------------------------------------------------------------------------


def only(report: Report) -> Report:
    """Return ``report`` with its first picture alone."""
    return replace(report, images=report.images[:1])


def test_warnings_stand_where_they_belong(measured: Report, tmp_path: Path) -> None:
    page = written(only(measured), tmp_path)
    alike = page.index(f"<bdi>{ALIKE.text}", page.index('<article class="image"'))
    assert alike < page.index('<div class="source"')
    target = page.index('id="image-1-target-1"')
    assert target < page.index(f"<bdi>{escape(UNTRAINED.text)}") < page.index('<div class="maps')
    folded = re.findall(r'<details class="folded">(.*?)</details>', page, re.DOTALL)
    counts = [re.findall(r"<summary>(.*?)</summary>", item)[0] for item in folded]
    assert counts == ["1 warning", "2 warnings", "1 warning", "2 warnings"]
    assert [item.count("<li>") for item in folded] == [1, 2, 1, 2]
    assert all(str(escape(CAUTIONS[0].text)) in item for item in folded)
    text = squeezed(Page(page).text)
    assert "peak 32.0, 2 warnings" in text  # beside the other target, too


def test_a_map_drawn_large_has_its_warnings_in_full(measured: Report, tmp_path: Path) -> None:
    first = measured.images[0]
    large = replace(first.targets[0].panels[0], cautions=CAUTIONS)
    target = replace(first.targets[0], panels=(large,), cautions=())
    one = replace(first, targets=(target,), cautions=())
    page = written(replace(measured, images=(one,)), tmp_path)
    assert '<details class="folded">' not in page
    assert page.count('<li class="warning"><span class="word">Warning</span>') == 2


def test_the_summary_counts_pictures_with_warnings(measured: Report, tmp_path: Path) -> None:
    part = section(written(measured, tmp_path), "summary")
    assert "on 2 of 4 images" in part
    assert '<a href="#image-1">' in part
    of_the_second = replace(measured, images=tuple(reversed(measured.images)))
    assert '<a href="#image-3">' in section(written(of_the_second, tmp_path), "summary")


def test_raw_maps_are_linked(measured: Report, tmp_path: Path) -> None:
    page = written(measured, tmp_path)
    assert page.count(">raw maps (.npz)</a>") == 1
    assert '<a href="maps/a%20b/%231.npz">' in page


def test_faithfulness_is_a_table_with_the_best_marked(measured: Report, tmp_path: Path) -> None:
    page = written(only(measured), tmp_path)
    (part,) = re.findall(r'<div class="faithfulness">.*?</table>', page, re.DOTALL)
    rows = [
        [(text, bool(best)) for best, text in re.findall(CELL, row)] for row in part.split("<tr>")
    ][2:]
    assert [row[0] for row in rows] == [
        ("0.110", True),
        *((f"{0.11 + 0.13 * number:.3f}", False) for number in range(1, 5)),
        ("1.000", False),
    ]
    assert [row[1][0] for row in rows] == ["no", "no", "yes", "no", "no", "no"]
    assert [row[1][1] for row in rows] == [False, False, True, False, False, False]
    assert not any(row[3][1] for row in rows)  # all the same: none is better
    assert [row[2] for row in rows][-2:] == [("0.344", True), ("–", False)]
    assert rows[0][5] == ("0.123", True)  # the constant map has 0, and does not count
    assert [row[6][0] for row in rows] == ["0.870", "–", "0.870", "0.870", "0.870", "–"]
    for measure in MEASURES:
        assert f"{measure.title} <span" in part
    assert part.count("lower is better") == 3
    assert page.count('<svg class="plot"') == 5 * 3
    assert page.count("<title>Deletion: Layer-CAM for “cat” at features.8</title>") == 1


CELL = r'<td class="number">(<strong>)?([^<]*)'


def test_rankings_say_the_verdict_first(measured: Report, tmp_path: Path) -> None:
    part = section(written(measured, tmp_path), "evidence")
    assert part.index(measured.verdict) < part.index("Bonferroni") < part.index("<table")
    tables = re.findall(r'<table class="ranking">.*?</table>', part, re.DOTALL)
    assert [table.count('<th scope="row"') for table in tables] == [6, 2]
    assert "higher is better; 36 images" in tables[0]
    assert "lower is better; 36 images" in tables[1]
    text = squeezed(Page(tables[0]).text)
    assert "0.482" in text
    assert "0.441 to 0.534" in text
    assert "0.030 (−0.020 to 0.090) may be chance" in text
    assert "0.060 (0.010 to 0.120) more than chance" in text
    assert tables[0].count('class="tag"') == 4
    assert tables[0].count('<svg class="strip" aria-hidden="true">') == 6


@pytest.mark.parametrize("metrics", [1, 10])
@pytest.mark.parametrize("candidates", [1, 2, 20])
def test_any_number_of_metrics_and_candidates(
    metrics: int, candidates: int, sample: Report, tmp_path: Path
) -> None:
    found = tuple(
        ranking(Metric(f"m{number}", f"metric {number}", higher_is_better=True), candidates)
        for number in range(metrics)
    )
    page = written(replace(sample, rankings=found, verdict="V-1"), tmp_path)
    part = section(page, "evidence")
    assert part.count('<table class="ranking">') == metrics
    assert part.count('<td class="place number">') == metrics * candidates
    assert "#measures" not in part  # there is nothing to lead to
    assert "V-1" in part


def test_boxes_are_drawn_and_counted(measured: Report, tmp_path: Path) -> None:
    page = written(only(measured), tmp_path)
    text = squeezed(Page(page).text)
    assert "IoU 0.62, energy 54.1%, peak hits the box" in text
    assert "IoU 0.52, energy 54.1%, peak misses the boxes" in text
    assert page.count('<svg class="boxes" viewBox="0 0 224 224"') == 6
    assert page.count('<rect class="given"') == 6 + 3
    assert page.count('<rect class="own"') == 5
    assert '<rect class="own" x="33.0" y="25.5" width="138.0" height="162.5"/>' in page
    assert page.count('<p class="fine key">') == 1
    part = section(page, "boxes")
    assert "boxes.csv (4 boxes; 1 outside the view)" in part
    cells = [text for _, text in re.findall(CELL, part)]
    assert cells[:7] == [
        "4",
        "3 of 4, 75.0%",
        "54.0%",
        "0.62",
        "2 of 4, 50.0%",
        "1 of 2, 50.0%",
        "2 of 2, 100.0%",
    ]
    groups = tuple(replace(item, ranked=0, loc1=0, loc5=0) for item in measured.localisation)
    part = section(written(replace(measured, localisation=groups), tmp_path), "boxes")
    assert [text for _, text in re.findall(CELL, part)][5:7] == ["–", "–"]


# -- templates -------------------------------------------------------------------------------


def test_one_section_can_be_replaced(sample: Report, templates: Path, tmp_path: Path) -> None:
    (templates / "sections/summary.html.j2").write_text("<p>Mine: {{ run.device }}</p>\n")
    page = Page(written(sample, tmp_path, template_dir=templates))
    assert "Mine: cpu (2 threads)" in page.text
    assert "First choices of the model" not in page.text
    assert "Next choices" in page.text


def test_style_and_script_can_be_replaced_and_are_taken_literally(
    sample: Report, templates: Path, tmp_path: Path
) -> None:
    (templates / "report.css").write_text("a { #b { color: red } } {{ not_a_name }}")
    (templates / "styles").mkdir()
    (templates / "styles/maps.css").write_text("b{#c}")
    (templates / "report.js").write_text("'use strict'; '{% raw %}'; // {# }")
    page = written(sample, tmp_path, template_dir=templates)
    assert "a{#b{color:red}}{{not_a_name}}" in page
    assert "b{#c}" in page
    assert ".overview .file" not in page
    assert "'use strict';'{% raw %}';" in Page(page).script
    assert "hashchange" in Page(page).script


def test_a_replacement_can_extend_what_it_replaces(
    sample: Report, templates: Path, tmp_path: Path
) -> None:
    (templates / "sections/failures.html.j2").write_text(
        '<p>Before</p>{% include "builtin/sections/failures.html.j2" %}'
    )
    text = Page(written(sample, tmp_path, template_dir=templates)).text
    assert text.index("Before") < text.index("Left out of everything above")


def test_a_new_section_is_one_template_and_one_line(
    sample: Report, templates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (templates / "sections/extra.html.j2").write_text("<p>Extra</p>")
    extra = sections_module.Section("extra", "Extra", "sections/extra.html.j2", bool)
    monkeypatch.setattr(sections_module, "SECTIONS", (*sections_module.SECTIONS, extra))
    page = Page(written(sample, tmp_path, template_dir=templates))
    assert "extra" in page.values("id")
    assert "#extra" in page.values("href")


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("one\n{{ no_such_name }}\n", 2, "'no_such_name' is undefined"),
        ("one\ntwo\n{{ run.no_such_field }}\n", 3, "no attribute 'no_such_field'"),
        ("{% if %}\n", 1, "Expected an expression"),
        ("\n{{ 1 // 0 }}\n", 2, "ZeroDivisionError"),
        ("\n{% include 'nowhere.j2' %}\n", 2, "nowhere.j2"),
        ("\n\n{{ run.device|no_such_filter }}", 3, "No filter named 'no_such_filter'"),
        ("{% from 'macros.html.j2' import bar %}\n{{ bar() }}", 2, "'fraction' was not provided"),
    ],
)
def test_a_template_that_fails_names_file_and_line(  # noqa: PLR0913, PLR0917 - parameters
    text: str, line: int, found: str, sample: Report, templates: Path, tmp_path: Path
) -> None:
    file = templates / "sections/summary.html.j2"
    file.write_text(text)
    with pytest.raises(TemplateError) as error:
        render(sample, tmp_path, RenderOptions(templates))
    message = str(error.value)
    assert message.startswith(f"{file}, line {line}: ")
    assert found in message
    assert "--template-dir" in message
    assert not (tmp_path / "index.html").exists()


def test_a_template_that_is_not_utf8(sample: Report, templates: Path, tmp_path: Path) -> None:
    file = templates / "sections/how.html.j2"
    file.write_bytes(b"caf\xe9")
    with pytest.raises(TemplateError, match=r"how\.html\.j2: expected UTF-8"):
        render(sample, tmp_path, RenderOptions(templates))


def test_an_asset_that_would_end_its_element(
    sample: Report, templates: Path, tmp_path: Path
) -> None:
    (templates / "report.js").write_text("a;\nb('</ScRiPt>');")
    with pytest.raises(TemplateError, match=r"report\.js, line 2: found '</ScRiPt'"):
        render(sample, tmp_path, RenderOptions(templates))


@pytest.mark.parametrize("kind", ["nothing", "a file"])
def test_a_template_folder_that_is_not_there(kind: str, sample: Report, tmp_path: Path) -> None:
    folder = tmp_path / "typo"
    if kind == "a file":
        folder.touch()
    with pytest.raises(TemplateError, match=f"typo: expected a folder, found {kind}"):
        render(sample, tmp_path, RenderOptions(folder))


def test_templates_can_be_checked_before_the_run(templates: Path) -> None:
    check_templates(None)
    check_templates(templates)
    (templates / "sections/how.html.j2").write_text("\n{% for %}")
    with pytest.raises(TemplateError, match=r"how\.html\.j2, line 2"):
        check_templates(templates)


@pytest.mark.parametrize("name", [*STYLES, *SCRIPTS])
def test_every_style_and_script_is_checked(name: str, templates: Path) -> None:
    (templates / name).parent.mkdir(parents=True, exist_ok=True)
    (templates / name).write_text("</style></script>")
    with pytest.raises(TemplateError, match=re.escape(name)):
        check_templates(templates)


def test_a_mistake_outside_the_templates_is_not_blamed_on_them(
    sample: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_report: Report) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(
        sections_module, "SECTIONS", (sections_module.Section("a", "A", "a", broken),)
    )
    with pytest.raises(ZeroDivisionError):
        render(sample, tmp_path)


def test_the_installed_templates_win_over_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "reportgen"
    (package).mkdir()
    monkeypatch.setattr(environment_module, "_PACKAGE", package)
    assert environment_module.builtin_folder() == tmp_path / "templates"
    (package / "templates").mkdir()
    assert environment_module.builtin_folder() == package / "templates"


def test_only_a_page_of_many_pictures_lays_them_out_late(sample: Report, tmp_path: Path) -> None:
    many = replace(sample, images=(sample.images[0],) * 101)
    assert '<body class="many"' in written(many, tmp_path)
    assert "<body data-" in written(sample, tmp_path)


@pytest.mark.parametrize("images", [20, 21])
def test_only_what_is_near_the_window_is_laid_out_where_images_are_many(
    images: int, sample: Report, tmp_path: Path
) -> None:
    text = written(replace(sample, images=(image(),) * images), tmp_path)
    assert ('<body class="many"' in text) == (images > 20)


def test_a_page_of_images_has_no_styles_of_what_stands_on_the_first(measured: Report) -> None:
    front = {"styles/evidence.css", "styles/labels.css"}
    assert front <= set(needed(STYLES, measured, "single"))
    assert front <= set(needed(STYLES, measured, "index"))
    assert set(needed(STYLES, measured, "page")) & {*front, "styles/measured.css"} == {
        "styles/measured.css"
    }
