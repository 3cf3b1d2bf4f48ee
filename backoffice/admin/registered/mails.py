"""The mails that went out, or wait."""

from typing import cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backoffice.admin.base.auditing import AuditedAdmin
from backoffice.admin.base.changelists import FastListAdmin, ReadOnlyAdmin
from backoffice.admin.base.filters import DayRangeFilter
from backoffice.admin.base.first_page import OnTheFirstPage
from backoffice.jobs import mail
from backoffice.lazy import LazyText
from backoffice.live.chips import Tone, chip
from backoffice.models import Mail
from backoffice.models.mails import MailQuerySet


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, LazyText]]:
        return [("waiting", _("waiting")), ("sent", _("sent")), ("given_up", _("given up"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Mail]) -> QuerySet[Mail]:
        rows = cast(MailQuerySet, queryset)
        chosen = {"waiting": rows.waiting, "sent": rows.sent, "given_up": rows.given_up}
        return chosen.get(self.value() or "", rows.all)()


class WrittenFilter(DayRangeFilter):
    title = _("written")
    field = "written_at"


@admin.register(Mail)
class MailAdmin(OnTheFirstPage, AuditedAdmin, ReadOnlyAdmin, FastListAdmin):
    """What was sent, what waits, and why: nobody writes or changes a mail here."""

    actions = ["send_again"]
    list_display = ["subject", "to", "state", "written_at", "sent_at", "attempts", "error"]
    list_filter = [StateFilter, WrittenFilter]
    search_fields = ["to"]
    search_help_text = _("Address")
    empty_text = _("No mail has been written yet: a booking with an e-mail address writes the first.")

    @admin.display(description=_("state"))
    def state(self, mail: Mail) -> SafeString:
        if mail.sent_at:
            return chip(_("sent"), Tone.GOOD)
        return chip(_("given up"), Tone.BAD) if mail.is_given_up else chip(_("waiting"), Tone.WAIT)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("backoffice.change_mail")

    @admin.action(description=_("Send again"), permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: MailQuerySet) -> None:
        n = mail.send_again(queryset)
        said = ngettext("%d mail is tried again.", "%d mails are tried again.", n)
        messages.success(request, said % n) if n else messages.info(request, _("Only mails that were given up are."))
