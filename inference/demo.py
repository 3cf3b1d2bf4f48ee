"""The demonstration models that come with the project, and answers to some of the demo's X-rays: of other days read and
signed, of today in the worklist."""

from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management.base import OutputWrapper
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, ngettext

from backoffice.access import roles
from backoffice.demo import move_back
from backoffice.jobs.daily import summarise_yesterday
from backoffice.jobs.nudges import nudge
from backoffice.models import User
from imaging.demo import NOTE
from imaging.models import XRayImage
from inference import demo_past
from inference.batches import tell_who_asked
from inference.follow_ups import deciding
from inference.follow_ups.reminding import remind
from inference.models import Diagnosis, FollowUp, Prediction, Reading
from inference.registry.registration import register_folder
from inference.reports import publishing
from inference.requests import ask
from inference.review.signing import sign
from inference.review.taking import take

WEIGHTS = Path(settings.BASE_DIR) / "fixtures" / "weights"
WAITING = 8  # of today's X-rays are answered and wait for a signature; the others, for whoever tries it
REPORTED = 3  # of the signed ones: a draft, a published report, and one that was amended
CORRECTED = 7  # every seventh finding is corrected: nobody agrees with a machine always
SAW_OTHERWISE = 5  # every fifth reader saw something else by themselves
NOT_BLIND = 4  # every fourth was read with the models' answer in sight, as it was before
URGENT, TAKEN, TOO_LONG = slice(0, 2), 2, 5  # which of those that wait


def load(stdout: OutputWrapper) -> None:
    """Register the models; on the first run, also ask them about the demo's X-rays here and now."""
    registered = register_folder(WEIGHTS)
    n = len(registered)
    stdout.write(ngettext("%d demonstration model registered.", "%d demonstration models registered.", n) % n)
    clinician = get_user_model().objects.filter(username="clinician").first()
    unasked = XRayImage.objects.visible().filter(notes=NOTE, predictions=None).order_by("pk")
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    of_other_days = list(unasked.filter(created_at__lt=midnight))
    of_today = list(unasked.filter(created_at__gte=midnight)[:WAITING])
    if not registered or clinician is None or not (of_other_days or of_today):
        return
    ask([*of_other_days, *of_today[URGENT.stop :]], by=clinician)
    ask(of_today[URGENT], by=clinician, urgent=True)

    from inference.worker import answer_waiting  # torch: only where it is needed

    n = answer_waiting(looks_after_models=False)  # the workers that start next do
    stdout.write(ngettext("%d X-ray answered.", "%d X-rays answered.", n) % n)
    readers = [clinician, a_colleague()]
    for number, xray in enumerate(of_other_days, start=1):
        sign_that_day(xray, number, by=readers[number % 2])
    fill_the_worklist(of_today, readers[1])
    report_on([xray.predictions.get() for xray in of_other_days[-REPORTED:]], by=clinician)
    follow_some_up(by=clinician)
    tell_who_asked()
    remind()
    summarise_yesterday()
    nudge(demo_past.FILL, cluster=settings.DEFAULT_CLUSTER)


def report_on(signed: list[Prediction], *, by: User) -> None:
    """A draft about the first of these, a published report about the second, an amended one about the third."""
    drafts = [publishing.write(prediction, by=by) for prediction in signed]
    published = [publishing.publish(draft, by=by) for draft in drafts[1:]]
    for report in published[1:]:
        amended = publishing.amend(report, by=by, what=gettext("The recommendation says by when."))
        amended.body += "\n" + gettext("Please come within two weeks.")
        amended.save()
        publishing.publish(amended, by=by)


FOLLOW_UPS: list[tuple[str, str, int, bool]] = [
    (FollowUp.Kind.FILM, gettext_noop("PA, in full inspiration"), -3, True),
    (FollowUp.Kind.CALL, "", 2, False),
    (FollowUp.Kind.REFER, gettext_noop("Chest clinic"), 5, True),
    (FollowUp.Kind.FILM, gettext_noop("In six weeks, to compare"), 42, True),
]
"""What is to be done about the newest signed films: in so many days, by the clinician or by whoever comes to it."""


def follow_some_up(*, by: User) -> None:
    signed = Prediction.objects.visible().filter(is_validated=True).order_by("-xray__created_at", "-pk")
    for prediction, (kind, what, days, is_own) in zip(signed, FOLLOW_UPS, strict=False):
        due_on = timezone.localdate() + timedelta(days=max(days, 0))
        owner = by if is_own else None
        made = deciding.ask(
            prediction, by=by, kind=kind, due_on=due_on, what=gettext(what) if what else "", owner=owner
        )
        if days < 0:
            FollowUp.objects.filter(pk=made.pk).update(due_on=timezone.localdate() + timedelta(days=days))


def a_colleague() -> User:
    """Somebody who reads too, and never signs in."""
    person, is_new = get_user_model().objects.get_or_create(
        username="colleague", defaults={"first_name": "Yi-Chun", "last_name": "Wang", "is_staff": True}
    )
    if is_new:
        person.set_unusable_password()
        person.save()
        person.groups.add(Group.objects.get(name=roles.CLINICIANS))
    return person


def sign_that_day(xray: XRayImage, number: int, *, by: User) -> None:
    """As if the models had been asked, and the answer read and signed, when the X-ray came in."""
    prediction = xray.predictions.get()
    final = prediction.diagnosis if number % CORRECTED else Diagnosis.NORMAL
    is_blind, now = number % NOT_BLIND != 0, timezone.now()
    if is_blind:
        own = final if number % SAW_OTHERWISE else Diagnosis.LUNG_OPACITY
        given = {"own_diagnosis": own, "own_confidence": 0.8, "answered_at": now}
        Reading.objects.create(prediction=prediction, reader=by, is_blind=True, opened_at=now, **given)
    sign(prediction, by=by, diagnosis=final)
    reading = prediction.readings.get()
    Reading.objects.filter(pk=reading.pk).update(seconds=35 + 7 * (number % 6) + 12 * is_blind)
    for record in (prediction, reading, *prediction.results.all()):
        move_back(record, timezone.localdate() - timezone.localdate(xray.created_at))


def fill_the_worklist(of_today: list[XRayImage], colleague: User) -> None:
    """One case is with a colleague, and one waits for too long."""
    waiting = list(Prediction.objects.filter(xray__in=of_today).order_by("xray"))
    for case in waiting[TAKEN : TAKEN + 1]:
        take(case.pk, by=colleague)
        Prediction.objects.filter(pk=case.pk).update(taken_until=timezone.now() + timedelta(hours=4))  # to be looked at
    for case in waiting[TOO_LONG : TOO_LONG + 1]:
        move_back(case, timedelta(hours=settings.MAX_WAIT_HOURS + 2))
