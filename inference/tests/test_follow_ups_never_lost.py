"""A year of a clinic in random order: people ask, sign again, leave and come back, films are hidden, moved and merged,
and after each step nothing is neither closed nor on the list of somebody who is there."""

import datetime
from contextlib import suppress
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from model_bakery import baker

from backoffice.access import roles
from backoffice.models import Notice, User
from clinic.models import Patient, PatientMerge
from clinic.patients import merging
from clinic.patients.merging import MergeError
from imaging import settling
from imaging.models import XRayImage
from imaging.settling import SettleError
from inference.follow_ups import deciding, reminding
from inference.follow_ups.deciding import FollowUpError
from inference.models import FollowUp, Prediction, Report

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

STEPS, A_YEAR = 40, datetime.timedelta(days=365)
NEW_YEAR = datetime.datetime(2030, 1, 1, 1, tzinfo=datetime.UTC)
NO_FILES = {"original": "a.png", "pixels": "a.png", "thumbnail": "a.png", "quality_issues": []}
which = st.integers(0, 1000)
days = st.integers(0, 90)
clock = SimpleNamespace(now=NEW_YEAR)


class Year(RuleBasedStateMachine):
    """Three patients, three clinicians and one administrator, who stays: somebody has to."""

    def __init__(self):
        super().__init__()
        clock.now = NEW_YEAR
        self.year = transaction.atomic()
        self.year.__enter__()
        self.patients = baker.make(Patient, national_id="", date_of_birth=datetime.date(1980, 1, 1), _quantity=3)
        self.admin = self.person("admin", roles.ADMINISTRATORS)
        self.clinicians = [self.person(f"clinician{n}", roles.CLINICIANS) for n in range(3)]
        self.films = 0
        for _patient in self.patients:
            self.a_signed_film(len(self.patients) + self.films, twin=False)

    def person(self, name: str, role: str) -> User:
        person = User.objects.create_user(name, is_staff=True)
        person.groups.add(Group.objects.get(name=role))
        return person

    def pick(self, rows, at: int):
        rows = list(rows.order_by("pk")) if hasattr(rows, "order_by") else rows
        return rows[at % len(rows)] if rows else None

    # -- What comes in ------------------------------------------------------------------------------------------------

    @rule(at=which, twin=st.booleans())
    def a_signed_film(self, at, twin):
        """A `twin` is the same file that another patient may have, too."""
        self.films += 1
        patient = Patient.objects.get(pk=self.pick(self.patients, at).pk)
        sha = "0" * 64 if twin else f"{self.films:064}"
        with suppress(IntegrityError), transaction.atomic():
            film = baker.make(XRayImage, patient=patient, sha256=sha, **NO_FILES)
            answer = baker.make(Prediction, xray=film, status="completed", diagnosis="Normal", review_reasons=[])
            self.write_signature(answer)

    def write_signature(self, answer):
        answer.final_diagnosis, answer.is_validated = "Normal", True
        answer.reviewed_by, answer.reviewed_at = self.admin, timezone.now()
        answer.save()

    @rule(at=which)
    def sign_again(self, at):
        self.write_signature(self.pick(Prediction.objects.all(), at))

    @rule(at=which)
    def undo_a_signature(self, at):
        answer = self.pick(Prediction.objects.all(), at)
        answer.final_diagnosis, answer.is_validated, answer.reviewed_by, answer.reviewed_at = "", False, None, None
        answer.save()

    # -- What people decide -------------------------------------------------------------------------------------------

    @rule(at=which, kind=st.sampled_from(["film", "call"]), due=days, owner=which, with_report=st.booleans())
    def ask(self, at, kind, due, owner, with_report):
        answer = self.pick(Prediction.objects.all(), at)
        report = baker.make(Report, prediction=answer, version=answer.reports.count() + 1) if with_report else None
        due_on = timezone.localdate() + datetime.timedelta(days=due)
        with suppress(FollowUpError):
            whom = self.pick([None, *self.clinicians], owner)
            deciding.ask(answer, by=self.admin, kind=kind, due_on=due_on, owner=whom, report=report)

    @rule(at=which, ending=st.sampled_from(["done", "not_needed"]))
    def close(self, at, ending):
        if follow_up := self.pick(FollowUp.objects.all(), at):
            with suppress(FollowUpError):
                deciding.close(follow_up, by=self.admin, ending=ending, reason="seen")

    @rule(at=which, film=which)
    def close_by_a_film(self, at, film):
        if follow_up := self.pick(FollowUp.objects.all(), at):
            with suppress(FollowUpError):
                film = self.pick(XRayImage.objects.all(), film)
                deciding.close(follow_up, by=self.admin, ending="film", film=film)

    @rule(at=which)
    def a_film_comes_and_answers(self, at):
        if follow_up := self.pick(FollowUp.objects.on_lists(), at):
            clock.now += datetime.timedelta(seconds=1)
            self.films += 1
            film = baker.make(XRayImage, patient=follow_up.patient, sha256=f"{self.films:064}", **NO_FILES)
            deciding.close(follow_up, by=self.admin, ending="film", film=film)

    @rule(at=which, how=st.sampled_from(["hide", "move", "move the finding"]), patient=which)
    def the_film_that_answered_is_none(self, at, how, patient):
        if follow_up := self.pick(FollowUp.objects.exclude(answered_by=None), at):
            film = follow_up.prediction.xray if how == "move the finding" else follow_up.answered_by
            if how == "hide":
                XRayImage.objects.filter(pk=film.pk).hide(by=self.admin, reason="blurred")
            else:
                with suppress(SettleError):
                    settling.move(film, self.pick(self.patients, patient), by=self.admin, reason="mixed up")

    @rule(at=which, due=days)
    def postpone(self, at, due):
        if follow_up := self.pick(FollowUp.objects.all(), at):
            with suppress(FollowUpError):
                due_on = timezone.localdate() + datetime.timedelta(days=due)
                deciding.postpone(follow_up, by=self.admin, due_on=due_on, reason="away")

    @rule(at=which, owner=which)
    def hand_over(self, at, owner):
        if follow_up := self.pick(FollowUp.objects.all(), at):
            with suppress(FollowUpError):
                deciding.hand_over(follow_up, by=self.admin, owner=self.pick([None, *self.clinicians], owner))

    @rule(at=which, again=st.booleans())
    def keep_or_open_again(self, at, again):
        if follow_up := self.pick(FollowUp.objects.all(), at):
            with suppress(FollowUpError):
                (deciding.open_again if again else deciding.keep)(follow_up, by=self.admin, reason="still so")

    # -- Who comes and goes -------------------------------------------------------------------------------------------

    @rule(at=which, is_here=st.booleans())
    def leave_or_come_back(self, at, is_here):
        User.objects.filter(pk=self.pick(self.clinicians, at).pk).update(is_active=is_here)

    @rule(at=which, has_it=st.booleans())
    def lose_or_get_the_role(self, at, has_it):
        groups = User.objects.get(pk=self.pick(self.clinicians, at).pk).groups
        (groups.add if has_it else groups.remove)(Group.objects.get(name=roles.CLINICIANS))

    # -- What becomes of records --------------------------------------------------------------------------------------

    @rule(at=which, model=st.sampled_from([Patient, XRayImage, Prediction, Report, FollowUp]), back=st.booleans())
    def hide_or_restore(self, at, model, back):
        if row := self.pick(model.objects.all(), at):
            rows = model.objects.filter(pk=row.pk)
            with suppress(IntegrityError), transaction.atomic():
                rows.restore(by=self.admin) if back else rows.hide(by=self.admin, reason="mixed up")

    @rule(at=which, patient=which)
    def move_a_film(self, at, patient):
        with suppress(SettleError):
            film = self.pick(XRayImage.objects.all(), at)
            settling.move(film, self.pick(self.patients, patient), by=self.admin, reason="mixed up")

    @rule(keep=which, other=which)
    def merge(self, keep, other):
        with suppress(MergeError):
            keep, other = (self.pick(Patient.objects.visible(), at) for at in (keep, other))
            merging.merge(keep, other, choices=[], by=self.admin, reason="twice")

    @rule(at=which)
    def undo_a_merge(self, at):
        if done := self.pick(PatientMerge.objects.standing(), at):
            with suppress(MergeError):
                merging.undo(done, by=self.admin)

    # -- What must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def time_passes(self):
        clock.now += A_YEAR / STEPS

    def who_is_here(self) -> list[User]:
        return [p for p in User.objects.all() if p.is_active and p.has_perm("inference.change_followup")]

    @invariant()
    def nothing_is_neither_closed_nor_on_a_list(self):
        listed = FollowUp.objects.on_lists()
        on_somebodys = {
            pk
            for person in self.who_is_here()
            for pk in (listed.of(person) | listed.of_nobody()).seen_by(person).values_list("pk", flat=True)
        }
        on_hidden = set(FollowUp.objects.on_hidden_records().seen_by(self.admin).values_list("pk", flat=True))
        is_open = set(FollowUp.objects.filter(closed_at=None).values_list("pk", flat=True))
        assert is_open == on_somebodys | on_hidden
        assert not on_somebodys & on_hidden

    @invariant()
    def whose_is_one_persons_or_nobodys(self):
        here = {person.pk for person in self.who_is_here()}
        nobodys = set(FollowUp.objects.of_nobody().values_list("pk", flat=True))
        for row in FollowUp.objects.on_lists():
            assert (row.pk in nobodys) != (row.owner_id in here)

    @invariant()
    def what_is_open_is_shown_with_its_record_and_what_closed_it_still_does(self):
        for row in FollowUp.objects.with_records():
            assert row.is_open or row.ending
            assert not (row.is_open and row.is_hidden)
            if film := row.answered_by:
                film.refresh_from_db()
                assert not film.is_hidden
                assert film.patient_id == row.patient.pk

    @invariant()
    def what_stands_on_less_is_to_be_decided(self):
        undecided = set(FollowUp.objects.to_decide().values_list("pk", flat=True))
        for row in FollowUp.objects.open().with_records():
            above = [row.prediction, row.prediction.xray, *([row.report] if row.report else [])]
            is_hidden_since = any(one.hidden_at and one.hidden_at > row.settled_at for one in above)
            assert (row.pk in undecided) == (row.prediction.reviewed_at != row.signed_at or is_hidden_since)

    def teardown(self):
        """What is overdue is said once."""
        try:
            reminding.remind()
            said = Notice.objects.count()
            assert reminding.remind() == 0
            assert Notice.objects.count() == said
        finally:
            transaction.set_rollback(True)
            self.year.__exit__(None, None, None)


def test_nothing_is_neither_closed_nor_on_a_list(db, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    run_state_machine_as_test(
        Year,
        settings=settings(
            max_examples=8, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
