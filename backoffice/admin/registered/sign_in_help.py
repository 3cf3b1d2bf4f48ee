"""On a person's page: what keeps them from signing in, and the buttons that help."""

from collections.abc import Callable

from axes.models import AccessAttempt
from axes.utils import reset
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Sum
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST

from backoffice.access.second_factor import devices, rules
from backoffice.models import User
from backoffice.web.admin_urls import admin_url


def is_locked_out(person: User) -> bool:
    """Whether this name was tried too often lately, from whatever address."""
    lately = timezone.now() - settings.AXES_COOLOFF_TIME
    tried = AccessAttempt.objects.filter(username=person.username, attempt_time__gt=lately)
    by_address = tried.order_by().values("ip_address").annotate(failures=Sum("failures_since_start"))  # of all browsers
    return by_address.filter(failures__gte=settings.AXES_FAILURE_LIMIT).exists()


def asking_for_the_code(form: type[forms.ModelForm], request) -> type[forms.ModelForm]:
    """The form of what decides how whoever sits here signs in: where their code was given too long ago, saving it asks
    for another, and what they typed stays."""
    asks = request.method == "POST" and rules.must_ask_again(request)
    return type(form.__name__, (_AsksForTheCode, form), {}) if asks else form


class _AsksForTheCode:
    def clean(self):
        page = f"{reverse(f'admin:{rules.ASK}')}?next={reverse('admin:second_factor_own')}"
        told = _(
            'This is about your own access: <a href="{}" target="_blank">give the code from your phone</a>, then save.'
        )
        self.add_error(None, format_html(told, page))
        return super().clean()


class SignInHelp(admin.ModelAdmin):
    """Mixin of the people's admin. The buttons stand in the person's form, so each names its own address.

    Helping others and changing oneself are two doors: the buttons ask for no code and no old password, so whoever sits
    down at a desk left open must not reach them for the person who left it.
    """

    def get_urls(self):
        def guarded(help_with: Callable):
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
        def view(request, pk: int) -> HttpResponse:
            person = self.get_object(request, str(pk))
            if person is None:
                raise Http404
            if not self.has_change_permission(request, person):
                raise PermissionDenied
            if person == request.user:
                messages.error(request, _("These buttons help others. What signs you in yourself is changed here."))
                return redirect("admin:second_factor_own")
            help_with(request, person)
            return redirect("admin:backoffice_user_change", pk)

        return view

    def unlock(self, request, person: User) -> None:
        reset(username=person.username)
        person.note_in_history(gettext_noop("sign-in unlocked"), by=request.user)
        messages.success(request, _("%s may try to sign in again.") % person)

    def reset_second_factor(self, request, person: User) -> None:
        devices.forget(person)
        person.note_in_history(gettext_noop("second factor taken away"), by=request.user)
        messages.success(request, _("%s signs in without the phone from now on, or sets up another one.") % person)

    @admin.display(description=_("second factor"))
    def second_factor(self, person):
        phone = devices.phone_of(person)
        if phone is None:
            return _("not set up")
        since = _("since %s") % date_format(timezone.localtime(phone.created_at))
        return self.with_button(since, "reset_second_factor", _("Take away"), person)

    @admin.display(description=_("second factor"))
    def own_second_factor(self, person):
        return format_html('<a href="{}">{}</a>', reverse("admin:second_factor_own"), _("On a page of your own"))

    def user_change_password(self, request, id, form_url=""):  # noqa: A002  (the library's name)
        if self.get_object(request, unquote(id)) == request.user:
            messages.warning(request, _("Your own password is changed here, with the old one."))
            return redirect("admin:password_change")
        return super().user_change_password(request, id, form_url)

    @admin.display(description=_("sign-in"))
    def lockout(self, person):
        if not is_locked_out(person):
            return _("possible")
        return self.with_button(_("locked after wrong passwords"), "unlock", _("Unlock"), person)

    def with_button(self, said: str, name: str, button: str, person: User) -> str:
        html = '{} <button class="btn btn-outline-secondary btn-sm" formaction="{}" formnovalidate>{}</button>'
        return format_html(html, said, admin_url(person, name, person.pk), button)
