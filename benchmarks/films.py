"""Films for a benchmark: the phantom at a detector's size with its noise, as the kinds of file that clinics send."""

import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

SMALL, LARGE = (1024, 1024), (2500, 2048)  # rows, columns
BITS = 12


def write(folder: Path) -> None:
    for name, make in KINDS.items():
        (folder / name).write_bytes(make())


def film(shape: tuple[int, int], bits: int) -> np.ndarray:
    from imaging import phantom

    most = (1 << bits) - 1
    rows, columns = shape
    drawn = cv2.resize(phantom.render("Normal", 7, 512), (columns, rows), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(7).normal(0, most / 200, shape)
    noisy = np.clip(drawn / 255 * most * 0.9 + noise, 0, most)
    return noisy.astype(np.uint8 if bits == 8 else np.uint16)


def jpeg() -> bytes:
    return encoded(Image.fromarray(film(SMALL, 8)), "JPEG", quality=92)


def png() -> bytes:
    return encoded(Image.fromarray(film(LARGE, BITS) << 4), "PNG")


def encoded(picture: Image.Image, kind: str, **options: int) -> bytes:
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


def dicom() -> bytes:
    import pydicom
    from pydicom import uid
    from pydicom.dataset import Dataset, FileMetaDataset

    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = uid.DigitalXRayImageStorageForPresentation, uid.generate_uid()
    dataset.Modality, dataset.PhotometricInterpretation, dataset.SamplesPerPixel = "DX", "MONOCHROME2", 1
    dataset.Rows, dataset.Columns = LARGE
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, BITS, BITS - 1, 0
    dataset.WindowCenter, dataset.WindowWidth = 1 << (BITS - 1), 1 << BITS
    dataset.PixelData = film(LARGE, BITS).tobytes()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    target = io.BytesIO()
    pydicom.dcmwrite(target, dataset, enforce_file_format=True)
    return target.getvalue()


def jpeg_lossless() -> bytes:
    import pydicom
    from imagecodecs import jpeg8_encode
    from pydicom import uid
    from pydicom.encaps import encapsulate

    dataset = pydicom.dcmread(io.BytesIO(dicom()))
    frame = jpeg8_encode(film(LARGE, BITS), lossless=True, predictor=1, bitspersample=BITS)
    dataset.PixelData = encapsulate([bytes(frame)])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = uid.JPEGLosslessSV1
    target = io.BytesIO()
    dataset.save_as(target)
    return target.getvalue()


KINDS: dict[str, Callable[[], bytes]] = {
    "jpeg.jpg": jpeg,
    "png.png": png,
    "dicom.dcm": dicom,
    "lossless.dcm": jpeg_lossless,
}
