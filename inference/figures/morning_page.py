"""The morning check in the admin: what the newest found on each device, and a baseline that a person accepts."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from backoffice.access.people import StaffRequest
from backoffice.admin.base.giving_back import initial_from
from backoffice.records.fields import LineField
from backoffice.records.numbers import number_in
from inference.figures import mornings
from inference.figures.figures_page import WATCH
from inference.figures.mornings import NothingToAcceptError
from inference.models import MorningBaseline, MorningCheck

CHECKS_SHOWN, BASELINES_SHOWN = 20, 20


class AcceptForm(forms.Form):
    reason = LineField(
        label=gettext_lazy("Reason"),
        max_length=200,
        help_text=gettext_lazy("What was changed on purpose, such as an update of a library."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def morning(request: StaffRequest) -> HttpResponse:
    """POST `answer` is `check`, or `accept` with the key of the `check` that was shown and a `reason`."""
    if not request.user.has_perm(WATCH):
        raise PermissionDenied
    answer = request.POST.get("answer", "")
    form = AcceptForm(request.POST if answer == "accept" else None, initial=initial_from(request))
    if answer == "check":
        mornings.ask_for_a_check()
        messages.success(
            request, _("Each worker asks its models as soon as it is free. Look here again in some minutes.")
        )
        return redirect("inference_figures:morning")
    if answer == "accept" and form.is_valid():
        _accept(request, form)
        return redirect("inference_figures:morning")
    return render(request, "inference/figures/morning.html", _context(request, form))


def _accept(request: StaffRequest, form: AcceptForm) -> None:
    check = MorningCheck.objects.filter(pk=number_in(request.POST.get("check")) or 0).first()
    try:
        if check is None:
            raise NothingToAcceptError
        n = mornings.accept(check, by=request.user, reason=form.cleaned_data["reason"])
    except NothingToAcceptError:
        messages.error(
            request, _("Nothing was accepted: this check is not the newest any more, or is accepted already.")
        )
    else:
        told = ngettext(
            "The answers of %d model are the new baseline.", "The answers of %d models are the new baseline.", n
        )
        messages.success(request, told % n)


def _context(request: StaffRequest, form: AcceptForm) -> dict[str, Any]:
    newest = mornings.newest_checks()
    lines = mornings.lines_of(newest)
    return {
        **admin.site.each_context(request),
        "title": _("Morning check"),
        "newest": [
            {
                "check": check,
                "where": mornings.where(check),
                "lines": lines[check.pk],
                "is_open": any(line.is_open for line in lines[check.pk]),
                "can_be_accepted": any(line.is_open and line.can_be_accepted for line in lines[check.pk]),
            }
            for check in newest
        ],
        "checks": [(check, mornings.where(check)) for check in MorningCheck.objects.order_by("-pk")[:CHECKS_SHOWN]],
        "baselines": MorningBaseline.objects.select_related("model", "set_by").order_by("-pk")[:BASELINES_SHOWN],
        "form": form,
    }
