"""Many clinicians at one answer at the same moment. Run inside an installation of its own, as clinic/tests/rush.py."""

import json

from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from model_bakery import baker

from backoffice.access import roles
from backoffice.models import AccessEvent, User
from clinic.tests.rush import at_once
from inference import reviews
from inference.models import Prediction


def sign(clinicians: int) -> None:
    """Print what became of each signature, and what stands afterwards. All have the same page before them."""
    prediction = baker.make(Prediction, status="completed", diagnosis="Normal", confidence=0.6, review_reasons=[])
    people = [a_clinician_who_has_opened(prediction, number) for number in range(clinicians)]
    prediction.refresh_from_db()
    seen = reviews.version_of(prediction)
    answers = at_once(
        clinicians,
        lambda number: reviews.decide(prediction, by=people[number], diagnosis="COVID", notes=str(number), seen=seen),
    )
    prediction.refresh_from_db()
    signed = prediction.history.filter(is_validated=True)
    print(json.dumps({"answers": answers, "signatures": signed.count(), "signed": prediction.is_validated}))


def a_clinician_who_has_opened(prediction: Prediction, number: int) -> User:
    person = User.objects.create_user(f"clinician-{number}", is_staff=True)
    person.groups.add(Group.objects.get(name=roles.CLINICIANS))
    kind = ContentType.objects.get_for_model(Prediction)
    AccessEvent(user=person, action="view", content_type=kind, object_id=prediction.pk, request_id="x").save()
    return person
