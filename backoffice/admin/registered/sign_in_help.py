"""On a person's page: what keeps them from signing in, and the buttons that help."""

from collections.abc import Callable
from typing import Any

from axes.models import AccessAttempt
from axes.utils import reset
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST

from backoffice.access.people import StaffRequest
from backoffice.access.second_factor import devices, rules
from backoffice.access.second_factor.views import ask_and_go_on_to
from backoffice.lazy import LazyText
from backoffice.models import User
from backoffice.web.admin_urls import admin_url


def is_locked_out(person: User) -> bool:
    """Whether this name was tried too often lately, from whatever address."""
    lately = timezone.now() - settings.AXES_COOLOFF_TIME
    tried = AccessAttempt.objects.filter(username=person.username, attempt_time__gt=lately)
    by_address = tried.order_by().values("ip_address").annotate(failures=Sum("failures_since_start"))  # of all browsers
    return by_address.filter(failures__gte=settings.AXES_FAILURE_LIMIT).exists()


def asking_for_the_code(form: type[forms.ModelForm], request: HttpRequest) -> type[forms.ModelForm]:
    """The form of what decides who signs in: where the code of whoever sits here was given too long ago, saving it asks
    for another, and what they typed stays."""
    asks = request.method == "POST" and rules.must_ask_again(request)
    return type(form.__name__, (_AsksForTheCode, form), {}) if asks else form


class _AsksForTheCode(forms.ModelForm):
    def clean(self) -> dict[str, Any] | None:
        page = f"{reverse(f'admin:{rules.ASK}')}?next={reverse('admin:second_factor_own')}"
        told = _(
            'This decides who signs in: <a href="{}" target="_blank">give the code from your phone</a>, then save.'
        )
        self.add_error(None, format_html(str(told), page))
        return super().clean()


class SignInHelp(admin.ModelAdmin):
    """Mixin of the people's admin. The buttons stand in the person's form, so each names its own address.

    Helping others and changing oneself are two doors: the buttons ask for no old password. What gives somebody another
    way in asks for a fresh code of whoever helps, as it would make somebody else of whoever sits down at a desk left
    open.
    """

    def get_urls(self) -> list[URLPattern]:
        def guarded(help_with: Callable, **options: Any) -> Callable[..., HttpResponseBase]:
            return self.admin_site.admin_view(require_POST(self.for_who_may_change(help_with, **options)))

        return [
            path("<int:pk>/unlock/", guarded(self.unlock), name="backoffice_user_unlock"),
            path(
                "<int:pk>/reset-second-factor/",
                guarded(self.reset_second_factor, asks_for_code=True),
                name="backoffice_user_reset_second_factor",
            ),
            *super().get_urls(),
        ]

    def for_who_may_change(self, help_with: Callable, *, asks_for_code: bool = False) -> Callable:
        def view(request: HttpRequest, pk: int) -> HttpResponse:
            person = self.get_object(request, str(pk))
            if person is None:
                raise Http404
            if not self.has_change_permission(request, person):
                raise PermissionDenied
            if person == request.user:
                messages.error(request, _("These buttons help others. What signs you in yourself is changed here."))
                return redirect("admin:second_factor_own")
            if asks_for_code and rules.must_ask_again(request):
                messages.warning(request, _("Give your own code first, then press the button once more."))
                return ask_and_go_on_to(admin_url(person, "change", pk))
            help_with(request, person)
            return redirect("admin:backoffice_user_change", pk)

        return view

    def unlock(self, request: StaffRequest, person: User) -> None:
        reset(username=person.username)
        person.note_in_history(gettext_noop("sign-in unlocked"), by=request.user)
        messages.success(request, _("%s may try to sign in again.") % person)

    def reset_second_factor(self, request: StaffRequest, person: User) -> None:
        devices.forget(person)
        person.note_in_history(gettext_noop("second factor taken away"), by=request.user)
        messages.success(request, _("%s signs in without the phone from now on, or sets up another one.") % person)

    @admin.display(description=_("second factor"))
    def second_factor(self, person: User) -> LazyText:
        phone = devices.phone_of(person)
        if phone is None:
            return _("not set up")
        since = _("since %s") % date_format(timezone.localtime(phone.created_at))
        return self.with_button(since, "reset_second_factor", _("Take away"), person)

    @admin.display(description=_("second factor"))
    def own_second_factor(self, person: User) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("admin:second_factor_own"), _("On a page of your own"))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002  (the library's name)
        if self.get_object(request, unquote(id)) == request.user:
            messages.warning(request, _("Your own password is changed here, with the old one."))
            return redirect("admin:password_change")
        if rules.must_ask_again(request):
            return ask_and_go_on_to(request.path)
        return super().user_change_password(request, id, form_url)  # type: ignore[misc]  # of the library's admin of people

    @admin.display(description=_("sign-in"))
    def lockout(self, person: User) -> LazyText:
        if not is_locked_out(person):
            return _("possible")
        return self.with_button(_("locked after wrong passwords"), "unlock", _("Unlock"), person)

    def with_button(self, said: LazyText, name: str, button: LazyText, person: User) -> str:
        html = '{} <button class="btn btn-outline-secondary btn-sm" formaction="{}" formnovalidate>{}</button>'
        return format_html(html, said, admin_url(person, name, person.pk), button)
