"""The models that are asked, what was asked of them, what each answered, and what a clinician made of it."""

from datetime import timedelta
from typing import ClassVar, Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from backoffice.formats.lists import told_of
from backoffice.readers import Reader
from backoffice.records.indexes import hidden_only
from backoffice.records.leases import LeasedJob, LeasedJobQuerySet
from backoffice.records.mixins import ClinicalRecord, HideableQuerySet
from backoffice.web.media import RandomName
from imaging.models import XRayImage
from inference.confidences import confidence_told


class Diagnosis(models.TextChoices):
    COVID = "COVID", _("COVID")
    NORMAL = "Normal", _("Normal")
    VIRAL_PNEUMONIA = "Viral Pneumonia", _("Viral Pneumonia")
    LUNG_OPACITY = "Lung Opacity", _("Lung Opacity")


class DiagnosticModelQuerySet(HideableQuerySet):
    def voting(self) -> Self:
        """The ensemble: what is asked about every X-ray, in a steady order."""
        return self._usable().filter(is_active=True)

    def in_the_shadow(self) -> Self:
        """What is asked beside the ensemble, for its figures alone."""
        return self._usable().filter(stage=DiagnosticModel.Stage.SHADOW)

    def _usable(self) -> Self:
        return self.visible().filter(check_error="").exclude(checked_at=None).order_by("pk")

    def unchecked(self) -> Self:
        """Registered, and not yet tried by a worker."""
        return self.visible().filter(checked_at=None)


class DiagnosticModel(ClinicalRecord):
    """A network: its architecture by timm's name, its weights as safetensors, and how its answers are read.

    Rows of one name are versions of one model, of which at most one votes. What changes a stage is in stages.py.
    """

    class Stage(models.TextChoices):
        ASIDE = "aside", _("set aside")
        SHADOW = "shadow", _("in the shadow")
        ACCEPTED = "accepted", _("accepted")
        REJECTED = "rejected", _("rejected")
        RETIRED = "retired", _("retired")

    class Fit(models.TextChoices):
        """As nn/preprocessing.py knows them."""

        SQUASH = "squash", _("squashed to a square")
        LETTERBOX = "letterbox", _("whole, black beside it")
        CROP = "crop", _("the middle alone")
        LUNGS = "lungs", _("the lungs' box alone")

    class Interpolation(models.TextChoices):
        """The same."""

        AREA = "area", _("area (OpenCV)")
        BILINEAR = "bilinear", _("bilinear (Pillow, torchvision)")
        BICUBIC = "bicubic", _("bicubic (Pillow, torchvision)")
        LANCZOS = "lanczos", _("Lanczos (Pillow)")
        NEAREST = "nearest", _("nearest (Pillow)")
        OPENCV_LINEAR = "opencv-linear", _("linear (OpenCV, albumentations)")
        OPENCV_CUBIC = "opencv-cubic", _("cubic (OpenCV, albumentations)")

    name = models.CharField(_("name"), max_length=60)
    architecture = models.CharField(_("architecture"), max_length=80, help_text=_("timm's name, such as resnet50."))
    options = models.JSONField(_("options"), default=dict, blank=True, help_text=_("Keyword arguments for timm."))
    weights = models.FileField(_("weights"), upload_to=RandomName("weights"), help_text=_("A safetensors file."))
    sha256 = models.CharField(_("SHA-256 of the weights"), max_length=64, editable=False)
    labels = models.JSONField(_("labels"), help_text=_("The diagnosis that each output stands for, in order."))
    input_size = models.PositiveSmallIntegerField(_("input size"), help_text=_("Edge of the square, in pixels."))
    mean = models.JSONField(_("mean"), help_text=_("One number for each input channel (1 or 3)."))
    std = models.JSONField(_("standard deviation"), help_text=_("One number for each input channel (1 or 3)."))
    fit = models.CharField(
        _("shape"), max_length=10, choices=Fit, default=Fit.SQUASH, help_text=_("How a film becomes a square.")
    )
    interpolation = models.CharField(
        _("interpolation"), max_length=15, choices=Interpolation, default=Interpolation.AREA
    )
    clahe = models.BooleanField(
        _("contrast evened out"), default=True, help_text=_("By CLAHE, before anything else is done.")
    )
    crop_share = models.FloatField(
        _("share of the middle"),
        default=1.0,
        validators=[MinValueValidator(0.1), MaxValueValidator(1.0)],
        help_text=_("Of the short edge, where the middle alone is taken: 0.875 for 224 out of 256."),
    )
    temperature = models.FloatField(
        _("temperature"),
        default=1.0,
        validators=[MinValueValidator(0.01)],
        help_text=_("Divides the logits: calibration."),
    )
    vector_scaling = models.JSONField(
        _("vector scaling"),
        default=dict,
        blank=True,
        editable=False,
        help_text=_("For each diagnosis a factor and a summand of the logarithm of its probability."),
    )
    vote_weight = models.FloatField(_("weight of its vote"), default=1.0, validators=[MinValueValidator(0.0)])
    version = models.CharField(_("version"), max_length=40, default="1")
    stage = models.CharField(_("stage"), max_length=10, choices=Stage, default=Stage.ACCEPTED, editable=False)
    acceptance = models.JSONField(
        _("accepted on"), default=dict, editable=False, help_text=_("Its figures when it was accepted.")
    )
    is_active = models.BooleanField(_("votes"), default=True)
    is_demo = models.BooleanField(
        _("demonstration"), default=False, help_text=_("Trained on synthetic pictures: of no medical value.")
    )
    metrics = models.JSONField(_("held-out figures"), default=dict, blank=True)
    checked_at = models.DateTimeField(_("checked"), null=True, blank=True, editable=False)
    check_error = models.TextField(_("what the check found"), blank=True, editable=False)
    check_progress = models.PositiveSmallIntegerField(default=0, editable=False)
    findings = models.JSONField(
        _("what differs"), default=list, editable=False, help_text=_("Between the file and its description.")
    )
    trial = models.JSONField(
        _("tried"), default=dict, editable=False, help_text=_("What a worker measured when it tried the weights.")
    )

    objects: ClassVar = DiagnosticModelQuerySet.as_manager()
    history = HistoricalRecords(excluded_fields=["check_progress"])

    class Meta:
        verbose_name = _("model")
        verbose_name_plural = _("models")
        ordering = ["name", "version"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="one_model_per_name_and_version"),
            models.UniqueConstraint(
                fields=["name"],
                condition=Q(is_active=True, hidden_at=None),
                name="one_voting_version_per_model",
                violation_error_message=_("Another version of this model votes. Retire that one first."),
            ),
            models.CheckConstraint(
                condition=Q(is_active=False) | Q(stage="accepted"),
                name="only_accepted_models_vote",
                violation_error_message=_("Only an accepted model votes."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def versions(self) -> DiagnosticModelQuerySet:
        """This and the others of its name."""
        return DiagnosticModel.objects.filter(name=self.name)


class Calibration(models.Model):
    """What was found and written when the models were calibrated: one row each time, never changed afterwards."""

    at = models.DateTimeField(_("calibrated at"), auto_now_add=True)
    source = models.CharField(_("cases from"), max_length=200, blank=True, help_text=_("Blank: signed answers."))
    cases = models.PositiveIntegerField(_("cases"))
    coverage = models.FloatField(_("promised coverage"))
    bounds = models.JSONField(_("bounds"), help_text=_("For each diagnosis the lowest probability in the set."))
    figures = models.JSONField(_("figures"))
    ensemble = models.JSONField(_("ensemble"), help_text=_("The models as they are from then on."))

    class Meta:
        verbose_name = _("calibration")
        verbose_name_plural = _("calibrations")
        ordering = ["-pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return date_format(timezone.localtime(self.at), "DATETIME_FORMAT")


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


def _presses() -> Q:
    longest = timedelta(minutes=settings.PREDICTION_MAX_WAIT_MINUTES)
    return Q(is_urgent=True) | Q(created_at__lte=timezone.now() - longest)


def _signed_since() -> PredictionQuerySet:
    """A signed answer about the same film, newer than the one outside: whoever signed it has settled that film."""
    signed = Prediction.objects.visible().filter(is_validated=True)
    return signed.order_by().filter(xray=OuterRef("xray"), pk__gt=OuterRef("pk"))


class Prediction(LeasedJob, ClinicalRecord):
    """One request for a second opinion on one X-ray, and its answer. A row in state `pending` *is* the job."""

    class Status(models.TextChoices):
        PENDING = "pending", _("waiting")
        PROCESSING = "processing", _("running")
        COMPLETED = "completed", _("answered")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    UNFINISHED = (Status.PENDING, Status.PROCESSING)
    HANGS_ON = ("xray",)

    is_superseded = False
    """Whether a newer answer about the same film is signed and this one is not: `with_standing` finds out."""

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

    is_validated = models.BooleanField(_("signed"), default=False, editable=False)
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

    objects: ClassVar = PredictionQuerySet.as_manager()  # type: ignore[assignment]  # the same
    history = HistoricalRecords(excluded_fields=["progress", "lease_token", "lease_until"])

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
                condition=Q(is_validated=False) | ~Q(final_diagnosis=""), name="signed_means_a_final_diagnosis"
            ),
        ]

    def __str__(self) -> str:
        return self.name_for(None)

    def name_for(self, user: Reader | None) -> str:
        return f"{self.xray.name_for(user)} · {self.get_diagnosis_display() or self.get_status_display()}"

    @property
    def is_unfinished(self) -> bool:
        return self.status in self.UNFINISHED


class WorkerQuerySet(models.QuerySet):
    def alive(self) -> Self:
        """Those that have been heard of lately."""
        return self.filter(beat_at__gte=timezone.now() - Worker.LONGEST_SILENCE)


class Worker(models.Model):
    """A process that answers predictions, as it last said of itself (heartbeat.py)."""

    BEATS_EVERY = timedelta(seconds=15)
    LONGEST_SILENCE = timedelta(seconds=60)
    """More than SQLite lets a beat wait for whoever writes at that moment."""

    class Trouble(models.TextChoices):
        """What is not as it should be with its device."""

        NO_GPU = (
            "no_gpu",
            _(
                "No GPU was found: the models run on the processor, more slowly. Where that is meant, set "
                "INFERENCE_DEVICE=cpu."
            ),
        )
        GPU_UNUSABLE = (
            "gpu_unusable",
            _(
                "There is a GPU, but torch cannot use it: the models run on the processor, more slowly. See the "
                "driver, and how torch was installed."
            ),
        )
        NO_SUCH_DEVICE = (
            "no_such_device",
            _(
                "The device that INFERENCE_DEVICE names is not there: nothing is answered. Mend the setting, then "
                "start the worker again."
            ),
        )

    name = models.CharField(max_length=100, unique=True)  # machine and process
    device = models.CharField(max_length=20, blank=True)  # as torch names it; blank until one is chosen
    device_name = models.CharField(max_length=100, blank=True)
    trouble = models.CharField(max_length=20, choices=Trouble, blank=True)
    detail = models.TextField(blank=True)  # what torch says of the trouble
    started_at = models.DateTimeField(default=timezone.now)
    beat_at = models.DateTimeField(db_index=True)

    objects: ClassVar = WorkerQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


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
        return told_of(self.model, f"{self.get_diagnosis_display()} {confidence_told(self.confidence)}")


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


class Report(ClinicalRecord):
    """What the clinic says about an X-ray: drafted from a signed prediction, then published."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        PUBLISHED = "published", _("published")

    HANGS_ON = ("prediction",)

    prediction = models.ForeignKey(
        Prediction, on_delete=models.PROTECT, related_name="reports", verbose_name=_("second opinion")
    )
    version = models.PositiveSmallIntegerField(_("version"), default=1, editable=False)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT, editable=False)
    body = models.TextField(_("text"))
    pdf = models.FileField(_("PDF"), upload_to=RandomName("reports"), blank=True, editable=False)
    generated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="reports",
        verbose_name=_("written by"),
    )
    published_at = models.DateTimeField(_("published at"), null=True, editable=False)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["-created_at", "-id"], name="report_newest_first")]
        constraints = [
            models.UniqueConstraint(fields=["prediction", "version"], name="one_report_per_version"),
            models.CheckConstraint(
                condition=Q(status="draft") | Q(published_at__isnull=False), name="published_means_a_time"
            ),
        ]

    def __str__(self) -> str:
        return self.name_for(None)

    def take_next_version(self) -> None:
        """Number a new report after all that there are. In the transaction that saves it: who writes another one about
        the same answer at this moment waits for its end."""
        Prediction.objects.select_for_update(of=("self",), no_key=True).get(pk=self.prediction_id)
        newest = Report.objects.filter(prediction=self.prediction_id).aggregate(newest=models.Max("version"))["newest"]
        self.version = (newest or 0) + 1

    def name_for(self, user: Reader | None) -> str:
        return f"{self.prediction.name_for(user)} · {self.version}"
