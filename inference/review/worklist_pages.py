"""The worklist in the admin: a day's reading on one page, and the way from case to case."""

import hashlib
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.access.people import StaffRequest
from backoffice.live.blocks import TOKEN
from backoffice.live.unless_seen import unless_seen
from backoffice.models import User
from backoffice.records.numbers import number_in
from inference.models import Prediction
from inference.review import blinding, readings, signing, taking, worklist
from inference.review.roles import may_sign
from inference.review.signing_pages import JUST_SIGNED, case_url, go_on, list_url
from inference.review.worklist import Show, shown


def worklist_view(request: StaffRequest) -> HttpResponse:
    """GET shows a part (`show`) of what waits; `just_signed` is the answer whose signature can be taken back there."""
    _refuse_strangers(request)
    show = shown(request.GET.get("show"))
    context = {
        **admin.site.each_context(request),
        "title": _("Worklist"),
        "rule": blinding.rule_told(request.user) if may_sign(request.user) else "",
        "just_signed": just_signed(request),
        "max_wait": settings.MAX_WAIT_HOURS,
        **_rows_context(request, show),
    }
    return TemplateResponse(request, "inference/worklist.html", context)


def live_view(request: StaffRequest) -> HttpResponse:
    """The rows, or 204 where the page shows them as they are (`seen` is their stamp there)."""
    _refuse_strangers(request)
    context = _rows_context(request, shown(request.GET.get("show")))
    return unless_seen(request, context["stamp"], lambda: render(request, "inference/worklist_live.html", context))


def go_view(request: StaffRequest) -> HttpResponse:
    """On to the case that follows the one of `key`, or with `before` the one before it; without `key`, to the first."""
    _refuse_who_do_not_sign(request)
    show, key = shown(request.POST.get("show")), number_in(request.POST.get("key"))
    ordered = worklist.before if "before" in request.POST else worklist.after
    keys = [other for other in ordered(request.user, show, key) if other != key]
    response = go_on(request, keys, show)
    if response["Location"] == list_url(show):
        messages.info(request, _("No other case waits for you here."))
    return response


def take_view(request: StaffRequest, pk: int) -> HttpResponse:
    """Take one case, of the part `show`, and open it."""
    _refuse_who_do_not_sign(request)
    show = shown(request.POST.get("show"))
    case = Prediction.objects.filter(pk=pk).first()
    if case is None:
        raise Http404
    try:
        if show == Show.SECOND:
            readings.read_again(case, by=request.user)
        elif not taking.take(pk, by=request.user):
            messages.info(request, _("This one is read already."))
            return redirect(list_url(show))
    except (taking.TakenError, readings.CannotReadError) as error:
        messages.warning(request, str(error))
        return redirect(list_url(show))
    taking.let_go(by=request.user, but=pk)
    return redirect(case_url(case, show))


def hold_view(request: StaffRequest, pk: int) -> HttpResponse:
    """The page says that its reader is at work: the case is theirs for as long again. 409 where it is a colleague's."""
    _refuse_who_do_not_sign(request)
    try:
        taking.take(pk, by=request.user)
    except taking.TakenError as error:
        return HttpResponse(str(error), status=409, content_type="text/plain; charset=utf-8")
    return HttpResponse(status=204)


def _refuse_strangers(request: HttpRequest) -> None:
    if not request.user.has_perm("inference.view_prediction"):
        raise PermissionDenied


def _refuse_who_do_not_sign(request: HttpRequest) -> None:
    if not may_sign(request.user):
        raise PermissionDenied


# -- What the pages show ----------------------------------------------------------------------------------------------


def _rows_context(request: StaffRequest, show: Show) -> dict[str, Any]:
    user = request.user
    keys = worklist.keys_of(user, show)
    counts = [
        (one, one.label, worklist.count(worklist.cases(user, one)))
        for one in Show
        if one != Show.SECOND or may_sign(user)
    ]
    context = {
        "show": show,
        "parts": counts,
        "rows": rows_of(keys, user),
        "more": next((n for one, _label, n in counts if one == show), 0) - len(keys),
        "may_read": may_sign(user),
        "is_second": show == Show.SECOND,
    }
    html = render_to_string("inference/worklist_rows.html", context, request)
    return context | {"html": html, "stamp": hashlib.sha256(TOKEN.sub("", html).encode()).hexdigest()[:16]}


def rows_of(keys: list[int], user: User) -> list[Prediction]:
    """The cases of these keys, in their order, each with what the list tells of it."""
    cases = Prediction.objects.filter(pk__in=keys).with_standing().with_answers_for(user)
    found = {case.pk: case for case in cases.select_related("xray__patient", "requested_by", "taken_by")}
    now, longest = timezone.now(), timedelta(hours=settings.MAX_WAIT_HOURS)
    rows = [found[key] for key in keys if key in found]
    for case in rows:
        case.waits_too_long = not case.is_validated and case.created_at <= now - longest  # type: ignore[attr-defined]
        case.is_with_another = taking.is_with_another(case, user, now)  # type: ignore[attr-defined]
        case.is_mine = case.taken_by_id == user.pk and (case.taken_until or now) > now  # type: ignore[attr-defined]
        case.lapsed = bool(case.taken_by_id) and not case.is_mine and not case.is_with_another  # type: ignore[attr-defined]
    return rows


def just_signed(request: StaffRequest) -> Prediction | None:
    """What this person has signed a moment ago and may take back."""
    key = number_in(request.GET.get(JUST_SIGNED))
    signed = Prediction.objects.visible().select_related("xray__patient").filter(pk=key).first() if key else None
    return signed if signed and signing.may_take_back(request.user, signed) else None


def place_of(request: StaffRequest, prediction: Prediction, show: Show) -> dict[str, Any]:
    """What a film's page says of the worklist that its reader goes through. Who holds the case goes on holding it."""
    user = request.user
    keys = worklist.keys_of(user, show)
    holds = prediction.taken_by_id == user.pk
    if holds and not prediction.is_validated:
        with suppress(taking.TakenError):  # a colleague took it over at this moment: then the page says so
            taking.take(prediction.pk, by=user)
    return {
        "show": show,
        "place": keys.index(prediction.pk) + 1 if prediction.pk in keys else 0,
        "number": worklist.count(worklist.cases(user, show)),
        "is_with_another": taking.is_with_another(prediction, user),
        "who_has": taking.who_has(prediction) if taking.is_with_another(prediction, user) else "",
        "holds": holds or show == Show.SECOND,
        "just_signed": just_signed(request),
    }
