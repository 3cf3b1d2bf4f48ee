"""Half a year of the demo's films, answered, read and signed: so that the figures have something to say.

Made by the background jobs once the site serves, a few at a time; the workers answer them as any others.
"""

import random
from datetime import timedelta

from django.conf import settings
from django.core.files.base import ContentFile
from django.db.models.functions import Greatest
from django.utils import timezone
from django_q.models import Schedule

from backoffice.demo import move_back
from backoffice.jobs.nudges import nudge
from backoffice.models import User
from clinic.models import Patient
from imaging.demo import DEVICES, NOTE
from imaging.models import XRayImage
from inference.figures import drift, mornings
from inference.models import Diagnosis, DriftReference, Prediction, Reading, ReferenceStandard
from inference.requests import wake_a_worker
from inference.review.signing import sign

FILL = "inference.demo_past.fill"
LOOKS_EVERY = timedelta(seconds=15)
FILMS, AT_ONCE = 168, 8
SIZE = 320  # the longer side in pixels, by which they are known from the demo's other films
FIRST_SEED = 910_000  # far from those that training draws
DAYS, WEEKS = 180, 8  # of the films, and of the looks for drift
VIEWS = (XRayImage.View.PA, XRayImage.View.PA, XRayImage.View.AP)


def fill() -> int:
    """Make the next films; once all are there, read and sign what is answered by then. Returns how many there are."""
    clinician = User.objects.filter(username="clinician").first()
    patients = list(Patient.objects.visible().order_by("pk")[:30])
    of_size = XRayImage.objects.alias(longer=Greatest("width", "height")).filter(notes=NOTE, longer=SIZE)
    there = list(of_size.order_by("pk"))
    if clinician is None or not patients or not settings.DEBUG:
        return len(there)
    if len(there) < FILMS:
        for number in range(len(there), min(len(there) + AT_ONCE, FILMS)):
            _film(number, patients[number % len(patients)], clinician)
        wake_a_worker()
        nudge(FILL, cluster=settings.DEFAULT_CLUSTER)
    elif unread := [(number, film) for number, film in enumerate(there) if _to_be_read(film)]:
        for number, film in unread:
            _read(number, film, clinician)
        due = timezone.now() + LOOKS_EVERY
        Schedule.objects.create(func=FILL, cluster=settings.DEFAULT_CLUSTER, schedule_type=Schedule.ONCE, next_run=due)
    elif not DriftReference.objects.exists():
        _look_back()
    return len(there)


def _to_be_read(film: XRayImage) -> bool:
    """Also what a worker is still to answer; not what it could not."""
    given_up = (Prediction.Status.FAILED, Prediction.Status.CANCELLED)
    return film.predictions.filter(is_validated=False).exclude(status__in=given_up).exists()


def _days_ago(number: int) -> int:
    return 1 + (FILMS - 1 - number) * DAYS // FILMS


def _truth(number: int) -> str:
    from imaging.phantom import DIAGNOSES

    return DIAGNOSES[number % len(DIAGNOSES)]


def _film(number: int, patient: Patient, clinician: User) -> None:
    """A phantom, and the question about it."""
    from imaging.demo import png
    from imaging.phantom import render
    from imaging.storing import receive

    taken_on = timezone.localdate() - timedelta(days=_days_ago(number))
    file = ContentFile(png(render(_truth(number), FIRST_SEED + number, size=SIZE)), name=f"past-{number}.png")
    film = receive(file, patient, by=clinician, view=VIEWS[number % len(VIEWS)], taken_on=taken_on, notes=NOTE).xray
    if film is None:
        raise ValueError(f"the phantom {number} was not taken in")
    XRayImage.objects.filter(pk=film.pk).update(device=DEVICES[number * 7 % len(DEVICES)])
    Prediction(xray=film, requested_by=clinician).save()


def _read(number: int, film: XRayImage, clinician: User) -> None:
    """What the clinician saw, before and after the answer, and signed; then all of it is as old as it says."""
    ago = timedelta(days=_days_ago(number))
    rng = random.Random(number)  # noqa: S311  (drawn people)
    prediction = film.predictions.order_by("pk")[0]
    if prediction.status != Prediction.Status.COMPLETED:
        return  # the next look finds it
    truth = _truth(number)
    own = truth if rng.random() < 0.8 else rng.choice(Diagnosis.values)
    final = own if rng.random() < 0.4 or not prediction.diagnosis else prediction.diagnosis
    if is_blind := number % 3 > 0:
        given = {"own_diagnosis": own, "own_confidence": round(rng.uniform(0.5, 0.95), 2)}
        now = timezone.now()
        Reading.objects.create(
            prediction=prediction, reader=clinician, is_blind=True, opened_at=now, answered_at=now, **given
        )
    sign(prediction, by=clinician, diagnosis=final)
    reading = prediction.readings.get()
    seconds = round(rng.lognormvariate(4.1 if is_blind else 3.8, 0.4), 1)
    Reading.objects.filter(pk=reading.pk).update(seconds=seconds)
    if number % 41 == 40:
        verdict = Prediction.Verdict.NOT_ASSESSABLE if number % 2 else Prediction.Verdict.REJECTED
        Prediction.objects.filter(pk=prediction.pk).update(final_diagnosis="", verdict=verdict)
        Reading.objects.filter(pk=reading.pk).update(final_diagnosis="")
    if number % 2:
        _reference(film, truth, clinician, ago)
    for record in (film, prediction, reading, *prediction.results.all()):
        move_back(record, ago)


def _reference(film: XRayImage, truth: str, clinician: User, ago: timedelta) -> None:
    ReferenceStandard.objects.create(
        xray=film,
        diagnosis=truth,
        source=ReferenceStandard.Source.FOLLOW_UP,
        known_on=timezone.localdate() - ago + min(ago, timedelta(days=10)),
        stated_by=clinician,
    )


def _look_back() -> None:
    """The looks for drift of the last weeks, as if the clock had run them; and the first morning check."""
    now = timezone.now()
    ends_at = now - timedelta(weeks=WEEKS)
    films = Prediction.objects.filter(created_at__lte=ends_at, status=Prediction.Status.COMPLETED).count()
    DriftReference.objects.create(
        starts_at=now - timedelta(days=DAYS + 1), ends_at=ends_at, films=films, reason=NOTE, set_by=None
    )
    for week in reversed(range(WEEKS - 1)):
        drift.look(now - timedelta(weeks=week))
    mornings.ask_for_a_check()
