"""PNG and JPEG bytes → grey pixels. Nobody else opens an uploaded picture with Pillow."""

import re
import struct
import warnings
import zlib
from dataclasses import replace
from io import BytesIO

import numpy as np
from django.utils.translation import gettext as _
from PIL import ExifTags, Image

from imaging import codec, jpeg, wide
from imaging.decoded import (
    Decoded,
    Deep,
    Refused,
    check_dimensions,
    counted,
    range_used,
    to_eight_bits,
    too_many_pixels,
)

# Ours is the stricter check; this one stands behind it wherever Pillow opens a picture, inside DICOM files too.
# Set once for the process: `warnings.catch_warnings` is not safe among threads.
warnings.simplefilter("error", Image.DecompressionBombWarning)

# What Pillow raises on damaged files besides OSError (measured on its own hostile samples), and libjpeg-turbo.
UNREADABLE = (
    OSError,
    RuntimeError,
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

# What Pillow says of texts and colour profiles that unpack to more than it reads.
SWELLS = re.compile(r"too large|too much memory", re.IGNORECASE)

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

LEVELS = np.arange(1 << 16)

# Grey films saved as JPEG in three channels differ by a level or two after chroma rounding; tinted ones by far more.
COLOUR_DIFFERENCE = 8


def read(data: bytes) -> Decoded:
    """Decode PNG or JPEG bytes to an upright grey picture, or raise Refused.

    The header is checked before anything is decoded, and everything is decoded before anything is believed:
    `verify()` passes truncated files.
    """
    _check_coding(data)
    try:
        with Image.open(BytesIO(data), formats=["PNG", "JPEG"]) as picture:
            check_dimensions(*picture.size)
            if picture.format == "PNG" and getattr(picture, "is_animated", False):
                raise _animated()
            # A multi-picture JPEG is what some telephones make: the film first, then previews of it.
            has_more_pictures = getattr(picture, "n_frames", 1) > 1
            coded = _coded(picture, data)
            if picture.mode == "L" and coded:
                return _decode_grey(picture, coded, has_more_pictures)
            picture.load()
            if wide.is_wide(data):
                return _decode_wide(picture, data)
            return _decode(picture, has_more_pictures, coded)
    except BOMBS as error:
        raise too_many_pixels() from error
    except UNREADABLE as error:
        raise _refusal(data, error) from error


def _check_coding(data: bytes) -> None:
    claim = jpeg.claim(data)
    if claim is not None and (claim.coding, claim.bits) != ("JPEG", jpeg.LOSSY_BITS):
        message = _(
            "Its pixels are coded as %(coding)s with %(bits)d bits, which is not read in a JPEG file. "
            "Export the film as DICOM or PNG."
        )
        raise Refused(message % {"coding": claim.coding, "bits": claim.bits})


def _coded(picture: Image.Image, data: bytes) -> codec.Coded | None:
    """Return a JPEG in grey, and whether its data are as long as it is; None where there is no telling."""
    claim = jpeg.claim(data)
    if claim is None or picture.mode not in ("L", "RGB") or not jpeg.is_whole(data):
        return None
    if (claim.width, claim.height) != picture.size:
        raise ValueError("it begins twice")
    coded = codec.decode_jpeg(data)
    # Colours are Pillow's matter.
    return coded if picture.mode == "L" else replace(coded, samples=coded.samples[:0])


def _refusal(data: bytes, error: Exception) -> Refused:
    """The true reason for `error`, as far as the file shows it."""
    chunks = list(wide.chunks(data))
    if any(kind == b"acTL" for kind, _body in chunks):
        return _animated()
    if SWELLS.search(str(error)):
        return Refused(_("It holds texts or a colour profile far larger than a film's. Save it again without these."))
    ends = any(kind == b"IEND" for kind, _body in chunks) if wide.is_png(data) else jpeg.is_whole(data)
    if not ends:
        return Refused(_("The picture is cut off: the file ends too early. Copy or export it again, whole."))
    return Refused(_("The picture is damaged. Export it again from where it came."))


def _animated() -> Refused:
    return Refused(_("The picture is animated. Upload one still picture."))


def _decode_grey(picture: Image.Image, coded: codec.Coded, has_more_pictures: bool) -> Decoded:
    """A grey JPEG, of which Pillow has told the rest."""
    upright = _turned(Image.fromarray(coded.samples), picture.getexif())
    return Decoded(
        np.asarray(upright),
        bit_depth=8,
        has_more_pictures=has_more_pictures,
        ends_early=coded.end_early,
        is_damaged=coded.do_not_fit or coded.probably_shifted,
    )


def _decode(picture: Image.Image, has_more_pictures: bool, coded: codec.Coded | None) -> Decoded:
    upright = _turn_upright(picture)
    if upright.mode == "I;16":
        return _decoded_deep(np.asarray(upright))
    flat = _flatten(upright)
    return Decoded(
        np.asarray(in_mode("L", flat)),
        bit_depth=1 if picture.mode == "1" else 8,
        background=_background(upright),
        is_colour=flat.mode == "RGB" and _is_colour(flat),
        has_more_pictures=has_more_pictures,
        ends_early=coded is not None and coded.end_early,
        is_damaged=coded is not None and (coded.do_not_fit or coded.probably_shifted),
    )


def _decode_wide(picture: Image.Image, data: bytes) -> Decoded:
    """Decode a picture of 16 bits in colour or with transparency, of which Pillow keeps the upper eight."""
    values, transparent = wide.grey(picture, data)
    orientation = picture.getexif()
    values = np.asarray(_turned(Image.fromarray(values), orientation))
    background = None if transparent is None else np.asarray(_turned(Image.fromarray(transparent), orientation))
    return _decoded_deep(values, background, is_colour=_is_colour(_flatten(picture)))


def _decoded_deep(values: np.ndarray, background: np.ndarray | None = None, *, is_colour: bool = False) -> Decoded:
    window = range_used(LEVELS, counted(values, LEVELS.size, background))
    grey = to_eight_bits(values, *window)
    if background is not None:
        grey[background] = 0
    return Decoded(grey, bit_depth=16, background=background, is_colour=is_colour, deep=Deep(values, window))


def _background(picture: Image.Image) -> np.ndarray | None:
    """Return where a picture of 8 bits is wholly transparent; None where that is nowhere, or everywhere."""
    if "A" not in picture.getbands():
        return None
    transparent = np.asarray(picture.getchannel("A")) == 0
    return transparent if transparent.any() and not transparent.all() else None


def _turn_upright(picture: Image.Image) -> Image.Image:
    return _turned(picture, picture.getexif())


def _turned(picture: Image.Image, exif: Image.Exif) -> Image.Image:
    """As `ImageOps.exif_transpose`, which also writes the EXIF back and so stumbles over broken EXIF."""
    method = UPRIGHT.get(exif.get(ExifTags.Base.Orientation, 0))
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
