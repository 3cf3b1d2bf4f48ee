"""Who signed in, and who tried to."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.admin.base.changelists import FastListAdmin, ReadOnlyAdmin
from backoffice.admin.base.filters import DayRangeFilter
from backoffice.models import FailedSignIn, SignIn


class AttemptFilter(DayRangeFilter):
    title = _("when")
    field = "attempt_time"


class SignInsAdmin(ReadOnlyAdmin, FastListAdmin):
    """To read only: what django-axes wrote."""

    list_filter = [AttemptFilter]
    search_fields = ["username", "ip_address"]
    search_help_text = _("User name or address")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


@admin.register(SignIn)
class SignInAdmin(SignInsAdmin):
    list_display = ["attempt_time", "username", "ip_address", "user_agent", "logout_time"]
    fields = ["attempt_time", "username", "ip_address", "user_agent", "logout_time"]


@admin.register(FailedSignIn)
class FailedSignInAdmin(SignInsAdmin):
    list_display = ["attempt_time", "username", "ip_address", "user_agent", "locked_out"]
    fields = ["attempt_time", "username", "ip_address", "user_agent", "locked_out"]
    list_filter = ["locked_out", AttemptFilter]
    empty_text = _("Nobody has given a wrong password.")
