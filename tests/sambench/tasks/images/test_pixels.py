"""Pictures of every mode, against pixel values known by construction."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sambench.tasks.images.pixels import plain

LEVELS = np.arange(256, dtype=np.uint16).reshape(16, 16)
RED = (255, 0, 0)


def stored(picture: Image.Image, form: str, **options: Any) -> Image.Image:
    """Written to a file of the format and opened again."""
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return Image.open(buffer)


def rgb(picture: Image.Image) -> np.ndarray:
    return np.asarray(plain(picture, "RGB"))


def first(picture: Image.Image) -> tuple[int, ...]:
    return tuple(rgb(picture)[0, 0].tolist())


@pytest.mark.parametrize("order", ["<u2", ">u2"])
@pytest.mark.parametrize("form", ["PNG", "TIFF", "PPM", "JPEG2000"])
def test_grey_levels_of_16_bits_are_scaled(form: str, order: str):
    if form != "TIFF" and order == ">u2":
        pytest.skip("these have one order of bytes")
    deep = Image.fromarray((LEVELS * 257).astype(order))
    for mode, shape in (("RGB", (16, 16, 3)), ("L", (16, 16))):
        found = np.asarray(plain(stored(deep, form), mode))
        assert np.array_equal(found, np.broadcast_to(LEVELS.reshape(16, 16, 1), (16, 16, 3))
                              if mode == "RGB" else LEVELS)  # fmt: skip
        assert found.shape == shape and found.dtype == np.uint8


def test_16_bits_go_to_the_nearest_level():
    values = np.array([[0, 128, 129, 300, 65406, 65407, 65535]], np.uint16)
    found = rgb(stored(Image.fromarray(values), "PNG"))[0, :, 0]
    assert found.tolist() == [0, 0, 1, 1, 254, 255, 255]


def tiff(bits: int, photometric: int, strip: bytes, width: int) -> Image.Image:
    """One row of grey, as few tags as Pillow takes."""
    tags = {256: width, 257: 1, 258: bits, 259: 1, 262: photometric, 273: 8, 277: 1, 278: 1,
            279: len(strip)}  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    offset = 8 + len(strip)
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    return Image.open(io.BytesIO(b"II*\0" + struct.pack("<I", offset) + strip + directory))


def test_a_tiff_of_12_bits_is_scaled_by_12():
    packed = bytes([0xFF, 0xF8, 0x00])  # 0xfff and 0x800
    assert rgb(tiff(12, 1, packed, 2))[0, :, 0].tolist() == [255, 128]


def test_a_tiff_in_which_white_is_zero_is_inverted():
    strip = np.array([0, 257, 65535], "<u2").tobytes()
    assert rgb(tiff(16, 0, strip, 3))[0, :, 0].tolist() == [255, 254, 0]


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_pixels_without_a_range_are_refused(kind: type):
    with pytest.raises(ValueError, match="have no known range"):
        plain(stored(Image.fromarray(LEVELS.astype(kind)), "TIFF"), "RGB")


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_becomes_the_rgb_that_it_prints(form: str):
    ink = np.zeros((16, 16, 4), np.uint8)
    ink[..., 1:3] = 255  # magenta and yellow
    assert first(stored(Image.fromarray(ink, "CMYK"), form)) == RED


def test_palettes_are_looked_up():
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([0, 0, 0, 10, 200, 30])
    for form in ("PNG", "GIF", "BMP", "TIFF"):
        assert first(stored(picture, form)) == (10, 200, 30)
    assert first(stored(picture, "PNG", transparency=1)) == (255, 255, 255)
    assert first(stored(picture, "GIF", transparency=1)) == (255, 255, 255)
    half = stored(picture, "PNG", transparency=bytes([0, 51]))
    assert first(half) == (206, 244, 210)


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
        ("RGBA", (10, 20, 30, 51), (206, 208, 210)),
        ("RGBA", (10, 20, 30, 0), (255, 255, 255)),
        ("LA", (10, 255), (10, 10, 10)),
        ("LA", (10, 0), (255, 255, 255)),
        ("L", 77, (77, 77, 77)),
        ("1", 1, (255, 255, 255)),
        ("RGB", (1, 2, 3), (1, 2, 3)),
    ],
)
def test_transparent_pictures_lie_on_white(mode: str, colour: Any, expected: tuple[int, ...]):
    assert first(stored(Image.new(mode, (4, 4), colour), "PNG")) == expected


def test_a_transparent_colour_is_white():
    for picture, colour in (
        (Image.new("RGB", (4, 4), (1, 2, 3)), (1, 2, 3)),
        (Image.new("L", (4, 4), 5), 5),
        (Image.fromarray(np.full((4, 4), 900, np.uint16)), 900),
    ):
        assert first(stored(picture, "PNG", transparency=colour)) == (255, 255, 255)


TURNED = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: x[::-1, ::-1].swapaxes(0, 1),
    8: lambda x: np.rot90(x),
}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", TURNED)
def test_pictures_stand_upright(form: str, orientation: int):
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:8, :16] = 255
    exif = Image.Exif()
    exif[0x112] = orientation
    lossless = {"lossless": True} if form == "WEBP" else {}
    found = rgb(stored(Image.fromarray(pixels), form, exif=exif, **lossless))
    expected = TURNED[orientation](pixels)
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).max() < 9


def test_of_several_pictures_it_is_the_first():
    red, green = (Image.new("RGB", (4, 4), colour) for colour in (RED, (0, 255, 0)))
    for form in ("GIF", "TIFF", "PNG"):
        assert first(stored(red, form, save_all=True, append_images=[green])) == RED


def test_16_bits_a_channel_are_cut_to_8():
    """Pillow itself takes the high bytes of colours."""
    rows = b"\0" + np.array([[0x1234, 0xFFFF, 0x00FF]], ">u2").tobytes()

    def chunk(name: bytes, content: bytes) -> bytes:
        body = name + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0))
    png += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    assert first(Image.open(io.BytesIO(png))) == (0x12, 0xFF, 0)
