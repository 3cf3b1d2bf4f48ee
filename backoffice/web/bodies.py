"""How much a request may bring, decided before any of it is read.

A stranger's form is small; a form of somebody who works here is as large as Django takes forms; files are for the pages
that take them, from whoever may send them there. The server hands over a small body whole (server.py) and leaves a
large one where it is, so that nothing of what is refused here reaches memory or disk.
"""

from collections.abc import Callable, Mapping, Sequence

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from backoffice.web.errors import too_large
from backoffice.web.sizes import SMALL


class BodyLimitMiddleware:
    """Comes before CSRF protection, which reads the form.

    Django reads no more of a body than its length says, and nothing of one that says none.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        args: Sequence[object],
        kwargs: Mapping[str, object],
    ) -> HttpResponse | None:
        length = declared_length(request)
        if length <= SMALL:
            return None
        if not admin.site.has_permission(request):
            return too_large(request, SMALL)
        may_send, most = sender_of_files(request)
        if may_send is None and length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig("more than a form")
        if may_send and not may_send(request):
            raise PermissionDenied
        if most is not None and length > most + settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return too_large(request, most)
        return None


def declared_length(request: HttpRequest) -> int:
    """What Django will read at most: it takes a length that is no number for none."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def sender_of_files(request: HttpRequest) -> tuple[Callable[[HttpRequest], bool] | None, int | None]:
    """What says who may send files to this page, as an admin's `takes_files` names it, and how many bytes of them, as
    its `largest_files` may say. None where it takes none."""
    match = request.resolver_match
    if match is None or match.namespace != admin.site.name:
        return None, None
    for model_admin in admin.site._registry.values():
        opts = model_admin.opts
        for page, permission in getattr(model_admin, "takes_files", {}).items():
            if match.url_name == f"{opts.app_label}_{opts.model_name}_{page}":
                return getattr(model_admin, permission), getattr(model_admin, "largest_files", {}).get(page)
    return None, None
