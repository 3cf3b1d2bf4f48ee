"""Drift in the admin: what the newest look found, how near the last ones came, and the period that is compared with."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from backoffice.access.people import StaffRequest
from backoffice.admin.base.giving_back import initial_from, seen_on
from backoffice.records.fields import LineField, WholeNumberField
from backoffice.records.seen import SEEN
from inference.figures import drawn, shifts
from inference.figures import drift as looking
from inference.figures.drift_words import Line, changed_models, lines_of, title_of
from inference.figures.figures_page import WATCH
from inference.models import DriftCheck, DriftReference

SHOWN = 26  # looks: half a year
REFERENCES_SHOWN = 10


class ReferenceForm(forms.Form):
    days = WholeNumberField(
        label=gettext_lazy("Films of the last days"), min_value=1, max_value=3650, initial=90,
        help_text=gettext_lazy("So many days, as of today. At least 100 films have to have been answered in them."),
    )  # fmt: skip
    reason = LineField(label=gettext_lazy("Reason"), max_length=200)


@require_http_methods(["GET", "HEAD", "POST"])
def drift(request: StaffRequest) -> HttpResponse:
    """POST `answer` is `look`, or `reference` with `days`, a `reason`, and in `seen` the reference that was shown."""
    if not request.user.has_perm(WATCH):
        raise PermissionDenied
    answer = request.POST.get("answer", "")
    form = ReferenceForm(request.POST if answer == "reference" else None, initial={"days": 90} | initial_from(request))
    if answer == "look":
        _look(request)
        return redirect("inference_figures:drift")
    if answer == "reference" and form.is_valid() and _set_reference(request, form):
        return redirect("inference_figures:drift")
    return render(request, "inference/figures/drift.html", _context(request, form))


def _look(request: StaffRequest) -> None:
    check = looking.look()
    if check is None:
        messages.error(request, _("There is no reference period yet. Set one first."))
    else:
        messages.success(request, _("The newest films were looked at."))


def _set_reference(request: StaffRequest, form: ReferenceForm) -> bool:
    now = looking.reference_in_force()
    if request.POST.get(SEEN, "") != str(now.pk if now else ""):
        messages.error(request, _("Somebody has set another reference period meanwhile. Look at it, then decide."))
        return True
    try:
        looking.set_reference(by=request.user, **form.cleaned_data)
    except looking.TooFewFilmsError as error:
        form.add_error("days", str(error))
        return False
    looking.look()  # what was found beside the earlier one is no longer asked
    messages.success(request, _("From now on films are compared with those of that period."))
    return True


def _context(request: StaffRequest, form: ReferenceForm) -> dict[str, Any]:
    reference = looking.reference_in_force()
    checks = list(DriftCheck.objects.order_by("-pk")[:SHOWN])
    newest = checks[0] if checks else None
    told = [lines_of(check) for check in reversed(checks)]
    return {
        **admin.site.each_context(request),
        "title": _("Drift"),
        "reference": reference,
        "references": DriftReference.objects.select_related("set_by").order_by("-pk")[:REFERENCES_SHOWN],
        "newest": newest,
        "changed_models": changed_models(newest) if newest else [],
        "channels": [_channel(name, told, checks) for name in looking.CHANNELS] if newest else [],
        "form": form,
        "seen": seen_on(request, str(reference.pk) if reference else ""),
        "false_a_year": f"{100 * shifts.FALSE_A_YEAR:.0f}",
        "window": shifts.NEWEST,
    }


def _channel(name: str, told: list[list[Line]], checks: list[DriftCheck]) -> dict[str, Any]:
    """One channel over the looks, the oldest first."""
    lines = [next((line for line in lines if line.channel == name), None) for lines in told]
    days = [date_format(localtime(check.at), "SHORT_DATE_FORMAT") for check in reversed(checks)]
    title = title_of(name)
    picture = drawn.strengths(
        f"drift-{name}",
        str(title),
        _("How near each look came to the alarm; the line is where it begins."),
        [line.strength if line else None for line in lines],
    )
    return {
        "name": name,
        "line": lines[-1],
        "title": title,
        "picture": picture,
        "rows": list(zip(days, lines, strict=True)),
    }
