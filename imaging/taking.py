"""Films that a page sends one by one, and is told of one by one: so any number can come in, and each has its own end.

The answer to a POST, where the form as a whole is right, says what became of each file:

    {"files": [{"name": "film.dcm", "outcome": "kept", "told": ["…"],
                "film": {"name": "…", "address": "…", "thumbnail": "…"}}]}

`outcome` is one of `storing.Outcome`, `told` holds sentences for people, and `film` is null where there is none. Of the
outcome "asks", where a person has to say something first, the answer has {"asks": {"name": "…", "question": "…"}}, and
the file comes again with what was typed, under that name. Where nothing was taken because of what was sent with the
files, the status is 422: {"problems": ["…"]}.
"""

import logging
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.middleware.csrf import get_token
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from backoffice.formats.lists import told_of
from backoffice.models import User
from backoffice.models.users import person_of
from backoffice.web.admin_urls import admin_url
from imaging.forms import UploadForm
from imaging.models import XRayImage
from imaging.storing import Receipt, receive

logger = logging.getLogger(__name__)

UNPROCESSABLE = 422


class TakesFilesOneByOne(admin.ModelAdmin):
    """Mixin of the X-ray's admin."""

    def get_urls(self) -> list[URLPattern]:
        take = self.admin_site.admin_view(self.take_view)
        return [path("take/", take, name="imaging_xrayimage_take"), *super().get_urls()]

    def take_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method == "GET":  # whether this person may send, still, and what makes a form ours by now
            return JsonResponse({"token": get_token(request)})
        if request.method != "POST":
            return HttpResponseNotAllowed(["GET", "POST"])
        if request.POST.get("by", str(request.user.pk)) != str(request.user.pk):
            told = _("This page was shown to somebody else, and %(person)s is signed in now. Load it anew.")
            return _refused([told % {"person": request.user}])
        form = UploadForm(request.POST, request.FILES)
        if not form.is_valid():
            return _refused(_problems(form))
        return JsonResponse({"files": [_answer(receipt) for receipt in take_in(form, by=person_of(request))]})


def take_in(form: UploadForm, *, by: User | None) -> Iterator[Receipt]:
    """Take in the files of a form that is valid, each for itself: a bad one keeps no good one out."""
    details = dict(form.cleaned_data)
    patient, files = details.pop("patient"), details.pop("files")
    for file in files:
        receipt = receive(file, patient, by=by, **details)
        film = receipt.xray.pk if receipt.xray else "-"
        logger.info("a film was %s: X-ray %s, sent by person %s", receipt.outcome, film, by.pk if by else "-")
        yield receipt


def _refused(problems: list[str]) -> JsonResponse:
    return JsonResponse({"problems": problems}, status=UNPROCESSABLE)


def _problems(form: UploadForm) -> list[str]:
    of_fields = [(form.fields[name].label, errors) for name, errors in form.errors.items() if name in form.fields]
    return [told_of(label, error) for label, errors in of_fields for error in errors] + [*form.non_field_errors()]


def _answer(receipt: Receipt) -> dict[str, Any]:
    answer = {
        "name": receipt.name,
        "outcome": receipt.outcome,
        "told": [receipt.refusal] if receipt.refusal else list(receipt.warnings),
        "film": _film(receipt.xray) if receipt.xray else None,
    }
    if receipt.contradictions:
        question = {"name": "confirmed_because", "question": _("Why is it this patient’s all the same?")}
        return answer | {"told": list(receipt.contradictions), "asks": question}
    return answer


def _film(xray: XRayImage) -> dict[str, str]:
    return {
        "name": str(xray),
        "address": admin_url(xray, "change", xray.pk),
        "thumbnail": admin_url(xray, "thumbnail", xray.pk),
    }
