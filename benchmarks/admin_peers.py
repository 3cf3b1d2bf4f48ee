"""Patients and visits in a stock ModelAdmin: the same columns, filters, inlines and templates, with Django's own
paging, search and date hierarchy. What bench_admin.py measures beside ours, on our indexes."""

from typing import Any

from django.contrib import admin
from django.template import engines
from django.urls import include, path

from backoffice.admin import HiddenFilter
from backoffice.site import BackofficeSite
from clinic.admin import AppointmentAdmin, PatientAdmin
from clinic.models import Appointment, LikertAnswer, NumericAnswer, Patient
from imaging.models import XRayImage


class StockSite(BackofficeSite):
    """With the frame of ours around it."""

    autocomplete_view = admin.AdminSite.autocomplete_view


stock = StockSite(name="stock")

LIST = """{% extends "admin/change_list.html" %}{% load admin_list %}
{% block date_hierarchy %}{% if cl.date_hierarchy %}{% date_hierarchy cl %}{% endif %}{% endblock %}"""


def columns_of(ours: type[admin.ModelAdmin]) -> dict:
    """The list's columns, with the methods that make them."""
    return {name: getattr(ours, name) for name in map(str, ours.list_display) if hasattr(ours, name)}


class StockAdmin(admin.ModelAdmin):
    list_per_page = 50

    @property
    def change_list_template(self) -> Any:  # type: ignore[override]  # made once Django is there
        return engines["django"].from_string(LIST)


class StockVisits(admin.TabularInline):
    model = Appointment
    fields = ["queue_number", "status", "notes"]
    readonly_fields = ["queue_number", "status", "notes"]
    extra = 0


class StockFilms(admin.TabularInline):
    model = XRayImage
    fields = ["view", "taken_on"]
    extra = 0


class StockScores(admin.TabularInline):
    model = LikertAnswer
    fields = ["score"]
    extra = 0


class StockValues(admin.TabularInline):
    model = NumericAnswer
    fields = ["value"]
    extra = 0


@admin.register(Patient, site=stock)
class StockPatients(StockAdmin):
    vars().update(columns_of(PatientAdmin))
    list_display = PatientAdmin.list_display
    list_filter = [*PatientAdmin.list_filter, HiddenFilter]
    search_fields = ["full_name", "national_id__exact", "phone", "email"]
    inlines = [StockVisits, StockFilms]


@admin.register(Appointment, site=stock)
class StockAppointments(StockAdmin):
    vars().update(columns_of(AppointmentAdmin))
    list_display = AppointmentAdmin.list_display
    list_filter = [*AppointmentAdmin.list_filter, HiddenFilter]
    list_select_related = AppointmentAdmin.list_select_related
    search_fields = [
        "patient__full_name",
        "patient__national_id__exact",
        "patient__phone",
        "patient__email",
        "reference",
    ]
    date_hierarchy = AppointmentAdmin.date_hierarchy
    inlines = [StockScores, StockValues]
    raw_id_fields = ["patient", "session"]  # a million <option>s would be too easy to beat


# Every page carries a menu of all tables: the stock admin's is as long as ours.
stock.register([model for model in admin.site._registry if not stock.is_registered(model)])

urlpatterns = [path("stock/", stock.urls), path("", include("backoffice.urls"))]
