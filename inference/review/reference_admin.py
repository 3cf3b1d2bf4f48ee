"""What films are known to show, entered by clinicians once it is known: a page of its own, to which a film's leads."""

import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from backoffice.admin import ClinicalAdmin
from backoffice.models import User
from backoffice.models.users import person_of
from backoffice.records.forms import ClinicalForm
from backoffice.records.names import name_for
from backoffice.records.search import through
from backoffice.web.admin_urls import admin_url
from clinic.admin import PatientAdmin
from imaging.models import XRayImage
from inference.models import ReferenceStandard
from inference.review.blinding import without_unread_films


class ReferenceForm(ClinicalForm):
    def clean_known_on(self) -> datetime.date | None:
        day = self.cleaned_data["known_on"]
        if day and day > timezone.localdate():
            raise ValidationError(_("This day is still to come. Enter since when it is known."))
        return day


@admin.register(ReferenceStandard)
class ReferenceStandardAdmin(ClinicalAdmin):
    form = ReferenceForm
    list_display = ["patient", "film", "diagnosis", "source", "known_on", "stated_by"]
    list_select_related = ["xray__patient", "stated_by"]
    list_filter = ["diagnosis", "source"]
    search = through("xray__patient", PatientAdmin.search)
    search_help_text = PatientAdmin.search_help_text
    sortable_by = []
    autocomplete_fields = ["xray"]
    fields = ["xray", "diagnosis", "source", "known_on", "notes", "stated_by"]
    readonly_fields = ["stated_by"]
    empty_text = _(
        "Nothing yet. Once a later film, a test or a second reader has told what a film shows, it is entered here, and "
        "the figures tell how often readers and models were right."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return seen_by(person_of(request), super().get_queryset(request))

    def get_readonly_fields(self, request: HttpRequest, obj: ReferenceStandard | None = None) -> list[Any]:
        return [*self.readonly_fields, "xray"] if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: ReferenceStandard, form: forms.ModelForm, change: bool) -> None:
        obj.stated_by = person_of(request)
        super().save_model(request, obj, form, change)

    @admin.display(description=_("patient"))
    def patient(self, reference: ReferenceStandard) -> str:
        return name_for(reference.xray.patient, None)

    @admin.display(description=_("film"))
    def film(self, reference: ReferenceStandard) -> str:
        return reference.xray.short_name


class LeadsToReference(admin.ModelAdmin):
    """Mixin of the X-ray's admin: the way to what the film is known to show."""

    def page_links(self, request: HttpRequest, obj: XRayImage) -> list[tuple[str, str]]:
        links = super().page_links(request, obj)  # type: ignore[misc]  # of ClinicalAdmin, beside which it is mixed in
        if obj.is_gone or not request.user.has_perm("inference.change_referencestandard"):
            return links
        url = reference_url(obj, person_of(request))
        return [*links, (str(_("What it is known to show")), url)] if url else links


def seen_by(user: User, rows: QuerySet) -> QuerySet:
    """Those of which this person is told: not before they have read the film, unless they entered it."""
    return without_unread_films(rows, user, own=Q(stated_by=user))


def reference_url(film: XRayImage, user: User) -> str:
    """Where what is known of a film is read, or entered; blank where it is known and this person is not told yet."""
    known = ReferenceStandard.objects.filter(xray=film, hidden_at=None)
    if not known:
        return f"{admin_url(ReferenceStandard, 'add')}?{urlencode({'xray': film.pk})}"
    told = seen_by(user, known).first()
    return admin_url(ReferenceStandard, "change", told.pk) if told else ""
