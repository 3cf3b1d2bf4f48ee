"""The mails that went out, or wait."""

from django.contrib import admin

from backoffice.admin.lists import ReadOnlyAdmin
from backoffice.models import Notice


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """What was sent, what waits, and why: nobody writes or changes a mail here."""

    list_display = ["subject", "to", "written_at", "sent_at", "attempts", "error"]
    list_filter = [("sent_at", admin.EmptyFieldListFilter), "written_at"]
    search_fields = ["to"]
