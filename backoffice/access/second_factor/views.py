"""The pages between the password and the rest, and the person's own page about their second factor."""

import time
from collections.abc import Callable
from functools import wraps

import django_otp
from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache
from django_otp.models import Device

from backoffice.access import security_log
from backoffice.access.people import StaffRequest
from backoffice.access.second_factor import devices, rules
from backoffice.access.second_factor.forms import CodeForm, FirstCodeForm
from backoffice.web.qr_codes import qr_code


def urls() -> list:
    """Paths for the admin site, below `second-factor/`."""
    return [
        path("second-factor/ask/", for_staff(ask), name=rules.ASK),
        path("second-factor/set-up/", for_staff(set_up), name=rules.SET_UP),
        path("second-factor/", admin.site.admin_view(own_page), name="second_factor_own"),
        path("second-factor/backup-codes/", admin.site.admin_view(renew_codes), name="second_factor_codes"),
        path("second-factor/turn-off/", admin.site.admin_view(turn_off), name="second_factor_off"),
    ]


def for_staff(view: Callable) -> Callable:
    """For who gave the right password, whether or not more is asked of them: these pages ask it."""

    @wraps(view)
    def guarded(request: StaffRequest) -> HttpResponse:
        if not (request.user.is_active and request.user.is_staff):
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        return view(request)

    return never_cache(guarded)


def ask(request: StaffRequest) -> HttpResponse:
    """Ask who gave the password for a code; and again, before they change what the codes come from."""
    if rules.step_before(request) != rules.ASK and not rules.must_ask_again(request):
        return redirect(where_to(request))
    form = CodeForm(request.POST or None, person=request.user)
    if form.is_valid():
        let_in(request, form.device)
        return redirect(where_to(request))
    note_refused(request, form)
    return page(request, "ask", _("Code from your phone"), form=form, next=where_to(request))


def set_up(request: StaffRequest) -> HttpResponse:
    """Show a secret, and take the phone into use that answers with its code."""
    if rules.step_before(request) == rules.ASK or rules.must_ask_again(request):
        # Who has a phone shows it first: or a password, or a desk left open, would be enough to replace it.
        return ask_and_go_on_to(request.path)
    phone = devices.phone_to_set_up(request.user)
    asks = rules.must_ask_for_password(request)
    form = FirstCodeForm(request.POST or None, phone=phone, asks_for_password=asks)
    if form.is_valid():
        let_in(request, phone)
        request.user.note_in_history(gettext_noop("second factor set up"), by=request.user)
        return codes_page(request)
    note_refused(request, form)
    about = {
        "qr_code": qr_code(phone.config_url),
        "secret": devices.secret_of(phone),
        "is_required": rules.step_before(request) == rules.SET_UP,
    }
    return page(request, "set_up", _("Set up the second factor"), form=form, next=where_to(request), **about)


def own_page(request: StaffRequest) -> HttpResponse:
    return _own_page(request, CodeForm(person=request.user))


def turn_off(request: StaffRequest) -> HttpResponse:
    """Back to the password alone, for who still has the phone."""
    if request.method != "POST" or rules.is_required_of(request.user):
        return redirect("admin:second_factor_own")
    form = CodeForm(request.POST, person=request.user)
    if not form.is_valid():
        note_refused(request, form)
        return _own_page(request, form)
    devices.forget(request.user)
    request.user.note_in_history(gettext_noop("second factor turned off"), by=request.user)
    messages.success(request, _("Your password alone signs you in from now on."))
    return redirect("admin:second_factor_own")


def renew_codes(request: StaffRequest) -> HttpResponse:
    if request.method != "POST" or devices.phone_of(request.user) is None:
        return redirect("admin:second_factor_own")
    if rules.must_ask_again(request):
        return ask_and_go_on_to(reverse("admin:second_factor_own"))
    request.user.note_in_history(gettext_noop("new backup codes"), by=request.user)
    return codes_page(request)


# -- Parts ------------------------------------------------------------------------------------------------------------


def ask_and_go_on_to(page: str) -> HttpResponse:
    return redirect(f"{reverse(f'admin:{rules.ASK}')}?next={page}")


def let_in(request: StaffRequest, device: Device) -> None:
    django_otp.login(request, device)
    request.session[rules.GIVEN_AT] = time.time()
    request.session.cycle_key()  # the session is worth more from here on: no older name of it opens it
    request.step_before = None
    security_log.done("second factor given", request, kind=type(device).__name__)


def note_refused(request: StaffRequest, form: CodeForm) -> None:
    if form.is_bound:
        security_log.refused("second factor refused", request)


def codes_page(request: StaffRequest) -> HttpResponse:
    codes = devices.new_backup_codes(request.user)
    return page(request, "codes", _("Your backup codes"), codes=codes, next=where_to(request))


def _own_page(request: StaffRequest, form: CodeForm) -> HttpResponse:
    form.fields["code"].widget.attrs.pop("autofocus")  # turning it off is not what the page is for
    about = {
        "phone": devices.phone_of(request.user),
        "codes_left": devices.backup_codes_left(request.user),
        "is_required": rules.is_required_of(request.user),
    }
    return page(request, "own", _("Second factor"), form=form, **about)


def page(request: StaffRequest, name: str, title: str, **context: object) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": title, **context}
    return render(request, f"backoffice/second_factor_{name}.html", context)


def where_to(request: HttpRequest) -> str:
    """The page of ours that they were on the way to."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    # A word without a slash would be taken for the name of a view.
    is_ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(
        wanted, {request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else reverse("admin:index")
