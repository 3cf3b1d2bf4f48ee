"""The demonstration models that come with the project, and answers to some of the demo's X-rays."""

from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model

from imaging.models import XRayImage
from inference.asking import ask
from inference.registration import register_folder

WEIGHTS = Path(settings.BASE_DIR) / "fixtures" / "weights"
ANSWERED = 8  # of the demo's X-rays; the others wait for whoever tries it


def load(stdout) -> None:
    """Register the models; on the first run, also ask them about some X-rays and answer here and now."""
    registered = register_folder(WEIGHTS)
    stdout.write(f"inference: {len(registered)} demonstration models registered.")
    clinician = get_user_model().objects.filter(username="clinician").first()
    unasked = XRayImage.objects.visible().filter(predictions=None).order_by("pk")[:ANSWERED]
    if not registered or clinician is None or not unasked:
        return
    ask(unasked, by=clinician)

    from inference.worker import answer_waiting  # torch: only where it is needed

    stdout.write(f"inference: {answer_waiting()} X-rays answered.")
