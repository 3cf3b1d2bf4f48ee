"""The networks that are asked, and how their answers are weighed."""

from typing import ClassVar, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from backoffice.records.mixins import ClinicalRecord, HideableQuerySet
from backoffice.web.media import RandomName


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

    PREPROCESSING = ("input_size", "fit", "interpolation", "clahe", "crop_share", "mean", "std")
    """What decides how a film becomes what the network sees; each answer keeps it."""

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
