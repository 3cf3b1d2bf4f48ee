"""The backups: which there are, and what became of each when it was restored in a drill."""

from typing import Any, ClassVar

from django.contrib import admin
from django.template.defaultfilters import filesizeformat
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from backoffice.admin.base.changelists import FastListAdmin, ReadOnlyAdmin
from backoffice.admin.base.filters import DayRangeFilter
from backoffice.formats.kept import told
from backoffice.live.chips import Tone, chip
from backoffice.models import Backup


class MadeFilter(DayRangeFilter):
    title = _("made")
    field = "made_at"


@admin.register(Backup)
class BackupAdmin(ReadOnlyAdmin, FastListAdmin):
    """A worker makes one each night and restores one each week (*Schedules*); `manage.py backup` at any time."""

    list_display = ["made_at", "state", "drill", "how_large", "rows", "files", "is_encrypted"]
    list_filter = [MadeFilter]
    sortable_by = []
    empty_text = _("No backup yet: the first is made tonight, or now by “Run now” in Schedules.")
    fields: ClassVar[list[Any]] = [
        "name", "folder", "made_at", "seconds", "state", "what_failed", "how_large", "rows", "files", "missing",
        "is_encrypted", "sha256", "drill", "what_was_found",
    ]  # fmt: skip
    readonly_fields = ["state", "what_failed", "how_large", "drill", "what_was_found"]

    @admin.display(description=_("state"))
    def state(self, backup: Backup) -> SafeString:
        return chip(_("failed"), Tone.BAD) if backup.error else chip(_("verified"), Tone.GOOD)

    @admin.display(description=_("error"))
    def what_failed(self, backup: Backup) -> str:
        return told(backup.error) or "–"

    @admin.display(description=_("size"))
    def how_large(self, backup: Backup) -> str:
        return filesizeformat(backup.size) if backup.size else "–"

    @admin.display(description=_("restored in a drill"))
    def drill(self, backup: Backup) -> SafeString | str:
        if not backup.drilled_at:
            return "–"
        if backup.findings:
            state = chip(_("differs"), Tone.BAD)
        elif backup.is_drilled_whole:
            state = chip(_("the same"), Tone.GOOD)
        else:
            state = chip(_("the file alone: no private key"), Tone.WAIT)
        return format_html("{} {}", state, date_format(localtime(backup.drilled_at), "DATETIME_FORMAT"))

    @admin.display(description=_("what the drill found"))
    def what_was_found(self, backup: Backup) -> SafeString | str:
        return format_html_join(SafeString("<br>"), "{}", ((told(one),) for one in backup.findings)) or "–"
