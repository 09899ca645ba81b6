"""A picture of any mode as 8-bit grey or RGB, the way up that its camera was held."""

from collections.abc import Callable

import numpy as np
from PIL import ExifTags, Image, ImageOps

FULL = 2**16 - 1
BITS, PHOTOMETRIC, WHITE_IS_ZERO = 258, 262, 0  # of TIFF


def plain(picture: Image.Image, mode: str) -> Image.Image:
    """The picture in mode "L" or "RGB", rotated as its EXIF data say.

    Grey levels of 16 bits become 8 by scale, the nearest level each. What is transparent shows
    white behind it. ValueError for pixels without a known range, of 32 bits or floating point.
    """
    picture = _upright(picture)
    if picture.mode == mode and "transparency" not in picture.info:
        return picture
    if picture.mode.startswith("I;16") or (picture.mode, picture.format) == ("I", "PPM"):
        picture = _scaled(picture)
    elif picture.mode in ("I", "F"):
        raise ValueError(f"pixels of mode {picture.mode} have no known range; store 8 or 16 bits")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert(mode)


def _upright(picture: Image.Image) -> Image.Image:
    picture.load()  # a PNG's EXIF data may stand behind its pixels
    if picture.getexif().get(ExifTags.Base.Orientation, 1) == 1:
        return picture
    return ImageOps.exif_transpose(picture)


def _scaled(picture: Image.Image) -> Image.Image:
    """Grey levels of 16 bits, or of the fewer that a TIFF names, to 8 bits."""
    tag: Callable[[int], object] = getattr(picture, "tag_v2", {}).get
    bits = tag(BITS)
    full = 2 ** int(bits[0]) - 1 if isinstance(bits, tuple) else FULL
    levels = np.asarray(picture).astype(np.int64)
    scaled = ((levels * 255 + full // 2) // full).astype(np.uint8)
    if tag(PHOTOMETRIC) == WHITE_IS_ZERO:
        scaled = 255 - scaled
    scaled[levels == picture.info.get("transparency", -1)] = 255
    return Image.fromarray(scaled)
