"""The options of a run as plain settings: read from a TOML file, written to ``run.toml``.

A setting is called as its option is on the command line, without the dashes in front. To add an
option: one line in `SETTINGS`.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tomli_w

from reportgen.errors import OptionError, did_you_mean
from reportgen.options import DEFAULT_TARGETS, BuildOptions, PreprocessOptions
from reportgen.remote import is_url

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

Value = str | int | float | bool | list[str]


@dataclass(frozen=True, slots=True)
class Setting:
    """One option as a setting."""

    key: str
    """Name of the option without its dashes, for example ``batch-size``."""
    get: Callable[[BuildOptions], Path | Value | tuple[str, ...] | None]
    is_path: bool = False
    """Whether it names a file or folder; in a TOML file that is relative to the file's folder."""
    in_records: bool = True
    """Whether what is computed of a picture may depend on it, by itself: not what only the page
    shows, nor what the network, the recipe, a label or a box of the picture stand for already."""
    of_page: bool = False
    """Whether it is the page alone that shows it, so that ``render`` can change it."""


def _joined(parts: tuple[str, ...]) -> str | None:
    return ",".join(parts) or None


SETTINGS: tuple[Setting, ...] = (
    Setting("images", lambda o: o.url or o.images, is_path=True, in_records=False),
    Setting("model", lambda o: o.network.model, in_records=False),
    Setting("weights", lambda o: o.network.weights, in_records=False),
    Setting("checkpoint", lambda o: o.network.checkpoint, is_path=True, in_records=False),
    Setting("trust-checkpoint", lambda o: o.network.trust_checkpoint, in_records=False),
    Setting("classes", lambda o: o.network.classes, is_path=True, in_records=False),
    Setting("seed", lambda o: o.network.seed, in_records=False),
    Setting("device", lambda o: o.network.device, in_records=False),
    Setting("preprocess", lambda o: o.preprocess.preset),
    Setting("input-size", lambda o: o.preprocess.input_size),
    Setting("resize-mode", lambda o: o.preprocess.resize_mode),
    Setting("interpolation", lambda o: o.preprocess.interpolation),
    Setting("mean", lambda o: o.preprocess.mean),
    Setting("std", lambda o: o.preprocess.std),
    Setting("channel-order", lambda o: o.preprocess.channel_order),
    Setting("methods", lambda o: _joined(o.methods)),
    Setting("layers", lambda o: _joined(o.layers)),
    Setting("fuse", lambda o: o.fuse),
    Setting("fuse-gamma", lambda o: o.fuse_gamma),
    Setting("degrid", lambda o: o.degrid),
    Setting("guided", lambda o: o.guided),
    Setting("smooth", lambda o: o.smooth),
    Setting("target", lambda o: o.targets),
    Setting("labels", lambda o: o.labels, is_path=True, in_records=False),
    Setting("feature-maps", lambda o: _joined(o.features.layers)),
    Setting("feature-scale", lambda o: o.features.scale),
    Setting("feature-order", lambda o: o.features.order),
    Setting("reading", lambda o: o.reading),
    Setting("metrics", lambda o: o.metrics),
    Setting("boxes", lambda o: o.boxes, is_path=True, in_records=False),
    Setting("alpha", lambda o: o.alpha),
    Setting("colormap", lambda o: o.colormap),
    Setting("top-k", lambda o: o.top_k),
    Setting("title", lambda o: o.title, in_records=False, of_page=True),
    Setting("author", lambda o: o.author, in_records=False, of_page=True),
    Setting("meta", lambda o: o.meta, in_records=False, of_page=True),
    Setting("notes", lambda o: o.notes, is_path=True, in_records=False, of_page=True),
    Setting("lang", lambda o: o.lang),
    Setting("single-file", lambda o: o.single_file, in_records=False, of_page=True),
    Setting("folder", lambda o: o.folder, in_records=False, of_page=True),
    Setting("page-size", lambda o: o.page_size, in_records=False, of_page=True),
    Setting("paper", lambda o: o.paper, in_records=False, of_page=True),
    Setting("export", lambda o: _joined(o.export), in_records=False, of_page=True),
    Setting("compact", lambda o: o.compact),
    Setting("save-overlays", lambda o: o.save_overlays),
    Setting("save-maps", lambda o: o.save_maps),
    Setting("template-dir", lambda o: o.template_dir, is_path=True, in_records=False, of_page=True),
    Setting("recursive", lambda o: o.recursive, in_records=False),
    Setting("follow-links", lambda o: o.follow_links, in_records=False),
    Setting("max-pixels", lambda o: o.max_pixels),
    Setting("lenient", lambda o: o.lenient),
    Setting("batch-size", lambda o: o.batch_size or "auto", in_records=False),
    Setting("amp", lambda o: o.amp),
)
"""Everything that a report depends on; where it is written to, and what is printed, is not."""

RUN_FILE = "run.toml"
"""Name of the file in a report that repeats the run."""

_HEADER = """\
# Every option of this run, the defaults too. To do it again:
#     reportgen build --config run.toml
# Paths are relative to the folder of this file. An option on the command line goes first.

"""


def command_line(options: BuildOptions) -> tuple[str, ...]:
    """Return the command that asks for ``options``, word by word.

    Of paths only the last part is given: a report is handed on, and where its author keeps files
    is nobody's business. Options at their defaults are left out.
    """
    usual = usual_options(options.images)
    words = ["reportgen", "build"]
    for setting in SETTINGS:
        value = plain(setting, options)
        if setting.is_path and value is not None and Path(str(value)).exists():
            value = Path(os.path.abspath(str(value))).name  # noqa: PTH100 - links stay as they are
        if setting.key == "images":
            words.append(options.images.name if options.url else str(value))
        elif value != plain(setting, usual) and value is not None:
            words += _words(setting.key, value)
    return tuple(words)


def usual_options(images: Path) -> BuildOptions:
    """Return the options of a run that was told nothing but where the pictures are."""
    return BuildOptions(
        images=images, targets=DEFAULT_TARGETS, preprocess=PreprocessOptions(preset="auto")
    )


def of_page(options: BuildOptions) -> dict[str, Value | None]:
    """Return the settings that the page alone shows, with their values."""
    return {setting.key: plain(setting, options) for setting in SETTINGS if setting.of_page}


def _words(key: str, value: Value) -> list[str]:
    if isinstance(value, bool):
        return [f"--{key}" if value else f"--no-{key}"]
    if isinstance(value, list):
        return [word for item in value for word in (f"--{key}", item)]
    return [f"--{key}", str(value)]


def plain(setting: Setting, options: BuildOptions) -> Value | None:
    """Return a setting's value as TOML can hold it."""
    value = setting.get(options)
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def run_file(options: BuildOptions, place: Callable[[Path], str]) -> str:
    """Return the text of ``run.toml``.

    Parameters
    ----------
    options
        With nothing left open, so that a later version's defaults change nothing.
    place
        Existing path → how the file is to call it.
    """
    table: dict[str, Value] = {}
    for setting in SETTINGS:
        value = plain(setting, options)
        if value is not None and setting.is_path and Path(str(value)).exists():
            value = place(Path(str(value)))
        if value is not None:
            table[setting.key] = value
    # A name that is not UTF-8 has no place in TOML; written escaped, the rest can still be read.
    text = _HEADER + tomli_w.dumps(table)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def write_run(options: BuildOptions, folder: Path, destination: Path) -> None:
    """Write ``run.toml`` to ``destination`` for a report that will stand in ``folder``."""
    text = run_file(options, lambda path: _relative(path, folder))
    destination.write_text(text, encoding="utf-8", newline="\n")


def read_table(folder: Path) -> dict[str, Value]:
    """Return the ``run.toml`` of a report as it stands there; empty where there is none to read."""
    try:
        return tomllib.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}


def rewritten(
    table: Mapping[str, Value], changes: Mapping[str, Value], folder: Path, destination: Path
) -> str:
    """Return the text of a ``run.toml`` that was in ``folder``, for ``destination``.

    Parameters
    ----------
    table
        As it was.
    changes
        Settings that have other values now; paths relative to the current folder.
    folder, destination
        Of the report as it was, and as it will be.
    """
    places = {setting.key for setting in SETTINGS if setting.is_path}
    moved: dict[str, Value] = {}
    together = {**table, **changes}
    for key in _in_order(together):
        value = together[key]
        path = Path(str(value)) if key in changes else folder / str(value)
        moved[key] = _relative(path, destination) if key in places and path.exists() else value
    text = _HEADER + tomli_w.dumps(moved)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def changed_command(command: Sequence[str], changes: Mapping[str, Value]) -> tuple[str, ...]:
    """Return the words of `command_line` with other values for some settings, in the same order."""
    kept: dict[str, list[str]] = {}
    words = iter(command[3:])
    for word in words:
        key = word.removeprefix("--")
        switch = key.removeprefix("no-")
        if switch in _SWITCHES:
            kept[switch] = [word]
        else:
            kept.setdefault(key, []).extend((word, next(words, "")))
    for key, value in changes.items():
        shown = Path(value).name if isinstance(value, str) and key in _PATHS else value
        kept[key] = [] if value is False else _words(key, shown)
    return (*command[:3], *(word for key in _in_order(kept) for word in kept[key]))


def _in_order(keys: Iterable[str]) -> list[str]:
    places = {setting.key: place for place, setting in enumerate(SETTINGS)}
    return sorted(keys, key=lambda key: places.get(key, len(places)))


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # on another drive of Windows
        return path.resolve().as_posix()


def read_config(path: Path, known: Collection[str]) -> Mapping[str, Value]:
    """Read the settings in a TOML file.

    Parameters
    ----------
    path
        The file.
    known
        Names of the options that the command has.

    Returns
    -------
    Setting → value, with paths relative to the current folder.

    Raises
    ------
    OptionError
        If the file cannot be read, is not TOML, or holds what is no option.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise OptionError(f"--config: there is no file '{path}'.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"--config: '{path}' cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise OptionError(
            f"--config: '{path}' is not TOML: {error}. Write lines such as: target = [\"top1\"]",
        ) from None
    found: dict[str, Value] = {}
    for name, value in table.items():
        key = name.replace("_", "-")
        if key not in known:
            raise OptionError(
                f"--config: '{path}' holds '{name}', which is no option of this command."
                f"{did_you_mean(key, known)}",
            )
        found[key] = _checked(path, key, value)
    return found


_SWITCHES = frozenset(
    setting.key for setting in SETTINGS if isinstance(plain(setting, usual_options(Path())), bool)
)
_PATHS = frozenset(setting.key for setting in SETTINGS if setting.is_path) | {
    "output",
    "zip",
    "pdf",
}
_LISTS = frozenset({"target", "meta"})
"""Options that may be given several times."""
_MAYBE_PATHS = frozenset({"classes", "labels"})
"""Options that take a file or a word."""


def _checked(path: Path, key: str, value: object) -> Value:
    """Return a setting's value with its path brought to the current folder."""
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        items = [str(item) for item in value]
        return items if key in _LISTS else ",".join(items)
    if not isinstance(value, str | int | float):
        raise OptionError(
            f"--config: in '{path}' {key} is {type(value).__name__}, but a text, a number, true, "
            f"false or a list of texts is expected.",
        )
    if key in _LISTS:
        return [str(value)]
    if key in _PATHS and isinstance(value, str) and not is_url(value):
        there = path.parent / value
        return value if key in _MAYBE_PATHS and not there.is_file() else str(there)
    return value
