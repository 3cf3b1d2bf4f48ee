"""The demo's films of the past: made, answered, read and signed as old as they say, once."""

import pytest
from django.utils import timezone
from model_bakery import baker

from clinic.models import Patient
from imaging.models import XRayImage
from inference import demo_past, voting, worker
from inference.models import Prediction, Reading, ReferenceStandard

pytestmark = pytest.mark.django_db(transaction=True)


def test_they_are_made_answered_and_signed_once(tiny_models, django_user_model, settings, monkeypatch):
    settings.DEBUG = True
    monkeypatch.setattr(demo_past, "FILMS", 3)
    monkeypatch.setattr(demo_past, "SIZE", 96)
    voting.forget_the_ensemble()
    clinician = django_user_model.objects.create_user("clinician", is_staff=True)
    baker.make(Patient, national_id="", date_of_birth=timezone.localdate().replace(year=1970, day=1), _quantity=3)
    demo_past.fill()
    assert XRayImage.objects.count() == Prediction.objects.filter(status="pending").count() == 3
    worker.answer_waiting()
    for _look in range(2):
        demo_past.fill()
        signed = Prediction.objects.filter(is_validated=True, reviewed_by=clinician)
        assert signed.count() == Reading.objects.count() == 3
        assert ReferenceStandard.objects.count() == 1
    ages = [(timezone.localdate() - timezone.localdate(one.reviewed_at)).days for one in signed.order_by("pk")]
    assert ages == [121, 61, 1]
