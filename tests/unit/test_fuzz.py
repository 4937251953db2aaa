"""No bytes and no name make a run crash, write elsewhere, or lose another picture.

The examples are drawn from fixed seeds, so that a failure is met again.
"""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from reportgen import pipeline
from reportgen.decode import decode
from reportgen.errors import ImageError
from reportgen.options import BuildOptions, ModelOptions, PreprocessOptions
from reportgen.progress import Silent
from reportgen.values import ImageFile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# Pillow warns of odd EXIF data, which is no trouble.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

MOST = 100_000
"""Pixels that are decoded: a mutated header can claim many."""


def encoded(kind: str, **options: Any) -> bytes:  # noqa: ANN401
    pixels = np.random.default_rng(1).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    buffer = io.BytesIO()
    if options.pop("animated", False):
        options |= {"save_all": True, "append_images": [image.rotate(180)]}
    if options.pop("deep", False):
        image = Image.fromarray(pixels[:, :, 0].astype(np.uint16) * 257)
    mode = options.pop("mode", None)
    image = image.convert(str(mode)) if mode else image
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "<script>"
    if kind in {"JPEG", "PNG", "WEBP", "TIFF"}:
        options["exif"] = exif
    image.save(buffer, kind, **options)
    return buffer.getvalue()


SEEDS = (
    encoded("JPEG"),
    encoded("JPEG", progressive=True),
    encoded("JPEG", mode="CMYK"),
    encoded("PNG"),
    encoded("PNG", mode="P"),
    encoded("PNG", mode="RGBA"),
    encoded("PNG", deep=True),
    encoded("PNG", animated=True),
    encoded("GIF", animated=True),
    encoded("WEBP"),
    encoded("WEBP", animated=True),
    encoded("TIFF"),
    encoded("TIFF", deep=True),
    encoded("TIFF", compression="tiff_lzw"),
    encoded("TIFF", mode="F"),
    encoded("BMP"),
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Return one of the seeds with bytes changed, left out, doubled, and cut short."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, min(len(data), 400) - 1) | st.integers(0, len(data) - 1))
        kind = draw(st.sampled_from(("set", "number", "drop", "double", "zero")))
        length = draw(st.integers(1, 16))
        if kind == "set":
            data[at] = draw(st.integers(0, 255))
        elif kind == "number":
            data[at : at + 4] = draw(st.sampled_from((b"\xff" * 4, b"\x7f\xff\xff\xff", bytes(4))))
        elif kind == "drop":
            del data[at : at + length]
        elif kind == "double":
            data[at:at] = data[at : at + length]
        else:
            data[at : at + length] = bytes(length)
        if not data:
            return b""
    return bytes(data[: draw(st.just(len(data)) | st.integers(0, len(data)))])


def holds(data: bytes, folder: Path) -> None:
    """Decode ``data`` strictly and leniently; only `ImageError` may come of it."""
    path = folder / "a.png"
    path.write_bytes(data)
    for lenient in (False, True):
        try:
            found = decode(ImageFile(path, "a.png"), max_pixels=MOST, lenient=lenient)
        except ImageError:
            continue
        height, width, channels = found.pixels.shape
        assert channels == 3
        assert found.pixels.dtype == np.uint8
        assert 0 < height * width <= MOST


RELAXED = {
    "derandomize": True,
    "database": None,
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@given(data=mutated())
@settings(max_examples=300, **RELAXED)  # type: ignore[arg-type]
def test_bytes(folder: Path, data: bytes) -> None:
    holds(data, folder)


@pytest.mark.slow
@given(data=mutated())
@settings(max_examples=4000, **RELAXED)  # type: ignore[arg-type]
def test_many_bytes(folder: Path, data: bytes) -> None:
    holds(data, folder)


# -- whole runs ------------------------------------------------------------------------------


NETWORK = """
import torch
from torch import nn

def net():
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3),
    )

def spoilt(value):
    made = net()
    made[4].bias.data[:] = value
    return made

def broken():
    return spoilt(float("nan"))

def endless():
    return spoilt(float("inf"))

class Picky(nn.Module):
    '''Fails on a picture that is white, and says NaN of one that is black.'''

    def __init__(self):
        super().__init__()
        self.inner = net()

    def forward(self, x):
        if (x.flatten(1).min(dim=1).values > 0.99).any():
            raise IndexError("white")
        black = (x.flatten(1).max(dim=1).values == 0).float() * float("nan")
        return self.inner(x) + black.nan_to_num(0, 0, 0)[:, None] * 0 + torch.where(
            x.flatten(1).max(dim=1).values == 0, float("nan"), 0.0)[:, None]
"""

SUFFIXES = (".png", ".jpg", ".gif", ".tif")
NAMES = st.one_of(
    st.binary(min_size=1, max_size=40).map(lambda raw: raw.translate(None, b"/\0")),
    st.text(min_size=1, max_size=40).map(
        lambda text: text.replace("/", "").replace("\0", "").encode("utf-8", "ignore")
    ),
    st.sampled_from(
        [b"<script>alert(1)<", b"{{7*7}}", b"%2e%2e", b"..", b"a\nb", b"=1+1", b"x" * 240, b"#?"]
    ),
)


def options_of(root: Path, factory: str = "net", **more: object) -> BuildOptions:
    (root / "net.py").write_text(NETWORK, encoding="utf-8")
    return BuildOptions(
        images=root / "in",
        output=root / "out",
        network=ModelOptions(model=f"{root / 'net.py'}:{factory}", device="cpu"),
        preprocess=PreprocessOptions(
            preset="auto", input_size="32", resize_mode="squash", mean="0,0,0", std="1,1,1"
        ),
        layers=("0",),
        max_pixels=MOST,
        **more,  # type: ignore[arg-type]
    )


def tree(root: Path) -> set[str]:
    return {
        str(path.relative_to(root)) for path in root.rglob("*") if "__pycache__" not in str(path)
    }


def run_holds(files: Mapping[bytes, bytes], title: str, note: str) -> None:
    """Run over ``files`` and a good picture: all are accounted for, and the good one is there."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "in").mkdir()
        (root / "in" / "good.png").write_bytes(SEEDS[3])
        for file, data in files.items():
            with open(os.fsencode(root / "in") + b"/" + file, "wb") as stream:  # noqa: PTH123
                stream.write(data)
        options = options_of(
            root, title=title, author=note, meta=("k=" + note,), save_overlays=True
        )
        before = tree(root)
        outcome = pipeline.build(options, Silent())
        assert outcome.images + len(outcome.failures) == 1 + len(files)
        assert "good.png" not in {failure.name for failure in outcome.failures}
        assert {path.partition(os.sep)[0] for path in tree(root) - before} <= {"out"}


FILES = st.dictionaries(
    st.tuples(NAMES, st.sampled_from(SUFFIXES))
    .map(lambda parts: (parts[0].lstrip(b".")[:240] or b"x") + parts[1].encode())
    .filter(lambda name: name != b"good.png"),
    mutated(),
    max_size=6,
)
TEXTS = st.text(max_size=60)
# Others are refused for --author and --meta before anything is done.
NOTES = st.text(min_size=1, max_size=60).filter(lambda text: text.strip() and text.isprintable())


@given(files=FILES, title=TEXTS, note=NOTES)
@settings(max_examples=10, **RELAXED)  # type: ignore[arg-type]
def test_runs(files: dict[bytes, bytes], title: str, note: str) -> None:
    run_holds(files, title, note)


@pytest.mark.slow
@given(files=FILES, title=TEXTS, note=NOTES)
@settings(max_examples=100, **RELAXED)  # type: ignore[arg-type]
def test_many_runs(files: dict[bytes, bytes], title: str, note: str) -> None:
    run_holds(files, title, note)


def test_a_network_that_fails_on_one_picture(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, colour in {"a": "red", "b": "white", "c": "lime", "d": "black", "e": "blue"}.items():
        Image.new("RGB", (40, 40), colour).save(tmp_path / "in" / f"{name}.png")
    outcome = pipeline.build(options_of(tmp_path, "Picky"), Silent())
    assert outcome.images == 3
    assert [(item.name, item.reason) for item in outcome.failures] == [
        ("b.png", "the network fails on it: IndexError: white"),
        ("d.png", "the network's logits for it are not finite numbers"),
    ]


@pytest.mark.parametrize("factory", ["broken", "endless"])
def test_weights_that_are_not_finite(tmp_path: Path, factory: str) -> None:
    (tmp_path / "in").mkdir()
    for name in ("red", "blue"):
        Image.new("RGB", (40, 40), name).save(tmp_path / "in" / f"{name}.png")
    outcome = pipeline.build(options_of(tmp_path, factory), Silent())
    assert outcome.images == 0
    assert [item.reason for item in outcome.failures] == [
        "the network's logits for it are not finite numbers"
    ] * 2


def test_out_of_memory_halves_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    for number in range(5):
        Image.new("RGB", (40, 40), (number * 40, 9, 9)).save(tmp_path / "in" / f"{number}.png")
    from reportgen import engine  # noqa: PLC0415 - for this test alone

    truly: Callable[..., object] = vars(engine)["explain"]
    passes = []

    def explain(module: object, inputs: Sequence[object], *rest: object) -> object:
        passes.append(len(inputs))
        if len(inputs) > 2:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return truly(module, inputs, *rest)

    class Told(Silent):
        def stage(self, text: str) -> None:
            said.append(text)

    said: list[str] = []
    monkeypatch.setattr(engine, "explain", explain)
    outcome = pipeline.build(options_of(tmp_path), Told())
    assert (outcome.images, outcome.failures) == (5, ())
    assert passes == [5, 2, 2, 1]
    assert "Out of memory with 5 pictures per pass of the network; going on with 2" in said
