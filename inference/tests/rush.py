"""Many people at one answer, and many workers at one queue, at the same moment.

Run inside an installation of its own, as clinic/tests/rush.py.
"""

import json

from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.db import DatabaseError, transaction
from django.utils import timezone
from model_bakery import baker

from backoffice.access import roles
from backoffice.models import AccessEvent, Mail, User
from clinic.tests.rush import at_once
from imaging.models import XRayImage
from inference import requests
from inference.figures import of_models
from inference.models import DiagnosticModel, Prediction, Report
from inference.registry import stages
from inference.registry.registration_form import RegistrationForm
from inference.reports import publishing
from inference.review import readings, signing, taking, worklist
from inference.review.worklist import Show
from inference.tests.bad_weights import A_TENSOR, safetensors
from inference.tests.own_answers import has_read
from inference.tests.reporting import signed_answer

FILMS = 24
NO_FILES = {"original": "a.png", "pixels": "a.png", "thumbnail": "a.png"}


def sign(clinicians: int) -> None:
    """Print what became of each signature, and what stands afterwards. All have the same answer before them: some
    beside its film, where they correct it, and some in a list, where they agree."""
    prediction = baker.make(Prediction, status="completed", diagnosis="Normal", confidence=0.6, review_reasons=[])
    people = [a_clinician_who_has_opened(prediction, number) for number in range(clinicians)]
    prediction.refresh_from_db()
    seen = signing.version_of(prediction)

    def sign_one(number: int) -> str:
        as_seen, diagnosis = (seen, "COVID") if number % 2 else ("", "Normal")
        signing.decide(prediction, by=people[number], diagnosis=diagnosis, notes=diagnosis, seen=as_seen)
        return f"{people[number]} {diagnosis}"

    answers = at_once(clinicians, sign_one)
    prediction.refresh_from_db()
    signed = prediction.history.filter(is_validated=True).count()
    stands = f"{prediction.reviewed_by} {prediction.review_notes}"
    print(json.dumps({"answers": answers, "signatures": signed, "stands": stands}))


def report(writers: int) -> None:
    """Print what became of each report, and the numbers that they have afterwards."""
    prediction = baker.make(Prediction, status="completed", diagnosis="Normal", confidence=0.6, review_reasons=[])
    answers = at_once(writers, lambda number: write(Report(prediction=prediction, body=str(number))))
    versions = sorted(Report.objects.values_list("version", flat=True))
    print(json.dumps({"answers": answers, "versions": versions}))


@transaction.atomic
def write(report: Report) -> None:
    report.take_next_version()
    report.save()


def publish(publishers: int) -> None:
    """Print what became of each publication of one draft, how many files there are, and how many mails."""
    person = a_clinician()
    draft = publishing.write(signed_answer(person), by=person)
    people = [a_clinician(number) for number in range(publishers)]
    answers = at_once(publishers, lambda number: publishing.publish(draft, by=people[number]).version)
    draft.refresh_from_db()
    files = [path for path in settings.MEDIA_ROOT.rglob("reports/**/*") if path.is_file()]
    print(json.dumps({"answers": answers, "status": draft.status, "files": len(files), "mails": Mail.objects.count()}))


def change_what_is_published() -> None:
    """Print which error each way into the table meets, past all code of ours."""
    person = a_clinician()
    report = publishing.publish(publishing.write(signed_answer(person), by=person), by=person)
    met = {}
    for name, value in {"body": "Forged.", "status": "draft", "pdf": "x", "version": 9, "key": "k"}.items():
        try:
            with transaction.atomic():
                Report.objects.filter(pk=report.pk).update(**{name: value})
        except DatabaseError as error:
            met[name] = str(error).split("\n")[0]
    Report.objects.filter(pk=report.pk).update(withdrawn_at=timezone.now(), withdrawn_because="x")
    print(json.dumps(met))


def a_clinician(number: int | str = "one") -> User:
    person = User.objects.create_user(f"reporter-{number}", is_staff=True)
    person.groups.add(Group.objects.get(name=roles.CLINICIANS))
    return person


def claim(workers: int) -> None:
    """Print how often each of many waiting rows was claimed: every worker claims until it gets nothing."""
    from inference import worker  # torch, which nobody else here waits for; once, for all of them

    def claim_all(_number: int) -> None:
        while worker.claim():
            pass

    baker.make(Prediction, status="pending", _quantity=30)
    answers = at_once(workers, claim_all)
    attempts = list(Prediction.objects.values_list("attempts", flat=True))
    print(json.dumps({"answers": answers, "attempts": attempts}))


def accept(administrators: int) -> None:
    """Print what became of each decision to let one of two versions vote, in place of the one that does."""
    person = User.objects.create_user("administrator")
    common = {"name": "Net", "labels": [], "metrics": {}, "options": {}, "checked_at": timezone.now()}
    baker.make(DiagnosticModel, version="1", **common)
    new = [baker.make(DiagnosticModel, version=v, stage="shadow", is_active=False, **common) for v in ("2", "3")]
    seen = [of_models.version_of(model, of_models.of(model)) for model in new]

    def accept_one(number: int) -> str:
        stages.accept(new[number % 2], by=person, seen=seen[number % 2])
        return new[number % 2].version

    answers = at_once(administrators, accept_one)
    votes = list(DiagnosticModel.objects.filter(is_active=True).values_list("version", flat=True))
    now = list(DiagnosticModel.objects.values_list("stage", flat=True))
    print(json.dumps({"answers": answers, "votes": votes, "stages": now}))


def register(people: int) -> None:
    """Print which version each of those gets who register a model of one name, and how many files are kept."""
    person = User.objects.create_user("administrator")
    common = {
        "name": "Net",
        "architecture": "resnet50",
        "labels": "covid, normal",
        "input_size": "64",
        "mean": "0.5",
        "std": "0.25",
        "fit": "squash",
        "interpolation": "area",
        "vote_weight": "1",
    }

    def register_one(number: int) -> str:
        weights = ContentFile(safetensors({"a": A_TENSOR}), name="a.safetensors")
        form = RegistrationForm({**common, "temperature": str(number + 1)}, {"weights": weights})
        assert form.is_valid(), form.errors
        return form.register(by=person).version

    answers = at_once(people, register_one)
    print(json.dumps({"answers": answers, "files": len(list(settings.MEDIA_ROOT.rglob("*.safetensors")))}))


def ask(people: int) -> None:
    """Print what became of each person's batch. All ask about the same films, some from the other end."""
    films = baker.make(XRayImage, sha256=iter(f"{number:064}" for number in range(FILMS)), _quantity=FILMS, **NO_FILES)
    asking = [User.objects.create_user(f"clinician-{number}") for number in range(people)]
    answers = at_once(people, lambda number: ask_about(films[:: (-1) ** number], asking[number]))
    asked_about = sorted(Prediction.objects.values_list("xray", flat=True))
    print(json.dumps({"answers": answers, "each_once": asked_about == [film.pk for film in films]}))


def ask_about(films: list[XRayImage], person: User) -> list[int]:
    asked = requests.ask(films, by=person)
    return [len(asked.predictions), len(asked.already), len(asked.over_limit)]


def a_clinician_who_has_opened(prediction: Prediction, number: int) -> User:
    """And has given an answer of their own."""
    person = a_clinician(number)
    kind = ContentType.objects.get_for_model(Prediction)
    AccessEvent(user=person, action="view", content_type=kind, object_id=prediction.pk, request_id="x").save()
    has_read(person, prediction)
    return person


def take(readers: int) -> None:
    """Print what became of each press on one case, and who has it afterwards."""
    case = baker.make(Prediction, status="completed", diagnosis="Normal", review_reasons=[])
    people = [a_clinician(number) for number in range(readers)]

    def take_it(number: int) -> str:
        assert taking.take(case.pk, by=people[number])
        return people[number].username

    answers = at_once(readers, take_it)
    case.refresh_from_db()
    print(json.dumps({"answers": answers, "has_it": case.taken_by.username}))


def read(readers: int, cases: int) -> None:
    """Print which cases each reader was given who all read through the worklist, and how often each case was signed."""
    answered = {"status": "completed", "diagnosis": "Normal", "confidence": 0.6, "review_reasons": []}
    baker.make(Prediction, **answered, _quantity=cases)
    people = [a_clinician(number) for number in range(readers)]

    def read_through(number: int) -> list[int]:
        person, read = people[number], []
        while case := worklist.take_first_of(worklist.keys_of(person, Show.ALL), Show.ALL, by=person):
            read.append(case.pk)
            readings.answer(case, by=person, diagnosis="Normal", confidence=0.8)
            signing.sign(case, by=person, diagnosis="Normal")
        return read

    answers = at_once(readers, read_through)
    signed = [one.history.filter(is_validated=True).count() for one in Prediction.objects.all()]
    given = sorted(key for keys in answers if isinstance(keys, list) for key in keys)
    print(json.dumps({"errors": [a for a in answers if isinstance(a, str)], "given": len(given), "signed": signed}))
