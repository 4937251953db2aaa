"""Which pictures are worth a look first, and what is said of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sample import CAUTIONS, full_report, image, reading, report

from reportgen.render.findings import APART, BORDER, EACH, MOST, findings
from reportgen.values import Caution, TrueClass

if TYPE_CHECKING:
    from reportgen.values import ImageRecord, Report


def of(*images: ImageRecord) -> Report:
    return replace(report(), images=images)


def plain(name: str = "a.png", *, first: float = 0.9, second: float = 0.05) -> ImageRecord:
    """Return a picture that nothing is to be said of."""
    record = image(name)
    one, two, *rest = record.predictions
    return replace(
        record,
        predictions=(replace(one, probability=first), replace(two, probability=second), *rest),
    )


def wrong(name: str, probability: float) -> ImageRecord:
    return replace(plain(name, first=probability), label=TrueClass(999, "toilet tissue"))


def warned(name: str, *codes: str) -> ImageRecord:
    cautions = tuple(Caution(code, f"It is {code}.") for code in codes)
    return replace(plain(name), cautions=cautions)


def with_heat(name: str, *, border: float = 0.1, left: float = 0.7) -> ImageRecord:
    """Return a picture whose Grad-CAM has so much heat on the border, and its centre at left."""
    record = plain(name)
    (target,) = record.targets
    heat = target.panels[0].heat
    assert heat is not None
    heat = replace(heat, border=border, centroid=(left, 0.4))
    panels = (replace(target.panels[0], heat=heat), *target.panels[1:])
    return replace(record, targets=(replace(target, panels=panels),))


def agreeing(name: str, correlation: float) -> ImageRecord:
    record = plain(name)
    (target,) = record.targets
    found = reading((0.25, 0.25, 0.25, 0.25))
    assert found.methods_agree is not None
    found = replace(found, methods_agree=replace(found.methods_agree, correlation=correlation))
    return replace(record, targets=(replace(target, reading=found),))


def told(of_: Report) -> list[tuple[int, str]]:
    return [(item.number, item.rule) for item in findings(of_)]


def test_nothing_to_say() -> None:
    assert findings(of()) == ()
    assert findings(of(plain(), plain("b.png"))) == ()
    assert findings(of(replace(plain(), targets=()))) == ()


def test_a_wrong_picture_says_what_it_was_taken_for() -> None:
    (found,) = findings(of(plain(), wrong("b.png", 0.75)))
    assert (found.number, found.image.name) == (2, "b.png")
    assert found.why == "Taken for “tabby” with 75.0%; the label is “toilet tissue”."


def test_the_surest_mistake_comes_first() -> None:
    of_ = of(wrong("a", 0.6), wrong("b", 0.9), wrong("c", float("nan")), wrong("d", 0.7))
    assert [number for number, _ in told(of_)] == [2, 4, 1, 3]


def test_only_the_first_is_the_least_certain() -> None:
    found = findings(of(plain("a", first=0.4), plain("b"), plain("c", first=0.123, second=0.102)))
    assert [item.why for item in found] == [
        "Least certain: 12.3%, 2.1 points ahead of “Egyptian cat”.",
        "Uncertain: 40.0%, 35.0 points ahead of “Egyptian cat”.",
    ]


def test_one_class_alone_is_never_uncertain() -> None:
    record = plain(first=0.2)
    assert findings(of(replace(record, predictions=record.predictions[:1]))) == ()


def test_a_warning_says_its_first_sentence() -> None:
    found = findings(of(plain(), warned("b", "flat", "border"), warned("c", "border")))
    assert [(item.number, item.why) for item in found] == [(2, "It is flat."), (3, "It is border.")]


def test_what_most_pictures_have_is_no_finding() -> None:
    images = [warned(str(number), "norm-follows") for number in range(4)]
    assert findings(of(*images)) == ()
    assert told(of(*images[:3], warned("d", "norm-follows", "flat"))) == [(4, "warning")]
    assert findings(of(*images[:3], warned("d", "norm-follows", "flat")))[0].why == "It is flat."
    # Of three pictures or fewer, nothing can be called common.
    assert len(findings(of(*images[:3]))) == 3


def test_what_tells_of_the_run_is_no_finding() -> None:
    assert findings(of(warned("a", "untrained"))) == ()


def test_warnings_of_maps_count() -> None:
    record = plain("b")
    (target,) = record.targets
    panels = (*target.panels[:-1], replace(target.panels[-1], cautions=CAUTIONS))
    (found,) = findings(of(plain(), replace(record, targets=(replace(target, panels=panels),))))
    assert (found.rule, found.why) == ("warning", CAUTIONS[0].text)


def test_methods_that_hardly_agree() -> None:
    found = findings(of(agreeing("a", 0.12), agreeing("b", 0.3), agreeing("c", -0.2)))
    assert [(item.number, item.why) for item in found] == [
        (3, "Grad-CAM and Layer-CAM hardly agree (r = −0.20)."),
        (1, "Grad-CAM and Layer-CAM hardly agree (r = 0.12)."),
    ]
    assert findings(of(agreeing("a", float("nan")))) == ()


def test_without_readings_the_centres_tell() -> None:
    # The sample's Layer-CAM at the deepest layer centres at 0.7 of the width.
    found = findings(of(with_heat("a", left=0.7 - APART - 0.01), with_heat("b", left=0.5)))
    assert [item.why for item in found] == [
        "Grad-CAM and Layer-CAM centre 26.0% of the view apart."
    ]


def test_heat_on_the_border() -> None:
    found = findings(of(with_heat("a", border=BORDER - 0.001), with_heat("b", border=0.784)))
    assert [(item.number, item.rule) for item in found] == [(2, "border")]
    assert found[0].why == "78.4% of the heat of Grad-CAM is on the border of the view."


def test_no_picture_comes_twice() -> None:
    both = replace(wrong("a", 0.3), cautions=CAUTIONS)
    assert told(of(both)) == [(1, "wrong")]


def test_every_rule_has_its_turn_before_any_has_more() -> None:
    images = [wrong(f"{number}", 0.9) for number in range(10)]
    images += [plain("u", first=0.3), with_heat("b", border=0.9), with_heat("c", left=0.1)]
    found = told(of(*images))
    assert len(found) == MOST
    rules = [rule for _, rule in found]
    assert rules == ["wrong"] * 3 + ["uncertain", "disagreement", "border"]
    assert EACH == 2


@pytest.mark.parametrize("wrongs", [0, 3, 20])
def test_never_more_than_fit(wrongs: int) -> None:
    images = [wrong(f"{number}", 0.9) for number in range(wrongs)]
    assert len(findings(of(*images))) == min(MOST, wrongs)


def test_the_full_report() -> None:
    assert told(full_report()) == [(2, "wrong")]
