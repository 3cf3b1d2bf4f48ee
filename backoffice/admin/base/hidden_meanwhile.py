"""A form comes in for a record that somebody hid while it was open: it says so, and gives back what was typed."""

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Field, Model
from django.forms import Field as FormField
from django.forms import HiddenInput
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from backoffice.admin.base.giving_back import given_back
from backoffice.admin.base.hiding import HideableAdmin
from backoffice.formats.lists import listed
from backoffice.lazy import LazyText
from backoffice.readers import Reader
from backoffice.records.names import name_for
from backoffice.records.numbers import number_in
from backoffice.records.relations import may_view

CONFLICT = 409


class SaysWhatWasHidden(HideableAdmin):
    """Mixin of the admin of a hideable record."""

    masked_fields: Collection[str] = ()

    @property
    def urls(self) -> list[Any]:
        """Each of the record's pages says so, whichever it is that refuses the record as it is now."""
        urls = super().urls
        for pattern in urls:
            pattern.callback = self._or_says_so(pattern.callback)
        return urls

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if object_id and given_back(request) and (page := self.says_what_was_hidden(request, object_id)):
            return page
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _or_says_so(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                return view(request, *args, **kwargs)
            except (PermissionDenied, Http404):
                key = kwargs.get("object_id", kwargs.get("pk")) or next(iter(args), None)
                instead = self.says_what_was_hidden(request, key)
                if instead is None:
                    raise
                return instead

        return page

    def says_what_was_hidden(self, request: HttpRequest, *keys: str | int | None) -> TemplateResponse | None:
        """The page that says so; None where nobody has typed anything, or none of these is hidden."""
        if (request.method != "POST" and not given_back(request)) or not self.has_hide_permission(request):
            return None
        records = (self._hidden(key) for key in keys)
        return next((self._hidden_page(request, record) for record in records if record is not None), None)

    def _hidden(self, key: str | int | None) -> Model | None:
        found = self.model._base_manager.filter(pk=number_in(str(key))).first()
        return found if found is not None and found.is_gone else None

    def _hidden_page(self, request: HttpRequest, record: Model) -> TemplateResponse:
        may_restore = self.get_queryset(request).filter(pk=record.pk).exists()
        context = {
            **self.admin_site.each_context(request),
            "title": _("This record was hidden while you had it open"),
            "opts": self.opts,
            "record": record if may_restore else None,
            "typed": self._typed(request),
        }
        return TemplateResponse(request, "admin/hidden_meanwhile.html", context, status=CONFLICT)

    def _typed(self, request: HttpRequest) -> list[tuple[LazyText, str]]:
        """(field, text) of what the form brought, to be copied from here: the record itself takes nothing now."""
        columns = [*self.opts.concrete_fields, *self.opts.many_to_many]
        fields = {field.name: field for field in columns if field.editable}
        titles = {name: capfirst(field.verbose_name) for name, field in fields.items()} | {"reason": _("Reason")}
        # What a form shows of several columns, such as hours, is no column.
        titles |= {name: capfirst(field.label or "") for name, field in self._shown() if name not in fields}
        sent = request.POST or given_back(request)
        return [
            (title, listed(_in_words(fields.get(name), one, request.user) for one in sent.getlist(name)))
            for name, title in titles.items()
            if name not in self.masked_fields and sent.get(name)
        ]

    def _shown(self) -> list[tuple[str, FormField]]:
        return [
            (name, field) for name, field in self.form.base_fields.items() if not isinstance(field.widget, HiddenInput)
        ]


def _in_words(field: Field | None, sent: str, user: Reader) -> str:
    """What was typed; of what was chosen, the words that the form showed."""
    choices = {str(value): str(label) for value, label in (field.flatchoices if field else [])}
    if field is not None and field.is_relation:
        related: Any = field.related_model
        chosen = related._base_manager.filter(pk=number_in(sent)).first() if may_view(user, related) else None
        return name_for(chosen, user) if chosen else sent
    return choices.get(sent, sent)
