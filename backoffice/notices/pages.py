"""One's own notices: the bell in the top bar, their list, and how one wants to be told."""

from django import forms
from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from backoffice.access.people import StaffRequest
from backoffice.admin.base.giving_back import initial_from
from backoffice.live.unless_seen import unless_seen
from backoffice.models import Notice, NoticeWishes
from backoffice.notices import telling

SHOWN = 50
COUNTED = 99
"""Beyond that the bell says “99+”."""


def urls() -> list[URLPattern]:
    """Paths for the admin site. What the page asks for by itself lies under live/: see site.py."""
    return [
        path("live/bell/", admin.site.admin_view(bell), name="bell"),
        path("notices/", admin.site.admin_view(notices), name="notices"),
        path("notices/read/", admin.site.admin_view(read), name="notices_read"),
        path("notices/<int:pk>/open/", admin.site.admin_view(open_one), name="notice_open"),
        path("notices/wishes/", admin.site.admin_view(wishes), name="notice_wishes"),
    ]


def bell(request: StaffRequest) -> HttpResponse:
    """How much is unread; 204 where the page shows that already."""
    unread = telling.unread(request.user)
    count = f"{COUNTED}+" if len(unread) > COUNTED else str(len(unread))
    stamp = f"{count}{'!' if any(notice.is_urgent for notice in unread) else ''}"
    context = {"count": len(unread), "shown": count, "stamp": stamp, "is_urgent": stamp.endswith("!")}
    return unless_seen(request, stamp, lambda: render(request, "backoffice/bell.html", context))


def notices(request: StaffRequest) -> HttpResponse:
    """The newest first, whatever they say."""
    newest = list(Notice.objects.of(request.user)[: SHOWN * 2])
    context = {
        **admin.site.each_context(request),
        "title": _("Notices"),
        "told": telling.told(request.user, newest)[:SHOWN],
        "unread": len(telling.unread(request.user)),
    }
    return render(request, "backoffice/notices.html", context)


def read(request: StaffRequest) -> HttpResponse:
    """POST: mark all as read."""
    if request.method != "POST":
        return redirect("admin:notices")
    n = telling.mark_read(request.user)
    if n:
        messages.success(request, ngettext("%d notice is read.", "%d notices are read.", n) % n)
    return redirect("admin:notices")


def open_one(request: StaffRequest, pk: int) -> HttpResponse:
    """POST: mark it read, and lead on to what it is about; back to the list where that is gone."""
    if request.method != "POST":
        return redirect("admin:notices")
    theirs = list(Notice.objects.of(request.user).filter(pk=pk))
    shown = telling.told(request.user, theirs)
    if not shown:
        messages.info(request, _("This is over by now, or what it is about is hidden."))
        return redirect("admin:notices")
    telling.mark_read(request.user, [pk])
    return redirect(shown[0].link)


class WishesForm(forms.ModelForm):
    class Meta:
        model = NoticeWishes
        fields = ["by_mail", "quiet_from", "quiet_until"]
        widgets = {name: forms.TimeInput({"type": "time"}, "%H:%M") for name in ("quiet_from", "quiet_until")}
        help_texts = {
            "by_mail": gettext_lazy("A mail says that something waits, and nothing of what it is."),
            "quiet_until": gettext_lazy(
                "Between the two only urgent mails come; the others wait. Twice the same hour: never quiet."
            ),
        }


def wishes(request: StaffRequest) -> HttpResponse:
    own = NoticeWishes.objects.filter(person=request.user).first() or NoticeWishes(person=request.user)
    form = WishesForm(request.POST if request.method == "POST" else None, instance=own, initial=initial_from(request))
    if form.is_valid():
        form.save()
        messages.success(request, _("Saved: this is how you are told from now on."))
        return redirect("admin:notice_wishes")
    context = {
        **admin.site.each_context(request),
        "title": _("How you are told"),
        "form": form,
        "has_address": bool(request.user.email),
    }
    return render(request, "backoffice/notice_wishes.html", context)
