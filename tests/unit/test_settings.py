"""Options as settings: ``run.toml``, ``--config`` and the command line in the report."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from reportgen.cli import app
from reportgen.errors import OptionError
from reportgen.options import BuildOptions, FeatureOptions, ModelOptions, PreprocessOptions
from reportgen.settings import SETTINGS, command_line, read_config, run_file, write_run

KNOWN = {setting.key for setting in SETTINGS} | {"output", "zip"}


def words(**changed: object) -> str:
    filled = {"targets": ("top1",), "preprocess": PreprocessOptions(preset="auto"), **changed}
    options = replace(BuildOptions(images=Path("photos")), **filled)  # type: ignore[arg-type]
    return " ".join(command_line(options))


def test_defaults_are_left_out() -> None:
    assert words() == "reportgen build photos"


def test_every_kind_of_option_is_written() -> None:
    text = words(
        network=ModelOptions(model="alexnet", trust_checkpoint=True),
        preprocess=PreprocessOptions(preset="unit", channel_order="bgr"),
        targets=("cat=@cats", "1"),
        layers=("features.0", "features.3"),
        features=FeatureOptions(layers=("last",), scale="layer"),
        alpha=0.5,
        recursive=False,
        reading=True,
    )
    assert text == (
        "reportgen build photos --model alexnet --trust-checkpoint --preprocess unit "
        "--channel-order bgr --layers features.0,features.3 --target cat=@cats --target 1 "
        "--feature-maps last --feature-scale layer --reading --alpha 0.5 --no-recursive"
    )


def test_no_path_of_the_author_is_told(tmp_path: Path) -> None:
    (tmp_path / "net.pth").touch()
    options = replace(
        BuildOptions(images=tmp_path / "deep" / ".." / "photos"),
        network=ModelOptions(checkpoint=tmp_path / "net.pth"),
        output=tmp_path / "out",
        targets=("top1",),
    )
    (tmp_path / "photos").mkdir()
    (tmp_path / "deep").mkdir()
    assert command_line(options) == ("reportgen", "build", "photos", "--checkpoint", "net.pth")


def test_run_file_holds_every_setting_and_is_read_back(tmp_path: Path) -> None:
    images = tmp_path / "photos"
    images.mkdir()
    (tmp_path / "names.txt").touch()
    options = replace(
        BuildOptions(images=images),
        network=ModelOptions(model="alexnet", classes=str(tmp_path / "names.txt")),
        targets=("a, b", 'quote "x"'),
        title="línea\n2",
    )
    report = tmp_path / "reports" / "one"
    report.mkdir(parents=True)
    write_run(options, report, report / "run.toml")
    table = tomllib.loads((report / "run.toml").read_text(encoding="utf-8"))
    assert table["images"] == "../../photos"
    assert table["classes"] == "../../names.txt"
    assert table["target"] == ["a, b", 'quote "x"']
    assert table["title"] == "línea\n2"
    assert table["top-k"] == 5
    assert "checkpoint" not in table
    read = read_config(report / "run.toml", KNOWN)
    assert Path(str(read["images"])).resolve() == images.resolve()
    assert Path(str(read["classes"])).resolve() == (tmp_path / "names.txt").resolve()
    assert read["target"] == ["a, b", 'quote "x"']
    assert str(tmp_path) not in (report / "run.toml").read_text(encoding="utf-8")


def test_paths_can_be_called_otherwise(tmp_path: Path) -> None:
    text = run_file(BuildOptions(images=tmp_path), lambda _path: "pictures")
    assert tomllib.loads(text)["images"] == "pictures"


def test_every_setting_is_an_option_of_the_command() -> None:
    from typer.main import get_command  # noqa: PLC0415 - only here

    build = get_command(app).commands["build"]  # type: ignore[attr-defined]
    options = {opt.lstrip("-") for item in build.params for opt in item.opts}
    assert {setting.key for setting in SETTINGS} <= options


def config(tmp_path: Path, text: str) -> dict[str, object]:
    path = tmp_path / "lab.toml"
    path.write_text(text, encoding="utf-8")
    return dict(read_config(path, KNOWN))


def test_hand_written_settings(tmp_path: Path) -> None:
    found = config(
        tmp_path,
        'target = "cat"\nlayers = [0, 3]\nmean = [0.5, 0.25, 0]\nbatch_size = 4\nreading = true\n',
    )
    assert found == {
        "target": ["cat"],
        "layers": "0,3",
        "mean": "0.5,0.25,0",
        "batch-size": 4,
        "reading": True,
    }


def test_a_word_and_a_file_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "cats").write_text("a\nb\n")
    assert config(tmp_path, 'classes = "cats"')["classes"] == str(tmp_path / "cats")
    assert config(tmp_path, 'classes = "cat,dog"\nlabels = "folders"') == {
        "classes": "cat,dog",
        "labels": "folders",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("layer = 1", "holds 'layer', which is no option of this command. Did you mean 'layers'"),
        ("title = ", "is not TOML"),
        ("[network]\nmodel = 1", "holds 'network'"),
        ("title = 2026-01-01", "title is date"),
        ("layers = [[1]]", "layers is list"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(OptionError, match=r"^--config: ") as caught:
        config(tmp_path, text)
    assert said in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="there is no file"):
        read_config(tmp_path / "none.toml", KNOWN)
    with pytest.raises(OptionError, match="cannot be read"):
        read_config(tmp_path, KNOWN)
