"""Two records of one person: side by side, what differs to be chosen, and merged; or taken apart again."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from backoffice.access.people import StaffRequest
from backoffice.admin import ClinicalAdmin
from backoffice.admin.base.giving_back import given_back, initial_from, seen_on
from backoffice.models import AccessEvent
from backoffice.readers import Reader
from backoffice.records.diffs import Words
from backoffice.records.fields import LineField
from backoffice.records.mixins import REASON_LENGTH, HideableQuerySet
from backoffice.records.numbers import number_in
from backoffice.records.relations import field_of, may_view
from backoffice.records.seen import SEEN
from backoffice.web.admin_urls import admin_url
from clinic.models import Appointment, Patient, PatientMerge
from clinic.patients import merging

NAMED = 20


class OtherForm(forms.Form):
    """Which record is merged with the one at hand."""

    fields: dict[str, Any]

    second = forms.ModelChoiceField(Patient.objects.none(), label=gettext_lazy("The other record"))

    def __init__(self, *args: Any, first: Patient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["second"].widget = AutocompleteSelect(Appointment._meta.get_field("patient"), admin.site)
        self.fields["second"].queryset = Patient.objects.visible().exclude(pk=first.pk)


class MergeForm(forms.Form):
    reason = LineField(
        label=gettext_lazy("Reason"),
        max_length=REASON_LENGTH - 20,
        help_text=gettext_lazy("Such as “same person, seen on the card”."),
    )


class MergesPatients(ClinicalAdmin):
    """Mixin of the patients' admin."""

    actions = ["merge"]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("merge/", view(never_cache(self.merge_view)), name="clinic_patient_merge"),
            path("merge/<int:pk>/undo/", view(require_POST(self.undo_merge_view)), name="clinic_patient_undo_merge"),
            *super().get_urls(),
        ]

    def has_merge_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("clinic.merge_patient") and self.has_change_permission(request)

    @admin.action(description=gettext_lazy("Merge two records of one person"), permissions=["merge"])
    def merge(self, request: HttpRequest, queryset: HideableQuerySet) -> HttpResponse | None:
        keys = list(queryset.visible().values_list("pk", flat=True)[:3])
        if len(keys) != 2:
            self.message_user(request, _("Choose exactly two visible records to merge."), messages.WARNING)
            return None
        return redirect(merge_url(*sorted(keys)))

    # -- On the record's page -----------------------------------------------------------------------------------------

    def also_history_of(self, obj: Patient) -> list[int]:
        return [*super().also_history_of(obj), *merging.merged_into_it(obj)]

    def page_links(self, request: HttpRequest, obj: Patient) -> list[tuple[str, str]]:
        links = super().page_links(request, obj)
        if obj.is_hidden or not self.has_merge_permission(request):
            return links
        return [*links, (_("Merge with another…"), merge_url(obj.pk))]

    def why_not_restore(self, request: HttpRequest, queryset: HideableQuerySet) -> list[str]:
        merged = PatientMerge.objects.standing().filter(merged__in=queryset.hidden().order_by().values("pk"))
        return [
            *super().why_not_restore(request, queryset),
            *(
                _("%(name)s was merged into another record: undo the merge on its page instead.") % {"name": one.merged}
                for one in merged.select_related("merged")[:NAMED]
            ),
        ]

    def notices(self, request: HttpRequest, obj: Patient) -> list[str | SafeString]:
        notices = super().notices(request, obj)
        merges = PatientMerge.objects.standing().filter(Q(merged=obj) | Q(kept=obj))
        if not merges.exists():  # of nearly every record, and asked for with each: not with all of both records
            return notices
        context = {"may_undo": self.has_merge_permission(request)}
        return notices + [
            render_to_string(
                "clinic/merge_notice.html", {**context, "merge": merge, "is_kept": merge.kept_id == obj.pk}, request
            )
            for merge in merges.select_related("kept", "merged", "by")[:NAMED]
        ]

    # -- The pages ----------------------------------------------------------------------------------------------------

    def merge_view(self, request: StaffRequest) -> HttpResponse:
        """`first` and `second` are keys. Without the second it is asked for; with both they stand side by side."""
        if not self.has_merge_permission(request):
            raise PermissionDenied
        sent = request.POST if request.method == "POST" else request.GET
        if request.method == "POST" and (done := self._merged_already(sent.get("first"), sent.get("second"))):
            told = {"who": done.by or _("Somebody"), "name": done.kept}
            messages.error(request, _("%(who)s has merged this into the record of %(name)s already.") % told)
            return redirect("admin:clinic_patient_change", done.kept_id)
        if hidden := self.says_what_was_hidden(request, sent.get("first"), sent.get("second")):
            return hidden
        first = self._patient(sent.get("first"))
        if first is None:
            raise Http404
        second = self._patient(sent.get("second"))
        if second is None or second == first:
            return self._ask_for_the_other(request, first)
        form = MergeForm(request.POST or None, initial=initial_from(request))
        wanted = request.method == "POST" and form.is_valid()
        if wanted and (done := self._merge(request, first, second, form.cleaned_data["reason"])):
            return redirect("admin:clinic_patient_change", done.kept_id)
        return self._side_by_side(request, first, second, form)

    def _patient(self, key: str | None) -> Patient | None:
        number = number_in(key)
        return None if number is None else Patient.objects.visible().filter(pk=number).first()

    def _merged_already(self, *keys: str | None) -> PatientMerge | None:
        merges = PatientMerge.objects.standing().filter(merged__in=[number_in(key) for key in keys if number_in(key)])
        return merges.select_related("kept", "by").order_by("-pk").first()

    def _merge(self, request: StaffRequest, first: Patient, second: Patient, reason: str) -> PatientMerge | None:
        keep, other = (second, first) if request.POST.get("keep") == str(second.pk) else (first, second)
        choices = [name for name in merging.FIELDS if request.POST.get(f"field_{name}") == str(other.pk)]
        try:
            done = merging.merge(
                keep, other, choices=choices, by=request.user, reason=reason, seen=request.POST.get(SEEN, "")
            )
        except merging.MergeError as refusal:
            messages.error(request, str(refusal))
            for patient in (first, second):
                patient.refresh_from_db()
            return None
        messages.success(request, _("The two records are one now. The other one is hidden, and leads here."))
        return done

    def _ask_for_the_other(self, request: HttpRequest, first: Patient) -> HttpResponse:
        form = OtherForm(first=first)
        return self._page(request, "clinic/admin_merge_choose.html", first, {"form": form, "media": form.media})

    def _side_by_side(self, request: HttpRequest, first: Patient, second: Patient, form: MergeForm) -> HttpResponse:
        AccessEvent.objects.record(request, AccessEvent.Action.VIEW, first, second)
        chosen = request.POST or given_back(request)
        keep = chosen.get("keep", str(first.pk))
        context = {
            "second": second,
            "form": form,
            "keep": keep,
            "seen": seen_on(request, merging.version_of(first, second)),
            "rows": field_rows(self._words(request), first, second, chosen),
            "belongings": [told_belongings(request.user, first), told_belongings(request.user, second)],
            "copies": [copy for copy, _stays in merging.copies(first, second) if may_view(request.user, type(copy))][
                :NAMED
            ],
        }
        return self._page(request, "clinic/admin_merge.html", first, context)

    def _page(self, request: HttpRequest, template: str, first: Patient, context: dict) -> HttpResponse:
        site = self.admin_site.each_context(request)
        shared = {"opts": self.opts, "first": first, "media": self.media, "title": _("Two records of one person")}
        return TemplateResponse(request, template, {**site, **shared, **context})

    def undo_merge_view(self, request: StaffRequest, pk: int) -> HttpResponse:
        if not self.has_merge_permission(request):
            raise PermissionDenied
        done = PatientMerge.objects.select_related("kept", "merged").filter(pk=pk).first()
        if done is None:
            raise Http404
        try:
            left = merging.undo(done, by=request.user)
        except merging.MergeError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("The merge is undone: they are two records again."))
            for sentence in left:
                messages.warning(request, sentence)
        return redirect("admin:clinic_patient_change", done.merged_id)


def merge_url(first: int, second: int | None = None) -> str:
    both = f"?first={first}" + (f"&second={second}" if second else "")
    return admin_url(Patient, "merge") + both


def told_belongings(user: Reader, patient: Patient) -> list[tuple[int, str]]:
    """(how many, of what) of all that this person may see."""
    return [
        (n, str(model._meta.verbose_name if n == 1 else model._meta.verbose_name_plural))
        for model, n in merging.belongings(patient).items()
        if may_view(user, model)
    ]


def field_rows(words: Words, first: Patient, second: Patient, sent: QueryDict) -> list[dict]:
    """Each field with both values in words; where they differ, which one is taken unless somebody chooses."""
    rows = []
    for name in merging.FIELDS:
        field = field_of(Patient, name)
        one, two = getattr(first, name), getattr(second, name)
        preferred = first if one or not two else second
        rows.append(
            {
                "name": f"field_{name}",
                "title": capfirst(str(field.verbose_name)),
                "one": words.say(field, one),
                "two": words.say(field, two),
                "differs": one != two,
                "chosen": sent.get(f"field_{name}", str(preferred.pk)),
            }
        )
    return rows
