from django.contrib import admin, messages
from django.db import transaction
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from backoffice.access.kept_forms import MARK
from backoffice.admin.base.giving_back import given_back
from clinic import booking
from clinic.admin.hiding import HidesClosures
from clinic.admin.opening_hours import TimetableAdmin
from clinic.models import Closure

DECISION = "visit_"
"""What is decided for each booked person is posted as `visit_<key>`."""


@admin.register(Closure)
class ClosureAdmin(HidesClosures, TimetableAdmin):
    """Saving a closure that hits booked people first asks what becomes of each; then all of it is done, or nothing."""

    fields = ["starts_on", "ends_on", "period", "reason"]
    list_display = ["reason", "starts_on", "ends_on", "closed_period"]
    list_filter = ["period"]
    search_fields = ["reason"]
    date_hierarchy = "starts_on"
    empty_text = gettext_lazy("No closed days: holidays and days off stand here, and cannot be booked.")

    @admin.display(description=gettext_lazy("period"), ordering="period")
    def closed_period(self, closure):
        return closure.get_period_display() or _("whole day")

    # A closure can be changed on its page, and by going back to a version of its history. Undecided rolls the
    # transaction back, so that the closure is not saved either.

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except booking.Undecided as undecided:
            return self.ask(request, undecided)

    def history_form_view(self, request, object_id, version_id, extra_context=None):
        try:
            with transaction.atomic():
                return super().history_form_view(request, object_id, version_id, extra_context)
        except booking.Undecided as undecided:
            return self.ask(request, undecided)

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        typed = given_back(request)
        context["decided"] = [(name, value) for name, value in typed.items() if name.startswith(DECISION)]
        return super().render_change_form(request, context, add, change, form_url, obj)

    def carry_over(self, request, obj) -> None:
        done = booking.settle(obj, decisions(request), by=request.user)
        if done["moved"]:
            told = ngettext("%d person is moved.", "%d people are moved.", done["moved"])
            messages.success(request, told % done["moved"])
        if done["cancelled"]:
            told = ngettext("%d booking is cancelled.", "%d bookings are cancelled.", done["cancelled"])
            messages.success(request, told % done["cancelled"])
        self.follow(request)

    def ask(self, request, undecided: booking.Undecided) -> TemplateResponse:
        """The page that lists who is booked, with the typed closure behind it."""
        decided = decisions(request)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("People are booked on these days"),
            "media": self.media,
            "reason": request.POST.get("reason", ""),
            "rows": [as_row(proposal, decided) for proposal in undecided.proposals],
            "asked_before": bool(decided),
            "refusal": undecided,
            "typed": [
                (name, value)
                for name, values in request.POST.lists()
                for value in values
                if name not in ("csrfmiddlewaretoken", MARK) and not name.startswith(DECISION)
            ],
        }
        return TemplateResponse(request, "clinic/admin_closure_people.html", context)


def as_row(proposal: booking.Proposal, decided: dict[int, str]) -> dict:
    key = proposal.appointment.pk
    return {
        "session": proposal.appointment.session,
        "appointment": proposal.appointment,
        "instead": proposal.instead,
        "cancels": decided.get(key) == booking.CANCEL or proposal.instead is None,
        "is_new": bool(decided) and key not in decided,
    }


def decisions(request) -> dict[int, str]:
    """`visit_17=cancel` or `visit_17=2026-11-24/morning` → {17: …}"""
    return {
        int(name.removeprefix(DECISION)): value
        for name, value in request.POST.items()
        if name.startswith(DECISION) and name.removeprefix(DECISION).isdecimal()
    }
