"""What was asked of the models, what each answered, and what a clinician made of it."""

from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.apps import apps
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.expressions import Combinable
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from backoffice.models.roles import reads_first
from backoffice.readers import Reader
from backoffice.records.indexes import hidden_only
from backoffice.records.leases import LeasedJob, LeasedJobQuerySet
from backoffice.records.mixins import ClinicalRecord, HideableQuerySet
from imaging.models import XRayImage
from inference.models.batches import Batch
from inference.models.diagnostic_models import Diagnosis, DiagnosticModel


class PredictionQuerySet(LeasedJobQuerySet, HideableQuerySet):  # type: ignore[override]  # as MailQuerySet
    def waiting(self) -> Self:
        """What a worker may claim, oldest first: pending and not backing off after an error, or processing under a
        lease that its worker let lapse."""
        return self.visible().unfinished().free().order_by("pk")

    def pressing(self) -> Self:
        """What comes before everything else: what is urgent, and what has waited for so long that it counts as such."""
        return self.filter(_presses())

    def before(self, prediction: "Prediction") -> Self:
        """What workers have or will have before this one, as things stand."""
        older = Q(pk__lt=prediction.pk)
        comes_first = older & _presses() if prediction.is_urgent else older | _presses()
        return self.visible().unfinished().filter(comes_first).exclude(pk=prediction.pk)

    def unfinished(self) -> Self:
        return self.filter(status__in=Prediction.UNFINISHED)

    def needs_review(self) -> Self:
        """What waits for a clinician: only an answer is ever marked so. Asked as `predictions_to_review` is indexed."""
        return self.visible().filter(needs_review=True, is_validated=False).standing()

    def standing(self) -> Self:
        """Without what `is_superseded`."""
        return self.filter(~Exists(_signed_since()))

    def with_standing(self) -> Self:
        """Each with its `is_superseded`, for pages that show several."""
        return self.annotate(is_superseded=Exists(_signed_since()))

    def to_read(self) -> Self:
        """Answers that nobody has signed: a day's reading. Asked as `predictions_to_read` is indexed."""
        answered = self.visible().filter(status=Prediction.Status.COMPLETED, is_validated=False)
        return answered.standing()

    def free_for(self, user: AbstractBaseUser, now: datetime | None = None) -> Self:
        """What nobody else has taken, or took so long ago that it lapsed."""
        return self.filter(Q(taken_until=None) | Q(taken_until__lte=now or timezone.now()) | Q(taken_by=user.pk))

    def closed_to(self, user: Reader) -> Self:
        """The others: those of which this person must not be told what the models say."""
        return self.exclude(_is_open_to(user)) if reads_first(user) else self.none()

    def answers_seen_by(self, user: Reader) -> Self:
        """Those of which this person may be told what the models say: the rule is in review/blinding.py."""
        return self.filter(_is_open_to(user)) if reads_first(user) else self

    def with_answers_for(self, user: Reader) -> Self:
        """Each with its `is_open`: whether this person may be told what the models say of it."""
        return self.annotate(is_open=_is_open_to(user))


def _presses() -> Q:
    longest = timedelta(minutes=settings.PREDICTION_MAX_WAIT_MINUTES)
    return Q(is_urgent=True) | Q(created_at__lte=timezone.now() - longest)


def found_urgent() -> Q:
    """What the models say is one of what the clinic calls urgent (URGENT_FINDINGS). Whoever may not be told what they
    say is not told this either."""
    return Q(diagnosis__in=settings.URGENT_FINDINGS)


def _signed_since() -> PredictionQuerySet:
    """A signed answer about the same film, newer than the one outside: whoever signed it has settled that film."""
    signed = Prediction.objects.visible().filter(is_validated=True)
    return signed.order_by().filter(xray=OuterRef("xray"), pk__gt=OuterRef("pk"))


def _is_open_to(user: Reader) -> Combinable:
    """The rule of review/blinding.py, as the database asks it."""
    if not reads_first(user):
        return Value(True, output_field=models.BooleanField())
    readings: models.QuerySet = apps.get_model("inference", "Reading")._base_manager.order_by()
    own = readings.filter(prediction=OuterRef("pk"), reader=user)
    unanswered = Exists(own.filter(is_blind=True, answered_at=None))
    has_seen = Exists(own.filter(Q(is_blind=False) | Q(answered_at__isnull=False)))
    settled = Q(is_validated=True) | Q(Exists(_signed_since())) | ~Q(status=Prediction.Status.COMPLETED)
    return models.Case(
        models.When(Q(has_seen), then=True),
        models.When(Q(unanswered), then=False),
        models.When(settled, then=True),
        default=False,
        output_field=models.BooleanField(),
    )


class Prediction(LeasedJob, ClinicalRecord):
    """One request for a second opinion on one X-ray, and its answer. A row in state `pending` *is* the job."""

    class Status(models.TextChoices):
        PENDING = "pending", _("waiting")
        PROCESSING = "processing", _("running")
        COMPLETED = "completed", _("answered")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    class Verdict(models.TextChoices):
        """What a signature says of the models' answer."""

        AGREED = "agreed", _("agreed")
        CORRECTED = "corrected", _("corrected")
        REJECTED = "rejected", _("rejected")  # the answer is not to be used, and nobody gave another
        NOT_ASSESSABLE = "not_assessable", _("not assessable")  # nothing can be said of this film

    UNFINISHED = (Status.PENDING, Status.PROCESSING)
    WITHOUT_A_DIAGNOSIS = (Verdict.REJECTED, Verdict.NOT_ASSESSABLE)
    HANGS_ON = ("xray",)

    is_superseded = False
    """Whether a newer answer about the same film is signed and this one is not: `with_standing` finds out."""

    is_open = False
    """Whether whoever looks may be told what the models say: `with_answers_for` finds out, or blinding.py for one."""

    looks = b""
    """How its film looks, from a worker's reading it until its answer is saved: see Embedding."""

    xray = models.ForeignKey(XRayImage, on_delete=models.PROTECT, related_name="predictions", verbose_name=_("X-ray"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING, editable=False)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="predictions",
        verbose_name=_("asked by"),
    )
    batch = models.ForeignKey(
        Batch, on_delete=models.PROTECT, null=True, editable=False, related_name="predictions", verbose_name=_("batch")
    )
    is_urgent = models.BooleanField(_("urgent"), default=False, help_text=_("Answered before what is not urgent."))

    diagnosis = models.CharField(_("diagnosis"), max_length=20, choices=Diagnosis, blank=True, editable=False)
    confidence = models.FloatField(_("confidence"), null=True, editable=False)
    agreement = models.FloatField(_("agreement"), null=True, editable=False, help_text=_("Share of models that agree."))
    needs_review = models.BooleanField(_("needs review"), default=False, editable=False)
    review_reasons = models.JSONField(_("why it needs review"), default=list, editable=False)

    doubt = models.JSONField(
        _("doubt"), default=dict, editable=False, help_text=_("Entropy, and which diagnoses are not ruled out.")
    )

    progress = models.PositiveSmallIntegerField(
        _("progress"), default=0, editable=False, validators=[MaxValueValidator(100)], help_text=_("In percent.")
    )
    error = models.TextField(_("what went wrong"), blank=True, editable=False)
    started_at = models.DateTimeField(_("started"), null=True, editable=False)
    finished_at = models.DateTimeField(_("finished"), null=True, editable=False)
    provenance = models.JSONField(
        _("how it was made"), default=dict, editable=False, help_text=_("Hashes, versions, device, precision.")
    )

    own_diagnosis = models.CharField(
        _("own diagnosis"),
        max_length=20,
        choices=Diagnosis,
        blank=True,
        editable=False,
        help_text=_("Of the clinician who signed, before the models' answer was shown."),
    )
    own_confidence = models.FloatField(_("own confidence"), null=True, editable=False)

    is_validated = models.BooleanField(_("signed"), default=False, editable=False)
    verdict = models.CharField(_("verdict"), max_length=14, choices=Verdict, blank=True, editable=False)
    final_diagnosis = models.CharField(_("final diagnosis"), max_length=20, choices=Diagnosis, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="reviews",
        verbose_name=_("signed by"),
    )
    reviewed_at = models.DateTimeField(_("signed at"), null=True, editable=False)
    review_notes = models.TextField(_("review notes"), blank=True)

    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("being read by"),
    )
    taken_until = models.DateTimeField(_("being read until"), null=True, editable=False)

    objects: ClassVar = PredictionQuerySet.as_manager()  # type: ignore[assignment]  # the same
    history = HistoricalRecords(
        excluded_fields=[
            "progress",
            "lease_token",
            "lease_until",
            "request_id",
            "taken_by",
            "taken_until",
            "batch",
        ]
    )

    class Meta:
        verbose_name = _("second opinion")
        verbose_name_plural = _("second opinions")
        ordering = ["-created_at", "-pk"]
        permissions = [("sign_prediction", "Can sign a second opinion")]
        indexes = [
            models.Index(fields=["status", "id"], name="prediction_queue"),
            models.Index(
                fields=["finished_at"],
                condition=Q(needs_review=True, is_validated=False, hidden_at=None),
                name="predictions_to_review",
            ),
            models.Index(
                fields=["created_at", "id"],
                condition=Q(status="completed", is_validated=False, hidden_at=None),
                name="predictions_to_read",
            ),
            models.Index(fields=["-created_at", "-id"], name="prediction_newest_first"),
            models.Index(fields=["status", "-created_at", "-id"], name="prediction_by_status"),
            models.Index(fields=["confidence", "id"], name="prediction_by_confidence"),
            models.Index(fields=["reviewed_at", "id"], name="prediction_by_signature"),
            hidden_only("-created_at", "-id", name="prediction_hidden"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["xray"],
                condition=Q(status__in=["pending", "processing"], hidden_at=None),
                name="one_unfinished_prediction_per_xray",
            ),
            models.CheckConstraint(
                condition=Q(is_validated=False)
                | ~Q(final_diagnosis="")
                | Q(verdict__in=["rejected", "not_assessable"]),
                name="signed_means_a_final_diagnosis",
            ),
        ]

    def __str__(self) -> str:
        return self.name_for(None)

    def name_for(self, user: Reader | None) -> str:
        """Without its diagnosis: a name stands in titles, lists and messages of whoever has not read the film yet."""
        state = _("signed") if self.is_validated else self.get_status_display()
        return f"{self.xray.name_for(user)} · {state}"

    @property
    def is_unfinished(self) -> bool:
        return self.status in self.UNFINISHED

    @property
    def waits_with_an_urgent_finding(self) -> bool:
        """As `found_urgent`, until it is signed; for whom it is open to alone."""
        return not self.is_validated and self.diagnosis in settings.URGENT_FINDINGS

    @property
    def is_found_urgent(self) -> bool:
        """Whether a page marks it so, to whom it `is_open`, and where no person had marked it."""
        return self.is_open and not self.is_urgent and self.waits_with_an_urgent_finding


class ModelResult(ClinicalRecord):
    """What one model answered."""

    HANGS_ON = ("prediction",)

    prediction = models.ForeignKey(Prediction, on_delete=models.PROTECT, related_name="results")
    model = models.ForeignKey(
        DiagnosticModel, on_delete=models.PROTECT, related_name="results", verbose_name=_("model")
    )
    model_sha256 = models.CharField(_("SHA-256 of the weights"), max_length=64)
    diagnosis = models.CharField(_("diagnosis"), max_length=20, choices=Diagnosis)
    confidence = models.FloatField(_("confidence"))
    probabilities = models.JSONField(_("probabilities"), help_text=_("Calibrated, for each diagnosis."))
    milliseconds = models.FloatField(_("milliseconds"), help_text=_("This picture's share of its batch."))
    heatmap = models.BinaryField(
        _("where it looked"),
        null=True,
        help_text=_("A small 8-bit grey PNG that covers exactly the picture, brightest where the model looked most."),
    )

    history = HistoricalRecords(excluded_fields=["heatmap"])

    class Meta:
        verbose_name = _("model's answer")
        verbose_name_plural = _("models' answers")
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["prediction", "model"], name="one_answer_per_model")]

    def __str__(self) -> str:
        return str(self.model)  # not what it says: see Prediction.name_for


class ShadowAnswer(models.Model):
    """What a model in the shadow would have said: for its figures, and for no reader.

    A table of its own, which nothing points back from: no page, list, export or history of an answer comes by it.
    """

    prediction = models.ForeignKey(Prediction, on_delete=models.PROTECT, related_name="+")
    model = models.ForeignKey(DiagnosticModel, on_delete=models.PROTECT, related_name="+")
    model_sha256 = models.CharField(max_length=64)
    diagnosis = models.CharField(max_length=20, choices=Diagnosis)
    confidence = models.FloatField()
    probabilities = models.JSONField()
    milliseconds = models.FloatField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["model", "prediction"], name="one_shadow_answer_per_model"),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.diagnosis} {self.confidence:.2f}"
