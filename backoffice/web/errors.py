"""The pages that say what went wrong: in the frame of the admin for those who work there, else in the public look.

Not Django's own views for them: those read the whole form first, wherever it was sent.
"""

import sys

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import csrf

from backoffice.files import room
from backoffice.records.locks import waited_in_vain


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not is_at_work(request):
        return no_such_page(request, at=request.path)
    why = _("The record may be gone, or the address is mistyped. The menu and each list's search show what is there.")
    return _in_the_frame(request, 404, _("There is no such page"), why)


def no_such_page(request: HttpRequest, at: str = "") -> HttpResponse:
    """As whoever does not work here is told. Where to go from there hangs on where they are."""
    return render(request, "404.html", {"at": at}, status=404)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not is_at_work(request):
        return render(request, "403.html", status=403)
    why = _("Your role does not open this page. An administrator gives roles; the menu shows what you may open.")
    return _in_the_frame(request, 403, _("This is not for your role"), why)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    why = _over_the_limit(exception)
    if not is_at_work(request):
        return render(request, "400.html", {"why": why}, status=400)
    if why:
        return _in_the_frame(request, 400, _("This is too much at once"), why)
    why = _("Nothing was changed. Go back, load the page anew and try once more.")
    return _in_the_frame(request, 400, _("This could not be understood"), why)


def _over_the_limit(exception: Exception) -> str:
    """Name the limit and what to do; "" where none was passed."""
    if isinstance(exception, TooManyFilesSent):
        message = _("Nothing was kept: at most %(limit)d files are taken at once. Send them in several goes.")
        return message % {"limit": settings.DATA_UPLOAD_MAX_NUMBER_FILES}
    if isinstance(exception, TooManyFieldsSent):
        message = _("Nothing was changed: at most %(limit)d values are taken at once. Do it in several goes.")
        return message % {"limit": settings.DATA_UPLOAD_MAX_NUMBER_FIELDS}
    if isinstance(exception, RequestDataTooBig):
        message = _("Nothing was changed: at most %(limit)s of text are taken at once. Shorten it.")
        return message % {"limit": filesizeformat(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)}
    return ""


def too_large(request: HttpRequest, most: int) -> HttpResponse:
    """To whoever does not work here, before any of it is read."""
    why = _("Nothing was kept: at most %(limit)s are taken here.") % {"limit": filesizeformat(most)}
    return render(request, "400.html", {"why": why}, status=413)


def form_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without the token that this site gave it: open for too long, or not from here."""
    if not is_at_work(request):
        return csrf.csrf_failure(request, reason)
    why = _("The page was open for too long. Nothing was changed. Go back, load the page anew, and send it once more.")
    return _in_the_frame(request, 403, _("Please go back and try again"), why)


def server_error(request: HttpRequest) -> HttpResponse:
    """Drawn with nothing that could be what is broken: no database, no session. The number is the one in the logs."""
    error = sys.exc_info()[1]
    is_busy, is_full = waited_in_vain(error), room.is_full(error)
    known = {"number": getattr(request, "id", ""), "clinic_name": settings.CLINIC_NAME, "path": request.path}
    page = render_to_string("500.html", {**known, "is_busy": is_busy, "is_full": is_full})
    return HttpResponse(page, status=503 if is_busy else 507 if is_full else 500)


def is_at_work(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    return request.path.startswith(reverse("admin:index")) and user is not None and admin.site.has_permission(request)


def _in_the_frame(request: HttpRequest, status: int, title: str, why: str) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": title, "why": why}
    return render(request, "admin/error.html", context, status=status)
