"""Parts of the public pages that they ask for again and again while somebody looks at them."""

import hashlib

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from backoffice.live.unless_seen import unless_seen
from clinic.hours.availability import Day, Offer


def stamp(*facts: object) -> str:
    """A short text that differs where the facts differ."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def fragment(request: HttpRequest, template: str, context: dict, now: str) -> HttpResponse:
    """A part of a page, or 204 where the page has it already. `now` is the stamp of what it would show."""
    return unless_seen(request, now, lambda: render(request, template, context))


def times(days: list[Day], chosen: str | None) -> dict:
    """What `_times.html` needs. `chosen` is a slot that the page shows as chosen: it may be gone meanwhile."""
    offers = [offer for day in days for offer in day.offers]
    return {
        "days": days,
        "stamp": stamp([_shown(offer) for offer in offers]),
        "chosen": chosen,
        "chosen_is_gone": bool(chosen) and all(offer.session.slug != chosen for offer in offers if offer.is_bookable),
    }


def _shown(offer: Offer) -> tuple:
    session = offer.session
    return session.slug, session.opens_at, session.closes_at, session.places_left, offer.closed_because


def times_fragment(request: HttpRequest, days: list[Day]) -> HttpResponse:
    context = times(days, chosen=request.GET.get("session"))
    return fragment(request, "clinic/_times.html", context, context["stamp"])
