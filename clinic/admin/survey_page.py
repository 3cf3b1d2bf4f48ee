"""Both kinds of question on one page."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from backoffice.admin.base.giving_back import given_back
from clinic.admin.survey_forms import SurveyForms

MODELS = ("likertquestion", "numericquestion")


def may(request, verb: str) -> bool:
    """Whether this person may do it to both kinds of question."""
    return request.user.has_perms([f"clinic.{verb}_{model}" for model in MODELS])


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def survey(request):
    if not may(request, "change"):
        raise PermissionDenied
    sent = request.POST if request.method == "POST" else given_back(request) or None
    forms = SurveyForms(sent, may_add=may(request, "add"), request=request)
    if request.method == "POST" and forms.is_valid():
        changed = forms.save()
        told = ngettext("%d question is saved.", "%d questions are saved.", changed) % changed
        messages.success(request, told if changed else _("Nothing was changed."))
        return redirect("clinic_admin:survey")
    context = {**admin.site.each_context(request), "title": _("Survey"), "forms": forms}
    return render(request, "clinic/admin_survey.html", context)
