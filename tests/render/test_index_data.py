"""What the table of all images is made of, and the data of a report on several pages."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sample import HOSTILE, HOSTILE_NAMES, full_report, grey, hostile_report, image, panel, report

from reportgen.render.index import (
    index_data,
    leading_map,
    measures,
    raw,
    row_values,
    warning_count,
)
from reportgen.render.links import Paged
from reportgen.render.pictures import Files
from reportgen.values import MapState, Prediction

if TYPE_CHECKING:
    from pathlib import Path

    from reportgen.values import Report

METHODS = report().run.methods


def data_of(of: Report, folder: Path, page_size: int = 50) -> dict[str, Any]:
    text = index_data(of, Files(folder), Paged(page_size))
    assert text.startswith("window.reportgenIndex={")
    assert text.endswith("};\n")
    found: dict[str, Any] = json.loads(text.removeprefix("window.reportgenIndex=")[:-2])
    return found


def test_the_leading_map_is_the_large_one() -> None:
    lead = leading_map(image(), METHODS)
    assert lead is not None
    assert (lead.title, lead.place, lead.panel.method) == ("Grad-CAM", 1, "grad-cam")


def test_without_a_large_one_the_deepest_leads() -> None:
    plain = image()
    (target,) = plain.targets
    grid = replace(plain, targets=(replace(target, panels=target.panels[1:]),))
    lead = leading_map(grid, METHODS)
    assert lead is not None
    assert (lead.title, lead.place) == ("Layer-CAM", 5)
    assert lead.panel is target.panels[-1]


@pytest.mark.parametrize("targets", [(), None])
def test_without_maps_nothing_leads(targets: tuple[()] | None) -> None:
    plain = image()
    if targets is None:
        targets = (replace(plain.targets[0], panels=(), layers_agree=None),)  # type: ignore[assignment]
    bare = replace(plain, targets=targets)  # type: ignore[arg-type]
    assert leading_map(bare, METHODS) is None
    assert measures(bare, METHODS) == (None,) * 5


def test_measures_are_those_of_the_leading_map() -> None:
    assert measures(image(), METHODS) == pytest.approx((0.11, 0.7, 0.4, 0.16, 0.42))
    empty = panel("grad-cam", 4, state=MapState.NO_EVIDENCE)
    plain = image()
    dark = replace(plain, targets=(replace(plain.targets[0], panels=(empty,)),))
    assert measures(dark, METHODS) == (None, None, None, None, 0.42)


def test_numbers_for_the_script() -> None:
    assert raw((0.123456789, None, float("nan"), float("inf"), 1e-7, 0)) == "0.12346 - - - 1e-07 0"
    values = row_values(image(), METHODS).split()
    assert values[:5] == ["0.11", "0.7", "0.4", "0.16", "0.42"]
    assert values[5:] == ["0.7312", "0.1874", "0.0551", "0.0102", "0.0002"]


def test_every_warning_counts() -> None:
    counts = [warning_count(item) for item in hostile_report().images]
    assert min(counts) > 0
    assert [warning_count(item) for item in report().images] == [0, 0, 0]


def test_rows_hold_what_the_table_shows(tmp_path: Path) -> None:
    full = full_report()
    data = data_of(full, tmp_path)
    names = data["names"]
    first, second, _, stray = data["rows"]
    assert first[0] == "cats/tabby.jpg"
    assert [names[place] for place in first[1]][:2] == ["tabby", "Egyptian cat"]
    assert first[2] == [0.7312, 0.1874, 0.0551, 0.0102, 0.0002]
    assert names[first[3]] == "tabby"
    assert names[second[3]] == "beagle"
    assert stray[3] == -1
    assert first[4] == 0
    assert first[5] == pytest.approx([0.11, 0.7, 0.4, 0.16, 0.42])
    assert (tmp_path / first[6]).is_file()


def test_classes_of_one_name_stay_apart(tmp_path: Path) -> None:
    plain = image()
    cranes = (Prediction(134, "crane", 5.0, 0.6), Prediction(517, "crane", 4.0, 0.3))
    data = data_of(replace(report(), images=(replace(plain, predictions=cranes),)), tmp_path)
    assert data["names"] == ["crane", "crane"]
    assert data["rows"][0][1] == [0, 1]


def test_pages_say_where_their_images_begin(tmp_path: Path) -> None:
    images = tuple(image(f"{number}.png") for number in range(7))
    data = data_of(replace(report(), images=images), tmp_path, page_size=3)
    assert data["pages"] == [["page-1.html", 1], ["page-2.html", 4], ["page-3.html", 7]]


def test_a_compact_report_has_what_an_overlay_is_put_together_from(tmp_path: Path) -> None:
    plain = image()
    (target,) = plain.targets
    lead = replace(target.panels[0], overlay=None, grey=grey((48, 48)))
    compact = replace(plain, targets=(replace(target, panels=(lead,)),))
    dark = replace(compact, targets=())
    data = data_of(replace(report(), images=(compact, dark)), tmp_path)
    photo, place, view, shown, look = data["rows"][0][6]
    assert (tmp_path / photo).is_file()
    assert (tmp_path / shown).is_file()
    assert (place, view) == ([0, 0, 64, 48], [11, 3, 42, 42])
    assert look.split()[0] == "heat"
    assert data["rows"][1][6][3:] == ["", ""]


def test_hostile_text_cannot_leave_the_script(tmp_path: Path) -> None:
    text = index_data(hostile_report(), Files(tmp_path), Paged(50))
    for part in ("<", "\u2028", "\u2029"):
        assert part not in text
    data = data_of(hostile_report(), tmp_path)
    assert [row[0] for row in data["rows"]] == list(HOSTILE_NAMES)
    assert set(data["names"]) == {HOSTILE}


def test_numbers_that_are_not_finite_and_half_a_character(tmp_path: Path) -> None:
    plain = image("\ud800.png")
    first = replace(plain.predictions[0], probability=float("nan"))
    odd = replace(plain, predictions=(first, *plain.predictions[1:]))
    data = data_of(replace(report(), images=(odd,)), tmp_path)
    assert data["rows"][0][2][0] is None
    assert data["rows"][0][0] == "?.png"
