"""Many people at one follow-up, and many workers with one thing to say, at the same moment.

Run inside an installation of its own, as clinic/tests/rush.py.
"""

import datetime
import json

from django.contrib.auth.models import Group
from django.utils import timezone
from model_bakery import baker

from backoffice.access import roles
from backoffice.jobs import daily
from backoffice.models import DailySummary, Mail, Notice, NoticeWishes, User
from backoffice.notices import mails
from clinic.models import Patient
from clinic.tests.rush import at_once
from imaging.models import XRayImage
from inference import batches, requests
from inference.follow_ups import deciding, reminding
from inference.models import FollowUp, Prediction

NO_FILES = {"original": "a.png", "pixels": "a.png", "thumbnail": "a.png", "quality_issues": []}


def a_person(name: str, role: str = roles.CLINICIANS) -> User:
    person = User.objects.create_user(name, f"{name}@clinic.example", is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    return person


def a_follow_up(by: User) -> FollowUp:
    film = a_film(baker.make(Patient, national_id=""))
    signed = {"is_validated": True, "final_diagnosis": "Normal", "reviewed_by": by, "reviewed_at": timezone.now()}
    answer = baker.make(Prediction, xray=film, status="completed", diagnosis="Normal", review_reasons=[], **signed)
    return deciding.ask(answer, by=by, kind="film", due_on=timezone.localdate())


def a_film(patient: Patient) -> XRayImage:
    return baker.make(XRayImage, patient=patient, sha256=f"{XRayImage.objects.count():064}", **NO_FILES)


def close(people: int) -> None:
    """Print what became of each who closes one follow-up, and how often its history says so."""
    closing = [a_person(f"person-{number}") for number in range(people)]
    made = a_follow_up(closing[0])

    def close_it(number: int) -> str:
        deciding.close(made, by=closing[number], ending="done", reason=str(number))
        return str(number)

    answers = at_once(people, close_it)
    made.refresh_from_db()
    closed = made.history.filter(closed_at__isnull=False).count()
    print(json.dumps({"answers": answers, "closed": closed, "stands": made.why_closed}))


def leave(times: int) -> None:
    """Print, for each of so many follow-ups that are given to somebody who leaves at that moment, on how many lists it
    is afterwards."""
    boss = a_person("boss")
    made = [a_follow_up(boss) for _ in range(times)]
    owners = [a_person(f"owner-{number}") for number in range(times)]

    def give_or_leave(number: int) -> None:
        row, is_leaving = divmod(number, 2)
        if is_leaving:
            User.objects.filter(pk=owners[row].pk).update(is_active=False)
        else:
            deciding.hand_over(made[row], by=boss, owner=owners[row])

    at_once(2 * times, give_or_leave)
    lists = FollowUp.objects.on_lists()
    on = [lists.of_nobody().filter(pk=row.pk).count() + lists.of(owners[n]).filter(pk=row.pk).count()
          for n, row in enumerate(made)]  # fmt: skip
    print(json.dumps(on))


def answer_with_what_is_hidden(times: int) -> None:
    """Print of each follow-up that a film answers, which somebody hides at that moment, whether it is open, and whether
    the film that closed it is visible."""
    boss = a_person("boss")
    made = [a_follow_up(boss) for _ in range(times)]
    films = [a_film(row.patient) for row in made]

    def close_or_hide(number: int) -> None:
        row, hides = divmod(number, 2)
        if hides:
            XRayImage.objects.filter(pk=films[row].pk).hide(by=boss, reason="blurred")
        else:
            deciding.close(made[row], by=boss, ending="film", film=films[row])

    at_once(2 * times, close_or_hide)
    rows = FollowUp.objects.order_by("pk").select_related("answered_by")
    print(json.dumps([row.is_open or not row.answered_by.is_hidden for row in rows]))


def tell(workers: int) -> None:
    """Print how many notices and mails there are after so many workers had the same things to say at once."""
    asking, others = a_person("clinician"), a_person("administrator", roles.ADMINISTRATORS)
    NoticeWishes.objects.create(person=asking, by_mail="everything", quiet_from="01:00", quiet_until="01:00")
    made = a_follow_up(others)
    deciding.hand_over(made, by=others, owner=asking)
    FollowUp.objects.update(due_on=timezone.localdate() - datetime.timedelta(days=1))
    films = [a_film(made.patient) for _ in range(3)]
    requests.ask(films, by=asking, urgent=True)
    Prediction.objects.filter(status="pending").update(status="completed", finished_at=timezone.now())

    at_once(workers, lambda _number: (batches.tell_who_asked(), reminding.remind(), None)[-1])
    said = sorted(Notice.objects.filter(to=asking).values_list("kind", flat=True))
    Notice.objects.update(at=timezone.now() - datetime.timedelta(minutes=6))
    at_once(workers, lambda _number: mails.send())
    sent = Mail.objects.filter(to=asking.email).count()
    at_once(workers, lambda _number: daily.summarise_yesterday())
    summaries = [DailySummary.objects.count(), Mail.objects.filter(to=others.email).count()]
    print(json.dumps({"said": said, "mails": sent, "summaries": summaries}))
