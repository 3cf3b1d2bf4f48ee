"""Whose film is this? What its file says beside what is on record, and three answers."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from backoffice.access.people import StaffRequest
from backoffice.admin import ClinicalAdmin
from backoffice.admin.base.giving_back import initial_from, seen_on
from backoffice.models import AccessEvent
from backoffice.records.fields import LineField
from backoffice.records.seen import SEEN
from backoffice.web.admin_urls import admin_url
from clinic.admin.identity_page import KnownPersonForm
from imaging import settling, twins, whose
from imaging.models import THEIRS_BECAUSE_LENGTH, XRayImage
from imaging.settling import SettleError

ANSWERS = ("theirs", "move", "hide")


class ReasonForm(forms.Form):
    """Why, which the film's history keeps."""

    reason = LineField(label=gettext_lazy("Reason"), max_length=THEIRS_BECAUSE_LENGTH)


class MoveForm(KnownPersonForm, ReasonForm):
    """Another patient, who has a record."""

    field_order = ["patient", "reason"]


class SettlesWhose(ClinicalAdmin):
    """Mixin of the X-ray's admin."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(never_cache(self.whose_view))
        return [path("<int:pk>/whose/", view, name="imaging_xrayimage_whose"), *super().get_urls()]

    def page_links(self, request: HttpRequest, obj: XRayImage) -> list[tuple[str, str]]:
        links = super().page_links(request, obj)
        if not self.has_change_permission(request, obj):
            return links
        return [*links, (_("Whose film is this?"), admin_url(obj, "whose", obj.pk))]

    def whose_view(self, request: StaffRequest, pk: int) -> HttpResponse:
        """POST `answer` is `theirs`, `move` (with the `patient`) or `hide`, each with its `reason`."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        xray = self.get_object(request, str(pk))
        if xray is None or xray.is_gone:
            raise Http404
        bound = self._forms(request)
        answer = request.POST.get("answer", "")
        if request.method == "POST" and answer in bound and bound[answer].is_valid():
            try:
                self._settle(request, xray, answer, bound[answer].cleaned_data)
            except SettleError as refusal:
                messages.error(request, str(refusal))
                xray = self.get_object(request, str(pk))
                if xray is None or xray.is_gone:
                    return redirect(admin_url(XRayImage, "changelist"))
            else:
                messages.success(request, _("It is settled whose film this is."))
                return redirect(admin_url(XRayImage, "change", pk))
        return self._whose_page(request, xray, bound)

    def _forms(self, request: HttpRequest) -> dict[str, forms.Form]:
        """Only the one whose button was pressed is bound."""
        typed = initial_from(request)
        kinds: dict[str, type[forms.Form]] = dict(zip(ANSWERS, (ReasonForm, MoveForm, ReasonForm), strict=True))
        sent = request.POST.get("answer")
        return {
            answer: kind(request.POST if sent == answer else None, initial=typed, auto_id=f"id_{answer}_%s")
            for answer, kind in kinds.items()
        }

    def _settle(self, request: StaffRequest, xray: XRayImage, answer: str, said: dict[str, Any]) -> None:
        """Raises SettleError."""
        decided: dict[str, Any] = {"by": request.user, "reason": said["reason"], "seen": request.POST.get(SEEN, "")}
        if answer == "theirs":
            settling.theirs_all_the_same(xray, **decided)
        elif answer == "move":
            settling.move(xray, said["patient"], **decided)
        else:
            settling.hide(xray, **decided)

    def _whose_page(self, request: StaffRequest, xray: XRayImage, bound: dict[str, forms.Form]) -> HttpResponse:
        AccessEvent.objects.record(request, AccessEvent.Action.VIEW, xray, xray.patient)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Whose film is this?"),
            "xray": xray,
            "rows": list(whose.side_by_side(xray.identity_conflict, xray.patient)),
            "twins": twins.of(xray, request.user),
            "undone": settling.what_a_move_undoes(xray),
            "seen": seen_on(request, settling.version_of(xray)),
            "forms": bound,
            "media": bound["move"].media,
        }
        return TemplateResponse(request, "imaging/whose.html", context)
