"""What the habit survey asks."""

from decimal import Decimal
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from backoffice.formats.kept import gettext
from backoffice.records.mixins import EXCHANGED, ClinicalRecord, HideableQuerySet
from backoffice.records.text import plain_figures
from backoffice.records.two_languages import InTwoLanguages, Shown, other_text


class QuestionQuerySet(HideableQuerySet):
    def asked(self) -> Self:
        """What the survey asks today, in its order."""
        return self.visible().filter(is_active=True)


class Question(InTwoLanguages, ClinicalRecord):
    text = models.CharField(_("question"), max_length=250)
    text_other = other_text(_("question in the other language"), 250)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("asked"), default=True, help_text=_("Past answers stay either way."))
    is_required = models.BooleanField(_("required"), default=True)

    objects: ClassVar = QuestionQuerySet.as_manager()
    shown_text = Shown("text")

    worded = ""
    """How the page worded it that was answered, where that is known."""

    class Meta:
        abstract = True
        default_permissions = EXCHANGED
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.shown_text

    @property
    def as_asked(self) -> str:
        return self.worded or self.shown_text

    @property
    def text_with_unit(self) -> str:
        return self.shown_text


class LikertQuestion(Question):
    """Answered on a scale from LOWEST to HIGHEST, with a label at both ends."""

    LOWEST, HIGHEST = 1, 7

    min_label = models.CharField(_("label at 1"), max_length=60)
    min_label_other = other_text(_("at 1, in the other language"), 60)
    max_label = models.CharField(_("label at 7"), max_length=60)
    max_label_other = other_text(_("at 7, in the other language"), 60)

    history = HistoricalRecords()
    shown_min_label, shown_max_label = Shown("min_label"), Shown("max_label")

    class Meta(Question.Meta):
        verbose_name = _("scale question")
        verbose_name_plural = _("scale questions")


class NumericQuestion(Question):
    """Answered with a number in a unit, perhaps within bounds."""

    unit = models.CharField(_("unit"), max_length=30, blank=True)
    unit_other = other_text(_("unit in the other language"), 30)
    minimum = models.DecimalField(_("smallest answer"), max_digits=10, decimal_places=2, null=True, blank=True)
    maximum = models.DecimalField(_("largest answer"), max_digits=10, decimal_places=2, null=True, blank=True)

    history = HistoricalRecords()
    shown_unit = Shown("unit")

    class Meta(Question.Meta):
        verbose_name = _("number question")
        verbose_name_plural = _("number questions")
        constraints = [
            models.CheckConstraint(
                condition=Q(minimum=None) | Q(maximum=None) | Q(minimum__lte=F("maximum")),
                name="numeric_bounds_in_order",
                violation_error_message=_("The smallest answer must not be above the largest."),
            )
        ]

    @property
    def text_with_unit(self) -> str:
        return f"{self.shown_text} ({self.shown_unit})" if self.shown_unit else self.shown_text

    def without_unit(self, answer: str) -> str:
        """The number of an answer that repeats the question's unit, in either language: `10 支` → `10`."""
        plain = plain_figures(answer)
        for unit in (plain_figures(self.unit), plain_figures(self.unit_other)):
            if unit and plain.casefold().endswith(unit.casefold()):
                return plain[: -len(unit)]
        return answer

    def allows(self, value: Decimal) -> bool:
        return (self.minimum is None or self.minimum <= value) and (self.maximum is None or value <= self.maximum)

    def bounds_message(self) -> str:
        """What to tell somebody whose answer is not allowed."""
        bounds = {
            name: f"{bound.normalize():f}"  # 34, not 34.00
            for name, bound in [("minimum", self.minimum), ("maximum", self.maximum)]
            if bound is not None
        }
        if "minimum" not in bounds:
            return gettext("The answer must be %(maximum)s or less.") % bounds
        if "maximum" not in bounds:
            return gettext("The answer must be %(minimum)s or more.") % bounds
        return gettext("The answer must be from %(minimum)s to %(maximum)s.") % bounds
