"""Film and heat map beside each other as a secondary capture (PS3.3, A.8.1): the picture that a PACS previews.

What it is worth is burnt in: not verified, until a clinician has signed; then, what they signed.
"""

from io import BytesIO

from django.utils import timezone, translation
from PIL import Image, ImageDraw, ImageFont
from pydicom.uid import UID, SecondaryCaptureImageStorage

from imaging.derived import open_pixels
from inference.confidences import confidence_told
from inference.dicom_results.about import a_result, made_at, the_film, uid_of
from inference.models import ModelResult, Prediction
from inference.overlay import draw
from inference.typefaces import CHINESE, FILES

SERIES_NUMBER = 9102
HEIGHT = 1024  # of the film in it, in pixels
BAND, TEXT = 150, 34
BLACK, WHITE, AMBER = (0, 0, 0), (255, 255, 255), (255, 190, 70)
NOT_VERIFIED = "AI, not verified"
"""In English whatever the clinic speaks: it goes to whoever reads there."""


def capture(prediction: Prediction) -> bytes:
    """Return the file about this answer as it stands: signed or not, it is another instance. Raises FileNotFoundError,
    Refused."""
    film = prediction.xray
    series, instance = uids_of(prediction)
    at = made_at(prediction)
    result = a_result(film, sop_class=SecondaryCaptureImageStorage, instance=instance, series=series, at=at)
    result.Modality, result.SeriesNumber = "OT", SERIES_NUMBER
    result.ConversionType = "WSD"
    result.DateOfSecondaryCapture, result.TimeOfSecondaryCapture = result.ContentDate, result.ContentTime
    result.ImageType = ["DERIVED", "SECONDARY"]
    result.PatientOrientation = ""
    result.BurnedInAnnotation = "YES"
    result.LossyImageCompression = "00"
    result.DerivationDescription = "Film and heat map of a second opinion by software"
    if source := the_film(film):
        result.SourceImageSequence = [source]
    _pixels(result, picture(prediction))
    target = BytesIO()
    result.save_as(target, enforce_file_format=True)
    return target.getvalue()


def uids_of(prediction: Prediction) -> tuple[UID, UID]:
    """(series, instance) of the picture of this answer as it stands."""
    state = (prediction.is_validated, prediction.final_diagnosis, made_at(prediction).isoformat())
    instance = uid_of("capture", prediction.pk, prediction.created_at.isoformat(), *state)
    return uid_of("captures", prediction.pk, prediction.created_at.isoformat()), instance


def _pixels(result: object, image: Image.Image) -> None:
    told = {
        "SamplesPerPixel": 3,
        "PhotometricInterpretation": "RGB",
        "PlanarConfiguration": 0,
        "Rows": image.height,
        "Columns": image.width,
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
    }
    for name, value in told.items():
        setattr(result, name, value)
    data = image.tobytes()
    result.PixelData = data + b"\0" * (len(data) % 2)  # type: ignore[attr-defined]  # pydicom makes it


def picture(prediction: Prediction) -> Image.Image:
    """The film on the left, with the heat over it on the right where there is a map, and the words below both."""
    with open_pixels(prediction.xray) as file, Image.open(file, formats=["PNG"]) as kept:
        scale = HEIGHT / kept.height
        film = kept.convert("L").resize((max(1, round(kept.width * scale)), HEIGHT)).convert("RGB")
    sides = [film, *_with_heat(prediction, film)]
    whole = Image.new("RGB", (sum(side.width for side in sides), HEIGHT + BAND), BLACK)
    for number, side in enumerate(sides):
        whole.paste(side, (number * film.width, 0))
    _write(whole, prediction)
    return whole


def _with_heat(prediction: Prediction, film: Image.Image) -> list[Image.Image]:
    mapped = ModelResult.objects.filter(prediction=prediction, heatmap__isnull=False).order_by("pk")
    agreeing = mapped.filter(diagnosis=prediction.diagnosis).first() or mapped.first()
    if agreeing is None:
        return []
    with Image.open(BytesIO(draw(bytes(agreeing.heatmap or b""))), formats=["PNG"]) as glow:
        over = glow.resize(film.size)
    return [Image.alpha_composite(film.convert("RGBA"), over).convert("RGB")]


def _write(whole: Image.Image, prediction: Prediction) -> None:
    pen = ImageDraw.Draw(whole)
    words = words_of(prediction)
    for number, (text, colour) in enumerate(words):
        size = TEXT
        font = ImageFont.truetype(FILES[CHINESE], size)
        while pen.textlength(text, font) > whole.width - 2 * TEXT and size > TEXT // 3:
            size -= 1
            font = ImageFont.truetype(FILES[CHINESE], size)
        pen.text((TEXT, HEIGHT + 12 + number * (TEXT + 12)), text, fill=colour, font=font)


def words_of(prediction: Prediction) -> list[tuple[str, tuple[int, int, int]]]:
    """(line, colour), at most three."""
    with translation.override("en"):
        software = prediction.get_diagnosis_display() or "no answer"
        sure = "" if prediction.confidence is None else f" ({confidence_told(prediction.confidence)})"
        told = [(f"Software: {software}{sure}", WHITE)]
        if not prediction.is_validated:
            return [(NOT_VERIFIED, AMBER), *told]
        signed = prediction.get_final_diagnosis_display() or prediction.get_verdict_display()
        when = timezone.localtime(prediction.reviewed_at).strftime("%Y-%m-%d %H:%M") if prediction.reviewed_at else ""
        return [*told, (f"Signed: {signed}", WHITE), (f"{prediction.reviewed_by}, {when}", WHITE)]
