"""Phantom X-rays for the demo, on demo patients: twelve that came in today, and sixteen of the weeks before."""

from datetime import date, timedelta
from io import BytesIO
from typing import Any

import numpy as np
from django.core.files.base import ContentFile
from django.core.management.base import OutputWrapper
from django.utils import timezone
from django.utils.translation import ngettext
from PIL import Image

from backoffice.access.roles import CLINICIANS
from backoffice.demo import move_back
from backoffice.models import User
from clinic.models import Patient
from imaging.models import XRayImage
from imaging.storing import receive

NEW = 12
DAYS_AGO = [68, 64, 57, 50, 47, 44, 38, 36, 33, 29, 25, 23, 17, 15, 10, 8]  # of those before
DEVICES = ("Orion DR-1", "Orion DR-1", "Vega CR-20")  # as a file may name them: the same ones all the time
OLD_SIZE = 480  # pixels: they are drawn quickly, and only counted

# Far from the seeds that training draws, so that no demo answer is a memory.
FIRST_SEED = 900_000

NOTE = "Synthetic picture: no patient stands behind it."


def load(stdout: OutputWrapper) -> None:
    """Add the phantoms, unless there are X-rays already: hiding one in the demo must not bring it back."""
    if XRayImage.objects.exists():
        return
    from imaging.phantom import DIAGNOSES, render  # OpenCV: not for the web process, which never comes here

    patients = list(Patient.objects.visible().order_by("pk"))
    clinician = User.objects.filter(groups__name=CLINICIANS).first()
    today = timezone.localdate()

    def add(number: int, patient: Patient, taken_on: date, **drawn: Any) -> XRayImage | None:
        """The kinds take turns."""
        drawing = render(DIAGNOSES[number % len(DIAGNOSES)], FIRST_SEED + number, **drawn)
        file = ContentFile(png(drawing), name=f"phantom-{number}.png")
        film = receive(file, patient, by=clinician, view=XRayImage.View.PA, taken_on=taken_on, notes=NOTE).xray
        if film:
            XRayImage.objects.filter(pk=film.pk).update(device=DEVICES[number % len(DEVICES)])
        return film

    for number, (patient, days) in enumerate(zip(reversed(patients), DAYS_AGO, strict=False), start=NEW):
        ago = timedelta(days=days)
        move_back(add(number, patient, today - ago, size=OLD_SIZE), ago)
    for number, patient in enumerate(patients[:NEW]):
        add(number, patient, today - timedelta(days=number))
    n = XRayImage.objects.count()
    stdout.write(ngettext("%d phantom X-ray added.", "%d phantom X-rays added.", n) % n)


def png(picture: np.ndarray) -> bytes:
    target = BytesIO()
    Image.fromarray(picture).save(target, "PNG")
    return target.getvalue()
