"""What is offered changes while people are booked: their page asks what becomes of each, before anything is saved."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.admin.base.giving_back import given_back, sent_on
from backoffice.admin.base.history import HistoryAdmin
from backoffice.records.numbers import number_in
from clinic import booking
from clinic.hours.losses import Loss
from clinic.hours.text import Hours

DECISION = "visit_"
"""What is decided for each booked person is posted as `visit_<key>`."""


class AsksWhoIsBooked(HistoryAdmin):
    """Mixin of the admin of what decides over sessions. Undecided rolls back what was being saved, by whichever door:
    the record's page, going back to a version of it, or the list's actions."""

    class Media:
        css = {"all": ["clinic/staff.css"]}

    # What is typed is checked behind the lock too: of two who save hours that overlap the later one is refused.

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._or_ask(holding_the_timetable(super().changeform_view), request, *args, **kwargs)

    def history_form_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._or_ask(holding_the_timetable(super().history_form_view), request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._or_ask(super().changelist_view, request, *args, **kwargs)

    def _or_ask(
        self, view: Callable[..., HttpResponse], request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except booking.Undecided as undecided:
            return self._decide_page(request, undecided)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        typed = given_back(request)
        context["decided"] = [(name, value) for name, value in typed.items() if name.startswith(DECISION)]
        return super().render_change_form(request, context, *args, **kwargs)

    def _decide_page(self, request: HttpRequest, undecided: booking.Undecided) -> TemplateResponse:
        """The page that lists who is booked, with what was typed behind it."""
        decided = decisions(request)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("People are booked at these times"),
            "media": self.media,
            "rows": [as_row(proposal, decided) for proposal in undecided.proposals],
            "may_stay": any(proposal.may_stay for proposal in undecided.proposals),
            "asked_before": bool(decided),
            "refusal": undecided,
            "typed": [(name, value) for name, value in sent_on(request) if not name.startswith(DECISION)],
        }
        return TemplateResponse(request, "clinic/admin_people_booked.html", context)

    def tell_settled(self, request: HttpRequest, done: Counter[str]) -> None:
        told = {
            "kept": ngettext("%d booking is kept.", "%d bookings are kept.", done["kept"]),
            "moved": ngettext("%d person is moved.", "%d people are moved.", done["moved"]),
            "cancelled": ngettext("%d booking is cancelled.", "%d bookings are cancelled.", done["cancelled"]),
        }
        for what, sentence in told.items():
            if done[what]:
                messages.success(request, sentence % done[what])


def holding_the_timetable(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Whoever changes hours, closures or sessions holds them first, and so waits for nobody with something of theirs in
    hand."""

    def held(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        with transaction.atomic():
            booking.hold_timetable()
            return view(request, *args, **kwargs)

    return held


def as_row(proposal: booking.Proposal, decided: dict[int, str]) -> dict:
    key = proposal.appointment.pk
    slug = proposal.instead.slug if proposal.instead else ""
    return {
        "loss": proposal.loss,
        "what": what_is_lost(proposal.loss),
        "appointment": proposal.appointment,
        "may_stay": proposal.may_stay,
        "instead": proposal.instead,
        "chosen": chosen(proposal, slug, decided.get(key)),
        "is_new": bool(decided) and key not in decided,
    }


def chosen(proposal: booking.Proposal, slug: str, decided: str | None) -> str:
    """What is ticked: what was decided before, if it can be had still; else what asks least of the patient."""
    wanted = [decided, booking.KEEP] if not proposal.loss.closes else [decided, slug, booking.KEEP]
    on_offer = {booking.CANCEL, slug, *([booking.KEEP] if proposal.may_stay else [])} - {""}
    return next((choice for choice in wanted if choice in on_offer), booking.CANCEL)


def what_is_lost(loss: Loss) -> list[str]:
    """In sentences."""
    if loss.closure:
        return [_("Closed: %(reason)s") % {"reason": loss.closure.shown_reason}]
    if loss.then is None or loss.closes:
        return [_("This time would no longer be offered. Whoever is kept still comes; nobody new can book.")]
    said = []
    if loss.is_cut:
        then, now = (Hours(session.opens_at, session.closes_at) for session in (loss.then, loss.session))
        told = _("It would be %(then)s rather than %(now)s. Whoever is kept comes within the new hours.")
        said.append(told % {"then": then, "now": now})
    if loss.beyond:
        told = _("Booked: %(booked)d. Places then: %(places)d. Whoever is kept has a place; nobody new gets one.")
        said.append(told % {"booked": loss.session.booked, "places": loss.then.capacity})
    return said


def decisions(request: HttpRequest) -> dict[int, str]:
    """`visit_17=cancel` or `visit_17=2026-11-24/morning` → {17: …}"""
    return {
        key: str(value)
        for name, value in request.POST.items()
        if name.startswith(DECISION) and (key := number_in(name.removeprefix(DECISION)))
    }
