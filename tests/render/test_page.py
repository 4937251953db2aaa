"""The page as an HTML parser sees it, and the templates that make it."""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from sample import CATEGORIES, HOSTILE_NAMES, METHODS, image, panel

from reportgen.errors import TemplateError
from reportgen.render import check_templates, render
from reportgen.render import environment as environment_module
from reportgen.render import sections as sections_module
from reportgen.values import MapState

if TYPE_CHECKING:
    from pathlib import Path

    from reportgen.values import Report

ALLOWED = """
    alt aria-hidden aria-label aria-labelledby charset class content data-copy data-match
    data-sort data-sortable data-value datetime decoding height href http-equiv id lang name rel
    role scope src start style tabindex title width
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
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        if inside == "script":
            self.script += data
        elif inside != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def values(self, name: str) -> list[str]:
        return [value for _, attribute, value in self.attributes if attribute == name]


def written(report: Report, folder: Path, **options: Path) -> str:
    render(report, folder, **options)
    return (folder / "index.html").read_text(encoding="utf-8")


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    folder = tmp_path / "templates"
    (folder / "sections").mkdir(parents=True)
    return folder


# -- safety ----------------------------------------------------------------------------------


def test_hostile_text_stays_text(hostile: Report, sample: Report, tmp_path: Path) -> None:
    page = Page(written(hostile, tmp_path))
    assert page.elements["script"] == page.elements["style"] == page.elements["title"] == 1
    assert set(page.elements) <= set(Page(written(sample, tmp_path)).elements) | {"nav"}
    assert {name for _, name, _ in page.attributes} <= ATTRIBUTES
    assert "alert(1)" not in page.script
    for name in HOSTILE_NAMES:
        assert name in page.text
    assert "{{7*7}}" in page.text
    assert "49" not in page.text.replace(hostile.run.created.isoformat(), "")


def test_links_lead_into_the_page_or_to_files_beside_it(hostile: Report, tmp_path: Path) -> None:
    page = Page(written(hostile, tmp_path))
    anchors = set(page.values("id"))
    for link in page.values("href"):
        if link.startswith("#"):
            assert link[1:] in anchors
        elif not link.startswith("data:image/svg+xml,"):
            assert re.fullmatch(r"[\w%./~-]+", link), link
    assert all(source.startswith("data:image/") for source in page.values("src"))


def test_every_id_is_unique(sample: Report, tmp_path: Path) -> None:
    assert [
        name
        for name, number in Counter(Page(written(sample, tmp_path)).values("id")).items()
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
    page = Page(written(sample, tmp_path))
    labels = [label for label in page.values("aria-label") if label.startswith("Layer-CAM")]
    assert labels == [
        "Layer-CAM for “lynx” at features.3: no positive evidence",
        "Layer-CAM for “lynx” at features.6: map is not finite",
    ]


def test_alternative_texts_name_method_class_and_layer(sample: Report, tmp_path: Path) -> None:
    alts = Page(written(sample, tmp_path)).values("alt")
    assert "Grad-CAM for “tabby” at features.10, overlay" in alts
    assert "Layer-CAM for “tabby” at features.3, map alone" in alts


def test_the_map_stands_before_its_overlay(sample: Report, tmp_path: Path) -> None:
    alts = [
        alt
        for alt in Page(written(replace(sample, images=(image(),)), tmp_path)).values("alt")
        if alt.startswith("Layer-CAM")
    ]
    assert len(alts) == 10
    for left, right in zip(alts[::2], alts[1::2], strict=True):
        assert left.endswith("map alone")
        assert "overlay" in right
        assert left.split(",")[0] == right.split(",")[0]


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


def test_headings_never_skip_a_level(sample: Report, tmp_path: Path) -> None:
    levels = [int(level) for level in re.findall(r"<h([1-6])", written(sample, tmp_path))]
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
    assert page.values("alt").count("Layer-CAM for “tabby” at features.0, map alone") == 1
    assert all(category in page.text for category in CATEGORIES)


def test_targets_without_a_drawn_map_are_still_compared(sample: Report, tmp_path: Path) -> None:
    plain = image(targets=2)
    empty = panel("grad-cam", 4, state=MapState.NO_EVIDENCE, peak=0.0)
    targets = tuple(replace(item, panels=(empty,)) for item in plain.targets)
    page = Page(written(replace(sample, images=(replace(plain, targets=targets),)), tmp_path))
    assert page.text.count("no positive evidence") == 4


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
    (templates / "report.css").write_text("a{#b{color:red}} {{ not_a_name }}")
    (templates / "report.js").write_text("'use strict'; /* {% raw */")
    page = written(sample, tmp_path, template_dir=templates)
    assert "a{#b{color:red}} {{ not_a_name }}" in page
    assert Page(page).script == "'use strict'; /* {% raw */"


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
        ("\n\n{{ run.seconds|no_such_filter }}", 3, "No filter named 'no_such_filter'"),
        ("{% from 'macros.html.j2' import bar %}\n{{ bar() }}", 2, "'fraction' was not provided"),
    ],
)
def test_a_template_that_fails_names_file_and_line(  # noqa: PLR0913, PLR0917 - parameters
    text: str, line: int, found: str, sample: Report, templates: Path, tmp_path: Path
) -> None:
    file = templates / "sections/summary.html.j2"
    file.write_text(text)
    with pytest.raises(TemplateError) as error:
        render(sample, tmp_path, template_dir=templates)
    message = str(error.value)
    assert message.startswith(f"{file}, line {line}: ")
    assert found in message
    assert "--template-dir" in message
    assert not (tmp_path / "index.html").exists()


def test_a_template_that_is_not_utf8(sample: Report, templates: Path, tmp_path: Path) -> None:
    file = templates / "sections/how.html.j2"
    file.write_bytes(b"caf\xe9")
    with pytest.raises(TemplateError, match=r"how\.html\.j2: expected UTF-8"):
        render(sample, tmp_path, template_dir=templates)


def test_an_asset_that_would_end_its_element(
    sample: Report, templates: Path, tmp_path: Path
) -> None:
    (templates / "report.js").write_text("a;\nb('</ScRiPt>');")
    with pytest.raises(TemplateError, match=r"report\.js, line 2: found '</ScRiPt'"):
        render(sample, tmp_path, template_dir=templates)


@pytest.mark.parametrize("kind", ["nothing", "a file"])
def test_a_template_folder_that_is_not_there(kind: str, sample: Report, tmp_path: Path) -> None:
    folder = tmp_path / "typo"
    if kind == "a file":
        folder.touch()
    with pytest.raises(TemplateError, match=f"typo: expected a folder, found {kind}"):
        render(sample, tmp_path, template_dir=folder)


def test_templates_can_be_checked_before_the_run(templates: Path) -> None:
    check_templates(None)
    check_templates(templates)
    (templates / "sections/how.html.j2").write_text("\n{% for %}")
    with pytest.raises(TemplateError, match=r"how\.html\.j2, line 2"):
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
    assert '<body class="many">' in written(many, tmp_path)
    assert "<body>" in written(sample, tmp_path)
