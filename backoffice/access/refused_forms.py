"""A form without the token that this site gave it: open for too long, or not from here."""

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django_htmx.http import HttpResponseClientRedirect

from backoffice.access import kept_forms
from backoffice.access.session_expiry import page_shown
from backoffice.web import errors
from backoffice.web.requests import ours


def form_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Signing in, in another window, made the token of an open form stale: who was shown it gets it back unsaved."""
    whose = kept_forms.shown_to(request)
    if whose is not None and not errors.is_at_work(request):
        return redirect_to_login(request.get_full_path())  # where it is kept, as any form that leads there
    page = page_shown(ours(request))
    if whose is not None and whose == request.user.pk and kept_forms.keep(request, page):
        return HttpResponseClientRedirect(page) if ours(request).htmx else redirect(page)
    return errors.form_refused(request, reason)
