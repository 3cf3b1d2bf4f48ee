"""Both kinds of question on one page."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from backoffice.admin.base.giving_back import given_back
from clinic.admin.survey_forms import SurveyForms

MODELS = ("likertquestion", "numericquestion")


def may(request: HttpRequest, verb: str) -> bool:
    """Whether this person may do it to both kinds of question."""
    return request.user.has_perms([f"clinic.{verb}_{model}" for model in MODELS])


@transaction.atomic
def save(request: HttpRequest) -> tuple[SurveyForms, int | None]:
    """The forms, and how many questions were saved; None where something is to be corrected first."""
    forms = SurveyForms(request.POST, may_add=may(request, "add"), request=request)
    return forms, forms.save() if forms.is_valid() else None


@require_http_methods(["GET", "HEAD", "POST"])
def survey(request: HttpRequest) -> HttpResponse:
    if not may(request, "change"):
        raise PermissionDenied
    if request.method == "POST":
        forms, changed = save(request)
        if changed is not None:
            told = ngettext("%d question is saved.", "%d questions are saved.", changed) % changed
            messages.success(request, told if changed else _("Nothing was changed."))
            return redirect("clinic_admin:survey")
    else:
        forms = SurveyForms(given_back(request) or None, may_add=may(request, "add"), request=request)
    context = {**admin.site.each_context(request), "title": _("Survey"), "forms": forms}
    return render(request, "clinic/admin_survey.html", context)
