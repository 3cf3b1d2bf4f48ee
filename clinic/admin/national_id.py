"""The national ID on the patient's page: masked, shown to who may and presses for it, and that is noted."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from backoffice.models import AccessEvent
from backoffice.readers import Reader
from backoffice.records.text import masked
from backoffice.web.admin_urls import admin_url
from clinic.models import Patient


def may_reveal(user: Reader) -> bool:
    """Whether this person reads a whole national ID, where they ask for it."""
    return user.has_perm("clinic.reveal_national_id")


class RevealsNationalID(admin.ModelAdmin):
    """Mixin of the patients' admin."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(never_cache(self.reveal_view))
        return [path("<int:pk>/national-id/", view, name="clinic_patient_reveal"), *super().get_urls()]

    def has_reveal_permission(self, request: HttpRequest) -> bool:
        return may_reveal(request.user)

    def reveal_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The field of the form with the number in it, in place of the masked one."""
        patient = self.get_object(request, str(pk))
        may = self.has_reveal_permission(request) and self.has_change_permission(request, patient)
        if request.method != "POST" or not may:
            raise PermissionDenied
        if patient is None:
            raise Http404
        AccessEvent.objects.record(request, AccessEvent.Action.REVEAL, patient)
        return render(request, "clinic/national_id_shown.html", {"national_id": patient.national_id})

    def get_form(
        self, request: HttpRequest, obj: Patient | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        form: Any = super().get_form(request, obj, change, **kwargs)
        if obj and self.has_reveal_permission(request):
            form.reveal_url = admin_url(obj, "reveal", obj.pk)
        return form

    def get_fields(self, request: HttpRequest, obj: Patient | None = None) -> list[Any]:
        fields = [*super().get_fields(request, obj)]
        number = fields.index("national_id")
        if obj is None or self.has_change_permission(request, obj):
            return [*fields[: number + 1], "is_passport", *fields[number + 1 :]]
        return ["masked_national_id" if name == "national_id" else name for name in fields]

    @admin.display(description=_("national ID"))
    def masked_national_id(self, patient: Patient) -> str:
        return masked(patient.national_id) or "–"
