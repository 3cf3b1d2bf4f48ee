"""On a person's page: what keeps them from signing in, and the buttons that help."""

from collections.abc import Callable

from axes.models import AccessAttempt
from axes.utils import reset
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from backoffice.access.people import StaffRequest
from backoffice.access.second_factor import devices
from backoffice.lazy import LazyText
from backoffice.models import User


def is_locked_out(person: User) -> bool:
    """Whether this name was tried too often lately, from whatever address."""
    lately = timezone.now() - settings.AXES_COOLOFF_TIME
    tried = AccessAttempt.objects.filter(username=person.username, attempt_time__gt=lately)
    by_address = tried.order_by().values("ip_address").annotate(failures=Sum("failures_since_start"))  # of all browsers
    return by_address.filter(failures__gte=settings.AXES_FAILURE_LIMIT).exists()


class SignInHelp(admin.ModelAdmin):
    """Mixin of the people's admin. The buttons stand in the person's form, so each names its own address."""

    def get_urls(self) -> list[URLPattern]:
        def guarded(help_with: Callable) -> Callable[..., HttpResponseBase]:
            return self.admin_site.admin_view(require_POST(self.for_who_may_change(help_with)))

        return [
            path("<int:pk>/unlock/", guarded(self.unlock), name="backoffice_user_unlock"),
            path(
                "<int:pk>/reset-second-factor/",
                guarded(self.reset_second_factor),
                name="backoffice_user_reset_second_factor",
            ),
            *super().get_urls(),
        ]

    def for_who_may_change(self, help_with: Callable) -> Callable:
        def view(request: HttpRequest, pk: int) -> HttpResponse:
            person = self.get_object(request, str(pk))
            if person is None:
                raise Http404
            if not self.has_change_permission(request, person):
                raise PermissionDenied
            help_with(request, person)
            return redirect("admin:backoffice_user_change", pk)

        return view

    def unlock(self, request: StaffRequest, person: User) -> None:
        reset(username=person.username)
        person.note_in_history(_("sign-in unlocked"), by=request.user)
        messages.success(request, _("%s may try to sign in again.") % person)

    def reset_second_factor(self, request: StaffRequest, person: User) -> None:
        devices.forget(person)
        person.note_in_history(_("second factor taken away"), by=request.user)
        messages.success(request, _("%s signs in without the phone from now on, or sets up another one.") % person)

    @admin.display(description=_("second factor"))
    def second_factor(self, person: User) -> LazyText:
        phone = devices.phone_of(person)
        if phone is None:
            return _("not set up")
        since = _("since %s") % date_format(timezone.localtime(phone.created_at))
        return self.with_button(since, "reset_second_factor", _("Take away"), person)

    @admin.display(description=_("sign-in"))
    def lockout(self, person: User) -> LazyText:
        if not is_locked_out(person):
            return _("possible")
        return self.with_button(_("locked after wrong passwords"), "unlock", _("Unlock"), person)

    def with_button(self, said: LazyText, name: str, button: LazyText, person: User) -> str:
        html = '{} <button class="btn btn-outline-secondary btn-sm" formaction="{}" formnovalidate>{}</button>'
        return format_html(html, said, reverse(f"admin:backoffice_user_{name}", args=[person.pk]), button)
