"""What calibrating has found each time, to read only: the command `calibrate` writes it."""

from typing import Any, ClassVar

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from backoffice.admin import FastListAdmin, ReadOnlyAdmin
from backoffice.formats.lists import told_of
from inference import wording
from inference.models import Calibration


@admin.register(Calibration)
class CalibrationAdmin(ReadOnlyAdmin, FastListAdmin):
    list_display = ["at", "cases", "taken_from", "joint", "lacking"]
    empty_text = _("Not calibrated yet: the command “calibrate” shows what that would do.")
    fields: ClassVar[list[Any]] = ["at", "cases", "taken_from", "joint", "each", "sets", "lacking"]
    sortable_by = []

    @admin.display(description=_("cases from"))
    def taken_from(self, calibration: Calibration) -> str:
        return calibration.source or gettext("signed answers")

    @admin.display(description=_("consensus"))
    def joint(self, calibration: Calibration) -> str:
        return wording.calibration_told(calibration.figures)

    @admin.display(description=_("models"))
    def each(self, calibration: Calibration) -> SafeString:
        told = (
            told_of(f"{one['name']} · {one['kind_told']}", wording.calibration_told(one))
            for one in wording.with_kinds(calibration.figures["models"])
        )
        return format_html_join("", "<p>{}</p>", ([sentence] for sentence in told))

    @admin.display(description=_("sets of diagnoses"))
    def sets(self, calibration: Calibration) -> SafeString:
        return format_html_join("", "<p>{}</p>", ([sentence] for sentence in wording.sets_told(calibration)))

    @admin.display(description=_("signed cases still missing"))
    def lacking(self, calibration: Calibration) -> str:
        return wording.counted_by_diagnosis(calibration.figures["missing"]) or "–"
