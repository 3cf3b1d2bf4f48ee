"""Readings, for tests of what comes after one."""

from django.urls import reverse
from django.utils import timezone
from model_bakery import baker

from backoffice.models import User
from inference.models import Prediction, Reading

NORMAL = {"own_diagnosis": "Normal", "own_confidence": "0.8"}


def has_read(person: User, *predictions: Prediction, **values) -> None:
    """As if this person had given their own answer, so that the models' is open to them."""
    now = timezone.now()
    given = {"is_blind": True, "opened_at": now, "answered_at": now, "own_diagnosis": "Normal", "own_confidence": 0.8}
    for prediction in predictions:
        baker.make(Reading, prediction=prediction, reader=person, **given | values)


def read_by_hand(client, prediction: Prediction, **answer):
    """The own answer, as the film's page sends it; the page that follows."""
    address = reverse("admin:inference_prediction_own", args=[prediction.pk])
    return client.post(address, NORMAL | answer, follow=True)
