from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse

from backoffice.admin.base.auditing import AuditedAdmin
from backoffice.admin.base.back_to_the_list import LeadsBackToTheList
from backoffice.admin.base.changelists import FastListAdmin
from backoffice.admin.base.concurrent_changes import MergesConcurrentChanges
from backoffice.admin.base.exchange import ExchangeAdmin
from backoffice.admin.base.giving_back import GivesFormsBack
from backoffice.admin.base.hidden_meanwhile import SaysWhatWasHidden
from backoffice.admin.base.hiding import HideableAdmin
from backoffice.admin.base.history import HistoryAdmin
from backoffice.records.fields import DayField, EmailField, NumberField, RealNumberField, WholeNumberField
from backoffice.records.forms import ClinicalForm


class ClinicalAdmin(
    SaysWhatWasHidden,
    GivesFormsBack,
    MergesConcurrentChanges,
    ExchangeAdmin,
    HideableAdmin,
    AuditedAdmin,
    LeadsBackToTheList,
    FastListAdmin,
    HistoryAdmin,
):
    """The admin of a clinical record: hideable, with history, and with a trail of who looked at it."""

    form = ClinicalForm
    formfield_overrides = {
        models.DateField: {"form_class": DayField},
        models.EmailField: {"form_class": EmailField},
        models.DecimalField: {"form_class": NumberField},
        models.FloatField: {"form_class": RealNumberField},
        models.IntegerField: {"form_class": WholeNumberField},
    }

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if "_saveasnew" in request.POST:  # which Django takes from anybody, and no form of ours offers
            raise PermissionDenied
        return super().changeform_view(request, object_id, form_url, extra_context)
