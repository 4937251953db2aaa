"""What things are made from, as keys: of a record, and of a whole report.

Two keys are equal only if everything is that the result depends on. None of this imports torch: to
find that there is nothing to do must not cost seconds.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from reportgen import provenance
from reportgen.decode import digest
from reportgen.errors import ImageError
from reportgen.settings import SETTINGS, plain
from reportgen.values import FailureRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import nn

    from reportgen.options import BuildOptions
    from reportgen.plan import Plan
    from reportgen.values import ImageFile

READERS = 4
"""Threads that read files to hash them; both release the interpreter lock."""
FETCHERS = 16
"""The same for pictures on another machine, which are waited for rather than read."""

_PACKAGE = Path(__file__).resolve().parent
_AROUND = frozenset(
    {
        "archive.py",
        "baking.py",
        "cli.py",
        "cli_options",
        "closing.py",
        "commands.py",
        "comparer.py",
        "comparing.py",
        "computing.py",
        "console.py",
        "delivery.py",
        "engines",
        "errors.py",
        "exchange.py",
        "figures",
        "folder.py",
        "identity.py",
        "known.py",
        "locale",
        "locking.py",
        "options.py",
        "pdf.py",
        "pipeline.py",
        "progress.py",
        "render",
        "rerender.py",
        "reuse.py",
        "settings.py",
        "store",
        "templates",
    }
)
"""Parts of the package that no record depends on; any other may change what is computed."""


@dataclass(frozen=True, slots=True)
class Input:
    """One picture of a run, before anything is made of it."""

    file: ImageFile
    sha256: str
    """Of its bytes; empty where they cannot be read."""
    failure: FailureRecord | None = None
    """Why they cannot be read."""


def read_inputs(images: Sequence[ImageFile], max_pixels: int) -> tuple[Input, ...]:
    """Hash every picture; what cannot be read is a failure already."""
    readers = FETCHERS if any(image.url for image in images) else READERS
    with ThreadPoolExecutor(readers, thread_name_prefix="reportgen") as pool:
        return tuple(pool.map(lambda image: look(image, max_pixels), images, chunksize=1))


def look(image: ImageFile, max_pixels: int) -> Input:
    """Return one picture with the hash of its bytes."""
    try:
        return Input(image, digest(image, max_pixels))
    except ImageError as error:
        return Input(image, "", FailureRecord(image.name, str(error)))


class Fingerprint(NamedTuple):
    """Keys of a whole report; empty where only code of the user's own could tell."""

    whole: str
    but_for_page: str
    """Without what the page alone shows."""


def fingerprint(options: BuildOptions, inputs: Iterable[Input]) -> Fingerprint:
    """Return the keys of a report: of options, the files that they name, pictures, and code."""
    if _is_own_code(options.network.model):
        return Fingerprint("", "")
    settings = {setting.key: _content(setting.key, options) for setting in SETTINGS}
    parts = {
        "code": _code(_PACKAGE, _PACKAGE.parent / "templates"),
        "versions": provenance.versions(),
        "settings": settings,
        "lab": options.lab,
        "name": options.images.resolve().name,
        "date": os.environ.get("SOURCE_DATE_EPOCH", ""),
        "threads": (os.cpu_count(), os.environ.get("OMP_NUM_THREADS", "")),
        "images": [(item.file.name, item.sha256 or repr(item.failure)) for item in inputs],
    }
    rest = {setting.key: settings[setting.key] for setting in SETTINGS if not setting.of_page}
    return Fingerprint(_hash(parts), _hash({**parts, "settings": rest}))


def run_key(plan: Plan) -> str:
    """Return the part of a record's key that all pictures of a run share."""
    loaded, attribution = plan.loaded, plan.attribution
    settings = {item.key: plain(item, plan.options) for item in SETTINGS if item.in_records}
    parts = {
        "code": formulas(),
        "versions": provenance.versions(),
        "device": plan.device.type,
        "settings": settings,
        "weights": loaded.info.weights_sha256,
        "trained": loaded.info.trained,
        "network": [line.text for line in plan.structure],
        "own code": _own_code(loaded.module),
        "categories": loaded.categories,
        "recipe": repr(plan.recipe),
        "targets": repr(attribution.targets),
        "methods": [(method.name, layers) for method, layers in attribution.methods],
        "features": attribution.features,
        "top k": attribution.top_k,
    }
    return _hash(parts)


def record_key(item: Input, run: str, plan: Plan) -> str:
    """Return the key of one picture's record.

    Its name is no part of it, and so a picture that comes twice is computed once: but for raw maps
    on disk, which name their picture.
    """
    name = item.file.name
    label = plan.labels.by_name.get(name)
    parts = {
        "run": run,
        "picture": item.sha256,
        "label": None if label is None else (label, plan.loaded.categories[label]),
        "boxes": repr(plan.boxes.by_name.get(name, ())),
        "name": name if plan.options.save_maps else "",
    }
    return _hash(parts)


@cache
def formulas() -> str:
    """Return a digest of the code that records are made by."""
    return _code(*(path for path in _PACKAGE.iterdir() if path.name not in _AROUND))


def _code(*places: Path) -> str:
    """Return a digest of every source file in ``places``."""
    found = hashlib.sha256()
    for place in sorted(places):
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in files:
            if file.suffix in {".py", ".j2", ".css", ".js", ".po"}:
                found.update(f"{file.relative_to(place.parent)}\n".encode())
                found.update(file.read_bytes())
    return found.hexdigest()


def _content(key: str, options: BuildOptions) -> object:
    """Return a setting's value, and for a file or folder that it names what is in there."""
    setting = next(item for item in SETTINGS if item.key == key)
    value = plain(setting, options)
    if key == "images" or not setting.is_path or value is None:
        return None if key == "images" else value
    path = Path(str(value))
    if path.is_file():
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    if path.is_dir():
        files = (file for file in sorted(path.rglob("*")) if file.is_file())
        return [(file.name, hashlib.sha256(file.read_bytes()).hexdigest()) for file in files]
    return value


def _is_own_code(model: str | None) -> bool:
    """Say whether a name is of Python code, ``module:factory``, and not of one of our sources."""
    return model is not None and ":" in model and model.partition(":")[0] not in _SOURCES


_SOURCES = frozenset({"embedded", "torchvision", "timm"})


def _own_code(module: nn.Module) -> list[tuple[str, str]]:
    """Return a digest of every source file that classes of the network are from, by module.

    What comes with torch, torchvision and timm is known by their versions.
    """
    kinds = {type(part) for part in module.modules()}
    mine = (kind for kind in kinds if kind.__module__.partition(".")[0] not in _LIBRARIES)
    return sorted({(kind.__module__, digest) for kind in mine for digest in _sources_of(kind)})


_LIBRARIES = frozenset({"torch", "torchvision", "timm"})


def _sources_of(kind: type) -> set[str]:
    """Return digests of the files that a class is from: its methods know them.

    A file loaded by its path may have the name of another module, which Python knows instead.
    """
    methods = (inspect.unwrap(item) for item in vars(kind).values() if inspect.isfunction(item))
    files = {method.__code__.co_filename for method in methods}
    files = files or {getattr(sys.modules.get(kind.__module__), "__file__", None) or ""}
    if not all(Path(file).is_file() for file in files):
        return {os.urandom(16).hex()}  # nothing is known of it, so nothing is to be found again
    return {hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files}


def _hash(parts: object) -> str:
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
