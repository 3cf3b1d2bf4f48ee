"""PNG and JPEG bytes → grey pixels. Nobody else opens an uploaded picture with Pillow."""

import struct
import warnings
import zlib
from io import BytesIO

import numpy as np
from django.utils.translation import gettext as _
from PIL import ExifTags, Image

from imaging.decoded import Decoded, Deep, Refused, check_dimensions, range_used, to_eight_bits, too_many_pixels

# Ours is the stricter check; this one stands behind it wherever Pillow opens a picture, inside DICOM files too.
# Set once for the process: `warnings.catch_warnings` is not safe among threads.
warnings.simplefilter("error", Image.DecompressionBombWarning)

# What Pillow raises on damaged files besides OSError (measured on its own hostile samples).
UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    OverflowError,
    EOFError,
    struct.error,
    zlib.error,
)

BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Grey films saved as JPEG in three channels differ by a level or two after chroma rounding; tinted ones by far more.
COLOUR_DIFFERENCE = 8


def read(data: bytes) -> Decoded:
    """Decode PNG or JPEG bytes to an upright grey picture, or raise Refused.

    The header is checked before anything is decoded, and everything is decoded before anything is believed:
    `verify()` passes truncated files.
    """
    try:
        with Image.open(BytesIO(data), formats=["PNG", "JPEG"]) as picture:
            check_dimensions(*picture.size)
            if picture.format == "PNG" and getattr(picture, "is_animated", False):
                raise Refused(_("The picture is animated. Upload one still picture."))
            # A multi-picture JPEG is what some telephones make: the film first, then previews of it.
            has_more_pictures = getattr(picture, "n_frames", 1) > 1
            picture.load()
            return _decode(picture, has_more_pictures)
    except BOMBS as error:
        raise too_many_pixels() from error
    except UNREADABLE as error:
        raise Refused(_("The picture is damaged or incomplete. Export it again from where it came.")) from error


def _decode(picture: Image.Image, has_more_pictures: bool) -> Decoded:
    upright = _turn_upright(picture)
    if upright.mode == "I;16":
        values = np.asarray(upright)
        window = range_used(values)
        return Decoded(to_eight_bits(values, *window), bit_depth=16, deep=Deep(values, window))
    flat = _flatten(upright)
    return Decoded(
        np.asarray(flat.convert("L")),
        bit_depth=1 if picture.mode == "1" else 8,
        is_colour=flat.mode == "RGB" and _is_colour(flat),
        has_more_pictures=has_more_pictures,
    )


def _turn_upright(picture: Image.Image) -> Image.Image:
    """As `ImageOps.exif_transpose`, which also writes the EXIF back and so stumbles over broken EXIF."""
    method = UPRIGHT.get(picture.getexif().get(ExifTags.Base.Orientation, 0))
    return picture.transpose(method) if method is not None else picture


def _flatten(picture: Image.Image) -> Image.Image:
    """Grey stays grey; everything else becomes RGB, on black where it is transparent, as film is outside the beam."""
    if picture.has_transparency_data and picture.mode not in ("1", "L"):
        black = Image.new("RGBA", picture.size, "black")
        return in_mode("RGB", Image.alpha_composite(black, in_mode("RGBA", picture)))
    return picture if picture.mode in ("1", "L") else in_mode("RGB", picture)


def in_mode(mode: str, picture: Image.Image) -> Image.Image:
    """`convert` would copy a picture that has the mode already, and the largest take a quarter of a gigabyte."""
    return picture if picture.mode == mode else picture.convert(mode)


def _is_colour(picture: Image.Image) -> bool:
    small = np.asarray(picture.resize((64, 64), Image.Resampling.BOX), np.int16)
    return bool((small.max(axis=2) - small.min(axis=2)).mean() > COLOUR_DIFFERENCE)
