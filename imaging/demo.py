"""Twelve phantom X-rays for the demo: three of each kind, on demo patients."""

from io import BytesIO

from django.core.files.base import ContentFile
from PIL import Image

from clinic.models import Patient
from imaging.models import XRayImage
from imaging.storing import receive

PER_DIAGNOSIS = 3

# Far from the seeds that training draws, so that no demo answer is a memory.
FIRST_SEED = 900_000

NOTE = "Synthetic picture: no patient stands behind it."


def load(stdout) -> None:
    """Add the phantoms. A second run finds each already there, since the same seed makes the same file."""
    from imaging.phantom import DIAGNOSES, render  # OpenCV: not for the web process, which never comes here

    diagnoses = [diagnosis for _ in range(PER_DIAGNOSIS) for diagnosis in DIAGNOSES]
    patients = Patient.objects.visible().order_by("pk")[: len(diagnoses)]
    added = 0
    for number, (diagnosis, patient) in enumerate(zip(diagnoses, patients, strict=False)):
        film = ContentFile(_png(render(diagnosis, FIRST_SEED + number)), name=f"phantom-{number}.png")
        receipt = receive(film, patient, view=XRayImage.View.PA, notes=NOTE)
        added += not receipt.was_there
    stdout.write(f"imaging: {added} phantom X-rays added.")


def _png(picture) -> bytes:
    target = BytesIO()
    Image.fromarray(picture).save(target, "PNG")
    return target.getvalue()
