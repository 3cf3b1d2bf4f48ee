"""What is to be done about a finding, by when and by whom: on a list until it is closed."""

from functools import reduce
from operator import or_
from typing import ClassVar, Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from simple_history.models import HistoricalRecords

from backoffice.formats.days import day_told
from backoffice.models import User
from backoffice.readers import Reader
from backoffice.records.indexes import hidden_only
from backoffice.records.mixins import ClinicalRecord, HideableQuerySet
from backoffice.records.relations import may_change
from clinic.models import Patient
from imaging.models import XRayImage
from inference.models.predictions import Prediction
from inference.models.reports import Report

MAY_FOLLOW_UP = "inference.change_followup"
BY_ROLES = "django.contrib.auth.backends.ModelBackend"

FILM = "prediction__xray__"
PATIENT = f"{FILM}patient__"


def people_who_follow_up() -> models.QuerySet[User]:
    """Who may own a follow-up: they work here, and a role of theirs lets them close one."""
    return User.objects.with_perm(MAY_FOLLOW_UP, backend=BY_ROLES).filter(is_staff=True)


def may_follow_up(person: int | None) -> bool:
    """Whether somebody (by their key) may own one."""
    return person is not None and people_who_follow_up().filter(pk=person).exists()


class FollowUpQuerySet(HideableQuerySet):
    """Each that is open is in exactly one of `on_lists` and `on_hidden_records`; each on the lists is either somebody's
    (`of`) or nobody's (`of_nobody`). Who owns what, and what a follow-up stands on, is asked of the rows at each look:
    so nobody who leaves, and nothing that is withdrawn, has to tell this table."""

    def visible(self) -> Self:
        """A hidden film or answer takes no follow-up along: the finding is the patient's, and somebody must decide."""
        return self.filter(hidden_at=None, **{f"{PATIENT}hidden_at": None})

    def seen_by(self, user: Reader) -> Self:
        rows = self
        for path, model in {"": FollowUp, "prediction__": Prediction, FILM: XRayImage, PATIENT: Patient}.items():
            if not may_change(user, model):
                rows = rows.filter(**{f"{path}hidden_at": None})
        return rows

    def hide(self, *, by: AbstractBaseUser | None, reason: str = "") -> int:
        """What is closed alone: what is open and hidden would be nobody's."""
        return super(FollowUpQuerySet, self.closed()).hide(by=by, reason=reason)

    def open(self) -> Self:
        return self.filter(closed_at=None)

    def closed(self) -> Self:
        return self.exclude(closed_at=None)

    def on_lists(self) -> Self:
        return self.visible().open()

    def on_hidden_records(self) -> Self:
        """Open, and of a hidden patient: on no list but that of who may restore."""
        return self.open().exclude(pk__in=FollowUp.objects.visible().order_by().values("pk"))

    def of(self, person: User) -> Self:
        return self.filter(owner=person, owner__in=people_who_follow_up())

    def of_nobody(self) -> Self:
        """On the common list: nobody was named, or who was named has left, or may not close it any more."""
        return self.filter(Q(owner=None) | ~Q(owner__in=people_who_follow_up()))

    def whose_owner_left(self) -> Self:
        return self.of_nobody().exclude(owner=None)

    def overdue(self) -> Self:
        return self.open().filter(due_on__lt=timezone.localdate())

    def to_decide(self) -> Self:
        """Open, and what it stands on is not what it was: somebody says whether it still holds."""
        return self.open().filter(_stands_on_less())

    def of_patient(self, patient: Patient) -> Self:
        return self.filter(prediction__xray__patient=patient)

    def with_told(self, user: User | AnonymousUser) -> Self:
        """Each with its `is_told`: whether this person may be told what is to be done, which follows from an answer.
        What is hidden is read by nobody any more, and must be decided all the same."""
        answers = Prediction.objects.order_by().filter(pk=OuterRef("prediction")).answers_seen_by(user)
        is_hidden = reduce(or_, (Q(**{f"{path}hidden_at__isnull": False}) for path in ("prediction__", FILM, PATIENT)))
        told = Q(Exists(answers)) | is_hidden | Q(asked_by=user.pk)
        return self.annotate(is_told=models.Case(models.When(told, then=True), default=False))

    def with_records(self) -> Self:
        return self.select_related(
            "prediction__xray__patient", "prediction__reviewed_by", "report", "owner", "closed_by"
        )


def _stands_on_less() -> Q:
    signed = F("prediction__reviewed_at")
    another_signature = (
        Q(signed_at=None, prediction__reviewed_at__isnull=False)
        | Q(signed_at__isnull=False, prediction__reviewed_at=None)
        | Q(signed_at__lt=signed)
        | Q(signed_at__gt=signed)
    )
    gone = [f"{path}hidden_at" for path in ("prediction__", FILM, "report__")] + ["report__withdrawn_at"]
    gone_since = [Q(**{f"{moment}__gt": F("settled_at")}) for moment in gone]
    return reduce(or_, gone_since, another_signature)


class FollowUp(ClinicalRecord):
    """Asked for with a signed answer or its report. It goes with the film, to whomever that is moved or merged."""

    class Kind(models.TextChoices):
        FILM = "film", _("another film")
        REFER = "refer", _("refer")
        CALL = "call", _("call the patient")
        SEE = "see", _("see the patient again")
        OTHER = "other", _("something else")

    class Ending(models.TextChoices):
        DONE = "done", pgettext_lazy("follow-up", "done")
        FILM = "film", _("answered by a film")
        NOT_NEEDED = "not_needed", _("not needed any more")

    # No HANGS_ON: see `visible`.

    is_told = False
    """Whether whoever looks may be told what is to be done: `with_told` finds out."""

    prediction = models.ForeignKey(
        Prediction, on_delete=models.PROTECT, related_name="follow_ups", verbose_name=_("second opinion")
    )
    report = models.ForeignKey(
        Report, on_delete=models.PROTECT, null=True, blank=True, related_name="follow_ups", verbose_name=_("report")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    what = models.CharField(_("what is to be done"), max_length=200, blank=True)
    due_on = models.DateField(_("due on"))
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="follow_ups",
        verbose_name=_("owner"),
        help_text=_("Empty: on the common list."),
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("asked by"),
    )
    signed_at = models.DateTimeField(_("stands on the signature of"), null=True, editable=False)
    settled_at = models.DateTimeField(_("last decided"), default=timezone.now, editable=False)

    closed_at = models.DateTimeField(_("closed on"), null=True, editable=False)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("closed by"),
    )
    ending = models.CharField(_("how it ended"), max_length=10, choices=Ending, blank=True, editable=False)
    why_closed = models.CharField(_("why it is closed"), max_length=200, blank=True, editable=False)
    answered_by = models.ForeignKey(
        XRayImage,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="follow_ups_answered",
        verbose_name=_("answered by"),
    )

    objects: ClassVar = FollowUpQuerySet.as_manager()
    history = HistoricalRecords(excluded_fields=["signed_at", "settled_at"])

    class Meta:
        verbose_name = _("follow-up")
        verbose_name_plural = _("follow-ups")
        ordering = ["due_on", "pk"]
        indexes = [
            models.Index(fields=["due_on", "id"], name="follow_up_by_day"),
            models.Index(fields=["due_on", "id"], condition=Q(closed_at=None), name="follow_up_open"),
            hidden_only("due_on", "id", name="follow_up_hidden"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(closed_at=None, ending="") | Q(closed_at__isnull=False) & ~Q(ending=""),
                name="closed_means_an_ending",
            ),
            models.CheckConstraint(
                condition=Q(ending="film", answered_by__isnull=False) | ~Q(ending="film") & Q(answered_by=None),
                name="answered_by_a_film_means_one",
            ),
            models.CheckConstraint(condition=Q(hidden_at=None) | ~Q(ending=""), name="no_open_follow_up_is_hidden"),
        ]

    def __str__(self) -> str:
        return self.name_for(None)

    def name_for(self, user: Reader | None) -> str:
        """Without what is to be done: see Prediction.name_for."""
        return f"{self.patient.name_for(user)} · {self._meta.verbose_name} {day_told(self.due_on)}"

    @property
    def patient(self) -> Patient:
        return self.prediction.xray.patient

    @property
    def is_gone(self) -> bool:
        return self.is_hidden or self.patient.is_hidden

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def is_overdue(self) -> bool:
        return self.is_open and self.due_on < timezone.localdate()
