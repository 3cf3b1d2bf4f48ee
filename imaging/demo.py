"""Twelve phantom X-rays for the demo: three of each kind, on demo patients."""

from datetime import timedelta
from io import BytesIO

from django.core.files.base import ContentFile
from django.utils import timezone
from PIL import Image

from backoffice.models import User
from backoffice.roles import CLINICIANS
from clinic.models import Patient
from imaging.models import XRayImage
from imaging.storing import receive

PER_DIAGNOSIS = 3

# Far from the seeds that training draws, so that no demo answer is a memory.
FIRST_SEED = 900_000

NOTE = "Synthetic picture: no patient stands behind it."


def load(stdout) -> None:
    """Add the phantoms, unless there are X-rays already: hiding one in the demo must not bring it back."""
    if XRayImage.objects.exists():
        return
    from imaging.phantom import DIAGNOSES, render  # OpenCV: not for the web process, which never comes here

    diagnoses = [diagnosis for _ in range(PER_DIAGNOSIS) for diagnosis in DIAGNOSES]
    patients = Patient.objects.visible().order_by("pk")[: len(diagnoses)]
    clinician = User.objects.filter(groups__name=CLINICIANS).first()
    for number, (diagnosis, patient) in enumerate(zip(diagnoses, patients, strict=False)):
        film = ContentFile(_png(render(diagnosis, FIRST_SEED + number)), name=f"phantom-{number}.png")
        taken_on = timezone.localdate() - timedelta(days=number)
        receive(film, patient, by=clinician, view=XRayImage.View.PA, taken_on=taken_on, notes=NOTE)
    stdout.write(f"{XRayImage.objects.count()} phantom X-rays added.")


def _png(picture) -> bytes:
    target = BytesIO()
    Image.fromarray(picture).save(target, "PNG")
    return target.getvalue()
