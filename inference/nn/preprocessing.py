"""From a film to what one model sees of it, as that model was trained. Numpy, OpenCV, Pillow; no Django, no torch.

Two pipelines that look alike can differ by twenty grey levels: CLAHE before and after resizing, a bilinear filter that
averages what it shrinks (Pillow, torchvision) and one that picks (OpenCV). So each model says which is its own.
"""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from PIL import Image

from imaging.pixels import enhance
from inference.nn.lungs import Box, around_lungs, lung_box


class Fit(StrEnum):
    """How a picture of any shape becomes a square."""

    SQUASH = "squash"  # both edges to the size; a heat map's grid covers the picture exactly
    LETTERBOX = "letterbox"  # the long edge to the size, black beside the rest
    CROP = "crop"  # the short edge to size / crop_share, then the middle: ImageNet's evaluation
    LUNGS = "lungs"  # the box in which the lungs lie, cut out before anything else is done, and squashed
    # The same with a little around it, and in the end every grey made equally common: a machine's tone is gone.
    EVEN_LUNGS = "even-lungs"


class Interpolation(StrEnum):
    AREA = "area"  # OpenCV's mean where it shrinks, its bilinear filter where it enlarges
    BILINEAR = "bilinear"  # Pillow's, and torchvision's and timm's on its pictures: averages what it shrinks
    BICUBIC = "bicubic"
    LANCZOS = "lanczos"
    NEAREST = "nearest"
    OPENCV_LINEAR = "opencv-linear"  # OpenCV's default, and albumentations': picks among neighbours, does not average
    OPENCV_CUBIC = "opencv-cubic"


PILLOW = {
    Interpolation.BILINEAR: Image.Resampling.BILINEAR,
    Interpolation.BICUBIC: Image.Resampling.BICUBIC,
    Interpolation.LANCZOS: Image.Resampling.LANCZOS,
    Interpolation.NEAREST: Image.Resampling.NEAREST,
}
OPENCV = {Interpolation.OPENCV_LINEAR: cv2.INTER_LINEAR, Interpolation.OPENCV_CUBIC: cv2.INTER_CUBIC}


@dataclass(frozen=True)
class Preprocessing:
    """How a model's pictures are made. The defaults are what the models that are trained here see.

    `crop_share` (above 0, to 1) is the middle's share of the short edge, and matters to CROP alone: 0.875 is
    `Resize(256), CenterCrop(224)`. Raises ValueError for what is no such fit, interpolation or share.
    """

    fit: Fit = Fit.SQUASH
    interpolation: Interpolation = Interpolation.AREA
    clahe: bool = True
    crop_share: float = 1.0

    def __post_init__(self) -> None:
        # Frozen, and told in plain text by rows and files: the text becomes what it names.
        object.__setattr__(self, "fit", Fit(self.fit))
        object.__setattr__(self, "interpolation", Interpolation(self.interpolation))
        if not 0 < self.crop_share <= 1:
            raise ValueError(f"crop_share must be above 0 and at most 1, not {self.crop_share}")

    def model_input(self, picture: np.ndarray, size: int) -> np.ndarray:
        """Return what the model sees of a picture: uint8 H×W in, uint8 size×size out.

        The only place that prepares pictures, for training and for answering alike.
        """
        if box := self._box(picture):
            top, bottom, left, right = box
            picture = picture[top:bottom, left:right]
        source = enhance(picture) if self.clahe else picture
        if self.fit is Fit.EVEN_LUNGS:
            return cv2.equalizeHist(self._resized(source, size, size))
        if self.fit in (Fit.SQUASH, Fit.LUNGS):
            return self._resized(source, size, size)
        height, width = self._scaled(picture.shape, size)
        resized = self._resized(source, height, width)
        if self.fit is Fit.CROP:
            top, left = _half(height - size), _half(width - size)
            return np.ascontiguousarray(resized[top : top + size, left : left + size])
        square = np.zeros((size, size), np.uint8)
        top, left = _half(size - height), _half(size - width)
        square[top : top + height, left : left + width] = resized
        return square

    def over_the_picture(self, heat: np.ndarray, picture: np.ndarray, size: int) -> np.ndarray:
        """Return a heat map over the model's input (uint8, square) as one of the same size over the picture.

        Where the model saw nothing of the picture (uint8 H×W), the map is 0.
        """
        if self.fit is Fit.SQUASH:
            return heat
        if box := self._box(picture):
            return _within(heat, box, picture.shape)
        shape, cells = picture.shape, len(heat)
        # Per axis: how wide the map's cell is in cells of the input's, and where the first one's middle lies there.
        height, width = (extent / size for extent in self._scaled(shape, size))
        top, left = (0.5 * extent - 0.5 - _half(size * (extent - 1)) * cells / size for extent in (height, width))
        to_input = np.array([[width, 0, left], [0, height, top]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(heat, to_input, (cells, cells), flags=flags, borderMode=cv2.BORDER_CONSTANT)

    def _box(self, picture: np.ndarray) -> Box | None:
        """The part of the picture that is shown, where that depends on what is in it."""
        if self.fit is Fit.LUNGS:
            return lung_box(picture)
        return around_lungs(picture) if self.fit is Fit.EVEN_LUNGS else None

    def _scaled(self, shape: tuple[int, ...], size: int) -> tuple[int, int]:
        """The picture's height and width, before it is cropped or padded."""
        short, long = sorted(shape)
        if self.fit is Fit.LETTERBOX:
            short, long = max(1, round(size * short / long)), size
        else:
            edge = int(size / self.crop_share)
            short, long = edge, int(edge * long / short)  # rounded as torchvision does
        return (short, long) if shape[0] <= shape[1] else (long, short)

    def _resized(self, picture: np.ndarray, height: int, width: int) -> np.ndarray:
        if (filter_ := PILLOW.get(self.interpolation)) is not None:
            return np.asarray(Image.fromarray(picture).resize((width, height), filter_))
        shrinks = picture.shape[0] >= height and picture.shape[1] >= width
        # INTER_AREA averages what it shrinks, so fine detail does not alias; it only shrinks well.
        area = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        return cv2.resize(picture, (width, height), interpolation=OPENCV.get(self.interpolation, area))


AS_TRAINED_HERE = Preprocessing()


def _within(heat: np.ndarray, box: tuple[int, int, int, int], shape: tuple[int, ...]) -> np.ndarray:
    """The map of a box (top, bottom, left, right) as one of the whole picture, of as many cells."""
    cells = len(heat)
    (top, bottom), (left, right) = (
        np.array(ends) * cells / n for ends, n in zip((box[:2], box[2:]), shape, strict=True)
    )
    down, across = cells / (bottom - top), cells / (right - left)
    to_box = np.array([[across, 0, (0.5 - left) * across - 0.5], [0, down, (0.5 - top) * down - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(heat, to_box, (cells, cells), flags=flags, borderMode=cv2.BORDER_CONSTANT)


def _half(pixels: float) -> int:
    return round(pixels / 2)
