"""X-rays: the file as it came, and the canonical picture that everything else looks at."""

from datetime import date

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from backoffice.readers import Reader
from backoffice.records.indexes import hidden_only
from backoffice.records.mixins import EXCHANGED, ClinicalRecord
from backoffice.sealing.fields import IndexOf, SealedCharField
from backoffice.web.media import RandomName
from clinic.models import Appointment, Patient
from imaging.quality import with_those_of_the_record
from imaging.whose import impossible_day

CANONICAL_BITS = 8
THEIRS_BECAUSE_LENGTH = 200


class XRayImage(ClinicalRecord):
    """One chest X-ray.

    `original` is evidence: kept byte for byte, only ever sent as a download. `pixels` is the canonical picture, an
    8-bit grey PNG, upright, without metadata: viewer, enhanced view and models read it and nothing else.
    """

    class View(models.TextChoices):
        """DICOM's View Position (0018,5101)."""

        PA = "PA", _("PA (from behind)")
        AP = "AP", _("AP (from the front)")
        LATERAL = "LL", _("lateral")
        OBLIQUE = "OBL", _("oblique")

    class Format(models.TextChoices):
        PNG = "PNG", "PNG"
        JPEG = "JPEG", "JPEG"
        DICOM = "DICOM", "DICOM"

    class SpacingFrom(models.TextChoices):
        """The DICOM element that says how large a pixel is, and so where lengths are right."""

        PATIENT = "PixelSpacing", _("calibrated")
        DETECTOR = "ImagerPixelSpacing", _("at the detector")
        SCANNER = "NominalScannedPixelSpacing", _("on the scanned film")

    HANGS_ON = ("patient",)

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="xrays", verbose_name=_("patient"))
    appointment = models.ForeignKey(
        Appointment,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="xrays",
        verbose_name=_("taken at the visit"),
    )
    original = models.FileField(_("file as it came"), upload_to=RandomName("originals"), editable=False)
    pixels = models.FileField(_("canonical picture"), upload_to=RandomName("pixels"), editable=False)
    thumbnail = models.FileField(_("thumbnail"), upload_to=RandomName("thumbnails"), editable=False)
    sha256 = models.CharField(_("SHA-256 of the file"), max_length=64, editable=False, db_index=True)
    source_format = models.CharField(_("format"), max_length=8, choices=Format, editable=False)
    width = models.PositiveIntegerField(_("width"), editable=False, help_text=_("In pixels, upright."))
    height = models.PositiveIntegerField(_("height"), editable=False, help_text=_("In pixels, upright."))
    bit_depth = models.PositiveSmallIntegerField(_("bits per pixel"), editable=False, help_text=_("Of the file."))
    pixel_spacing = models.FloatField(
        _("pixel spacing"), null=True, blank=True, editable=False, help_text=_("In mm, of the canonical picture.")
    )
    spacing_from = models.CharField(_("spacing by"), max_length=32, choices=SpacingFrom, blank=True, editable=False)
    body_part = models.CharField(_("part of the body"), max_length=64, blank=True, editable=False)
    age_in_file = models.PositiveSmallIntegerField(
        _("age in the file"), null=True, blank=True, editable=False, help_text=_("In years, at the exposure.")
    )
    # From the file, blank where it says nothing. What few files say stands in `said_further`, by DICOM's keywords.
    study_uid = models.CharField(_("study UID"), max_length=64, blank=True, editable=False)
    series_uid = models.CharField(_("series UID"), max_length=64, blank=True, editable=False)
    sop_uid = models.CharField(_("SOP instance UID"), max_length=64, blank=True, editable=False)
    accession_number = models.CharField(_("accession number"), max_length=64, blank=True, editable=False)
    dicom_patient_id = SealedCharField(
        _("patient ID in the file"),
        sealed_as="imaging.film.patient_id",
        max_length=64,
        blank=True,
        editable=False,
    )
    patient_id_issuer = models.CharField(_("issuer of that ID"), max_length=64, blank=True, editable=False)
    modality = models.CharField(_("modality"), max_length=16, blank=True, editable=False)
    laterality = models.CharField(_("laterality"), max_length=16, blank=True, editable=False)
    taken_at = models.DateTimeField(_("exposed at"), null=True, blank=True, editable=False)
    device = models.CharField(_("device"), max_length=130, blank=True, editable=False)
    station = models.CharField(_("station"), max_length=64, blank=True, editable=False)
    intent = models.CharField(_("meant for"), max_length=16, blank=True, editable=False)
    burned_in = models.BooleanField(_("text burnt in"), null=True, blank=True, editable=False)
    said_further = models.JSONField(_("further in the file"), default=dict, blank=True, editable=False)
    # Whether the columns above were read from the file: films that are older than the columns wait for it.
    is_read = models.BooleanField(_("read"), default=False, editable=False)
    view = models.CharField(_("view"), max_length=4, choices=View, blank=True)
    taken_on = models.DateField(_("taken on"), null=True, blank=True)
    notes = models.TextField(_("notes"), blank=True)
    quality_issues = models.JSONField(_("quality"), default=list, blank=True, editable=False)
    # By which rules it was measured: films that were by older ones wait for it.
    quality_rules = models.PositiveSmallIntegerField(_("rules of its quality"), default=0, editable=False)
    # By the field of the patient, what the file says otherwise.
    identity_conflict = models.JSONField(_("contradicts the patient"), default=dict, blank=True, editable=False)
    # Of contradictions that a person has settled, a mark each: see whose.py.
    settled_conflict = models.JSONField(_("settled"), default=dict, blank=True, editable=False)
    theirs_because = models.CharField(
        _("why it is this patient's all the same"), max_length=THEIRS_BECAUSE_LENGTH, blank=True, editable=False
    )
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("uploaded by"),
    )

    history = HistoricalRecords()

    class Meta:
        default_permissions = EXCHANGED
        verbose_name = _("X-ray")
        verbose_name_plural = _("X-rays")
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="xray_newest_first"),
            models.Index(fields=["taken_on", "id"], name="xray_by_day_taken"),
            models.Index(fields=["quality_rules", "-id"], name="xray_to_measure"),
            models.Index(fields=["view", "-created_at", "-id"], name="xray_by_view"),
            models.Index(fields=["source_format", "-created_at", "-id"], name="xray_by_format"),
            models.Index(fields=["-created_at", "-id"], condition=~Q(identity_conflict={}), name="xray_to_settle"),
            hidden_only("-created_at", "-id", name="xray_hidden"),
            *(models.Index(fields=[field], name=f"xray_by_{field[:20]}") for field in ("sop_uid", "accession_number")),
            models.Index(IndexOf("dicom_patient_id"), name="xray_by_dicom_patient_id"),
            models.Index(fields=["id"], condition=Q(is_read=False, source_format="DICOM"), name="xray_to_read"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "sha256"],
                condition=Q(hidden_at=None),
                name="a_file_once_per_patient",
                violation_error_message=_("This patient already has this very file."),
            )
        ]

    def clean(self) -> None:
        super().clean()
        # The file's own word is kept, and told of as a conflict.
        is_of_the_file = str(self.taken_on) == self.identity_conflict.get("taken_on")
        is_known = self.patient_id and not is_of_the_file
        if self.taken_on and is_known and (why := impossible_day(self.taken_on, self.patient)):
            raise ValidationError({"taken_on": why})

    def __str__(self) -> str:
        return self.name_for(None)

    def name_for(self, user: Reader | None) -> str:
        return f"{self.patient.name_for(user)} · {self.short_name}"

    @property
    def short_name(self) -> str:
        """Without the patient's name."""
        view = self.view or _("X-ray")
        return f"{view} · {date_format(self.day)}"

    @property
    def day(self) -> date:
        """When it was taken, as far as is known."""
        return self.taken_on or timezone.localdate(self.created_at)

    @property
    def ages(self) -> list[int]:
        """The patient's at the exposure, by the record, and by the file where it says one."""
        return [self.patient.age_on(self.day), *([] if self.age_in_file is None else [self.age_in_file])]

    def renew_quality(self) -> None:
        """Bring what view, part of the body and age say of the quality in step with the record."""
        self.quality_issues = with_those_of_the_record(
            self.quality_issues, view=self.view, body_part=self.body_part, ages=self.ages
        )

    @property
    def has_deep_values(self) -> bool:
        return self.bit_depth > CANONICAL_BITS
