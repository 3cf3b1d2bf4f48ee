"""The demonstration models that come with the project, and answers to some of the demo's X-rays."""

from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import OutputWrapper
from django.utils import timezone
from django.utils.translation import ngettext

from backoffice.demo import move_back
from backoffice.jobs.nudges import nudge
from backoffice.models import User
from imaging.demo import NOTE
from imaging.models import XRayImage
from inference import demo_past
from inference.models import Diagnosis
from inference.registry.registration import register_folder
from inference.requests import ask
from inference.review.signing import sign

WEIGHTS = Path(settings.BASE_DIR) / "fixtures" / "weights"
WAITING = 8  # of today's X-rays are answered and wait for a signature; the others, for whoever tries it
CORRECTED = 7  # every seventh finding is corrected: nobody agrees with a machine always


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
    ask([*of_other_days, *of_today], by=clinician)

    from inference.worker import answer_waiting  # torch: only where it is needed

    n = answer_waiting(looks_after_models=False)  # the workers that start next do
    stdout.write(ngettext("%d X-ray answered.", "%d X-rays answered.", n) % n)
    for number, xray in enumerate(of_other_days, start=1):
        sign_that_day(xray, by=clinician, agrees=number % CORRECTED != 0)
    nudge(demo_past.FILL, cluster=settings.DEFAULT_CLUSTER)


def sign_that_day(xray: XRayImage, *, by: User, agrees: bool) -> None:
    """As if the models had been asked, and the answer signed, when the X-ray came in."""
    prediction = xray.predictions.get()
    sign(prediction, by=by, diagnosis=prediction.diagnosis if agrees else Diagnosis.NORMAL)
    for record in (prediction, *prediction.results.all()):
        move_back(record, timezone.localdate() - timezone.localdate(xray.created_at))
