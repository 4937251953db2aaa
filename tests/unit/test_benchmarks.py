"""The scripts in ``benchmarks/`` run, and put what they found where it belongs; never how fast."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
BENCHMARKS = REPOSITORY / "benchmarks"

SCRIPTS = ("compare", "scale", "startup", "targets", "report_size", "lighthouse")

RATIOS = {
    "bare loop": [1.2, 1.1, 1.3],
    "bare loop, channels_last": [1, 1, 1],
    "reportgen, engine": [1.1, 1.05, 1.2],
    "reportgen, whole command": [-3, -4, 2],
    "grad-cam, one by one": [24, 23, 25],
}


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the scripts be imported as they import each other."""
    monkeypatch.syspath_prepend(BENCHMARKS)


def run(*words: object) -> str:
    path = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.usefixtures("scripts")
def test_a_table_is_markdown() -> None:
    import tables  # noqa: PLC0415 - found through the fixture

    found = tables.table(["who", "s"], [["a", "1"], ["b", "2"]])
    assert found == "| who | s |\n| --- | --: |\n| a | 1 |\n| b | 2 |"


@pytest.mark.usefixtures("scripts")
def test_a_document_gets_what_was_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import tables  # noqa: PLC0415

    document = tmp_path / "README.md"
    document.write_text(
        "before\n<!-- benchmarks: one -->\nold\n<!-- /benchmarks -->\nbetween\n"
        "<!-- benchmarks: two -->\nkept\n<!-- /benchmarks -->\nafter\n",
        "utf-8",
    )
    for _ in range(2):  # a second time gives the same
        with tables.published("one", document):
            print("| \\1 × |")  # noqa: T201 - what is published
    text = document.read_text("utf-8")
    assert "| \\1 × |" in capsys.readouterr().out
    assert text.startswith("before\n<!-- benchmarks: one -->\n\n| \\1 × |\n\n")
    assert re.search(r"\n\d+ cores \(.+\), Python .+, \d{4}-\d\d-\d\d\.\n\n<!-- /benchm", text)
    assert "old" not in text
    assert text.endswith(
        "<!-- /benchmarks -->\nbetween\n"
        "<!-- benchmarks: two -->\nkept\n<!-- /benchmarks -->\nafter\n"
    )
    assert text.count("\\1") == 1


@pytest.mark.usefixtures("scripts")
def test_a_document_without_a_place_is_refused_before_measuring(tmp_path: Path) -> None:
    import tables  # noqa: PLC0415

    document = tmp_path / "README.md"
    document.write_text("nothing here\n", "utf-8")
    measured = False
    with pytest.raises(SystemExit, match="benchmarks: one"), tables.published("one", document):
        measured = True
    assert not measured
    assert document.read_text("utf-8") == "nothing here\n"


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_readme_has_a_place_for_every_script(name: str) -> None:
    text = (REPOSITORY / "README.md").read_text("utf-8")
    assert text.count(f"<!-- benchmarks: {name} -->") == 1
    assert (BENCHMARKS / f"{name}.py").is_file()


@pytest.mark.usefixtures("scripts")
def test_the_plot_has_the_same_bytes_every_time(tmp_path: Path) -> None:
    import plot  # noqa: PLC0415

    found: dict[str, Any] = {"goal": 1.2, "ratios": {"alexnet": RATIOS, "timm:resnet18": RATIOS}}
    paths = [tmp_path / "a.svg", tmp_path / "b.svg"]
    for path in paths:
        plot.draw(found, path)
    text = paths[0].read_text("utf-8")
    assert text == paths[1].read_text("utf-8")
    assert "<dc:date>" not in text
    assert str(tmp_path) not in text
    found["ratios"]["alexnet"] = {**RATIOS, "reportgen, engine": [9, 8, 10]}
    plot.draw(found, paths[1])
    assert text != paths[1].read_text("utf-8")


@pytest.mark.usefixtures("scripts")
def test_pictures_differ_and_are_the_same_ones_again(tmp_path: Path) -> None:
    import pictures  # noqa: PLC0415

    first = [path.read_bytes() for path in pictures.make(tmp_path / "a", 12, (64, 48))]
    again = [path.read_bytes() for path in pictures.make(tmp_path / "b", 12, (64, 48))]
    assert first == again
    assert len(set(first)) == 12


@pytest.mark.usefixtures("scripts")
def test_ratios_are_to_the_faster_bare_loop_of_the_same_round() -> None:
    import compare  # noqa: PLC0415

    times = {
        "net": {
            "bare loop": [3.0, 3.0, 3.0],
            "bare loop, channels_last": [1.0, 2.0, 4.0],
            "reportgen, engine": [2.0, 2.0, 6.0],
        }
    }
    found = compare.ratios(times)["net"]
    assert found["reportgen, engine"] == (1.0, 1.0, 2.0)
    assert found["bare loop, channels_last"] == (1.0, 1.0, 1.0)
    assert found["bare loop"] == (1.5, 0.75, 3.0)


@pytest.mark.usefixtures("scripts")
@pytest.mark.parametrize(
    "name",
    [
        "squeezenet1_1",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("alexnet", "timm:vit_tiny_patch16_224")
        ),
    ],
)
def test_the_bare_loop_computes_the_maps_of_reportgen(name: str) -> None:
    """Were it to leave something out, everybody else would look slow."""
    import cv2  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415
    import torch  # noqa: PLC0415

    import bare  # noqa: PLC0415
    import networks  # noqa: PLC0415
    from reportgen import explain  # noqa: PLC0415
    from reportgen.values import Preprocessing  # noqa: PLC0415

    network = networks.load(name)
    zero, one = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    recipe = Preprocessing(224, (224, 224), zero, one, "bilinear")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    explained = explain(
        network.module, list(pixels), recipe=recipe, architecture=network.loaded.architecture
    )
    inputs = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    for form in (torch.contiguous_format, torch.channels_last):
        module = bare.prepared(network, form)
        (found,) = bare.maps(network, module, inputs.contiguous(memory_format=form), 2)
        assert len(found) == len(network.places)
        for number, picture in enumerate(explained):
            expected = {(raw.method, raw.layer): raw.values for raw in picture.targets[0].maps}
            for place, values in zip(network.places, found, strict=True):
                resized = cv2.resize(expected[place], (224, 224))
                assert resized.max() > 0
                # Rounding differs by memory format, and sets another cell to 0 here and there.
                np.testing.assert_allclose(values[number], resized, atol=0.02 * resized.max())


@pytest.mark.slow
def test_compare_prints_a_row_for_everybody(tmp_path: Path) -> None:
    plot, data = tmp_path / "speed.svg", tmp_path / "times.json"
    words = ["--quick", "--models", "squeezenet1_1", "--json", data, "--plot", plot]
    out = run(BENCHMARKS / "compare.py", *words)
    ratios, times, *_ = out.split("\n\n")
    everybody = [
        "bare loop",
        "bare loop, channels_last",
        "reportgen, engine",
        "reportgen, whole command",
        "torchcam, batched",
        "torchcam, one by one",
        "grad-cam, batched",
        "grad-cam, one by one",
    ]
    number = r"-?\d+\.\d+"
    for table, goal in ((ratios, True), (times, False)):
        head, _, *rows = table.splitlines()
        assert head.endswith("| squeezenet1_1 |")
        names = [row.split("|")[1].strip() for row in rows]
        assert names == everybody + ["*goal for the whole command*"] * goal
        for row in rows[: len(everybody)]:
            assert re.search(rf"\| {number} \({number}–{number}\) \|$", row)
    found = json.loads(data.read_text("utf-8"))
    assert set(found["seconds_per_image"]["squeezenet1_1"]) == set(everybody)
    assert found["layers"]["squeezenet1_1"]["grad-cam"]
    assert plot.read_text("utf-8").startswith("<?xml")


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_has_help(script: str) -> None:
    assert "--update" in run(BENCHMARKS / f"{script}.py", "--help")
