"""Files of pictures without what they say about their author, and with every pixel they had."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from reportgen.privacy import without_metadata

SECRETS = (b"Canon", b"Alice", b"A secret remark", b"2024:05:06", b"W5M0MpCehiHzreSzNTczkc9d")
GPS = {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 0.0)}
XMP = b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x/>'


def picture(mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(1).integers(0, 256, (24, 32, 4), dtype=np.uint8)
    pixels[:, :, 3] = 200
    return Image.fromarray(pixels).convert(mode)


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[0x010F] = "Canon"
    found[0x013B] = "Alice"
    found[0x0112] = orientation
    found[0x9003] = "2024:05:06 07:08:09"
    found[0x8825] = GPS
    return found


def jpeg(orientation: int = 1, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture().save(
        buffer, "JPEG", exif=exif(orientation), comment=b"A secret remark", xmp=XMP, **options
    )
    return buffer.getvalue()


def png(orientation: int = 1) -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "Alice")
    text.add_itxt("Comment", "A secret remark")
    buffer = io.BytesIO()
    picture("RGBA").save(buffer, "PNG", exif=exif(orientation), pnginfo=text)
    return buffer.getvalue()


def webp(orientation: int = 1, *, lossless: bool = False) -> bytes:
    buffer = io.BytesIO()
    picture().save(buffer, "WEBP", exif=exif(orientation), xmp=XMP, lossless=lossless)
    return buffer.getvalue()


def seen(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(ImageOps.exif_transpose(image))


FILES = {
    "jpeg": jpeg(),
    "jpeg turned": jpeg(6),
    "jpeg mirrored": jpeg(4),
    "jpeg progressive": jpeg(progressive=True),
    "jpeg with restarts": jpeg(restart_marker_blocks=1),
    "png": png(),
    "png turned": png(8),
    "webp": webp(),
    "webp turned": webp(3),
    "webp lossless": webp(5, lossless=True),
}


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_said_and_nothing_is_lost(name: str) -> None:
    before = FILES[name]
    after = without_metadata(before)
    assert any(secret in before for secret in SECRETS)
    for secret in SECRETS:
        assert secret not in after
    with Image.open(io.BytesIO(after)) as image:
        assert set(image.getexif()) <= {0x0112}
        assert not image.getexif().get_ifd(0x8825)
        assert image.info.get("xmp") is None
    np.testing.assert_array_equal(seen(after), seen(before))


def test_twice_is_once() -> None:
    for data in FILES.values():
        once = without_metadata(data)
        assert without_metadata(once) == once


def test_the_colour_profile_stays() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    buffer = io.BytesIO()
    picture().save(buffer, "JPEG", icc_profile=profile, exif=exif(1))
    with Image.open(io.BytesIO(without_metadata(buffer.getvalue()))) as image:
        assert image.info["icc_profile"] == profile


def test_what_is_hung_on_behind_the_end_goes() -> None:
    for data in (jpeg(), png()):
        assert without_metadata(data + b"a film of where Alice was") == without_metadata(data)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xd9", b"GIF89a", jpeg()[:700], png()[:200]]
)
def test_what_is_no_such_file_stays(data: bytes) -> None:
    assert without_metadata(data) == data
