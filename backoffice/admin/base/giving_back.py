"""A form that came in when nobody was signed in any more is shown again as it was filled in.

It is given back to a GET, and the views see a GET: so none of them can take it for something to save.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import InlineModelAdmin
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _

from backoffice.access import kept_forms
from backoffice.formats.lists import in_turn, listed
from backoffice.records.seen import SEEN
from backoffice.web.requests import ours


def given_back(request: HttpRequest) -> QueryDict:
    """What this person had typed on this page before they had to sign in again; empty where nothing was. It says so."""
    if not hasattr(request, "given_back"):
        form = kept_forms.take(request) if request.method == "GET" else None
        ours(request).given_back = form.typed if form else QueryDict()
        if form:
            messages.warning(request, in_turn(_told(form)))
    return ours(request).given_back


def initial_from(request: HttpRequest) -> dict:
    """The same as the `initial` of a form that is shown unbound."""
    return given_back(request).dict()


def seen_on(request: HttpRequest, now: str | None) -> str:
    """What the page's `seen` says: a decision that is given back was made on what its page showed then."""
    return given_back(request).get(SEEN) or now or ""


def sent_on(request: HttpRequest) -> list[tuple[str, str]]:
    """What a page that asks before something is saved sends along, as it came."""
    own = ("csrfmiddlewaretoken", kept_forms.MARK)
    return [(name, str(value)) for name, values in request.POST.lists() if name not in own for value in values]


def _told(form: kept_forms.KeptForm) -> list[str]:
    told = [_("You were signed out before this was saved. Here it is as you had filled it in; nothing is saved yet.")]
    if form.files:
        told.append(_("Choose the files again: %(names)s.") % {"names": listed(form.files)})
    if form.had_password:
        told.append(_("Type the password again."))
    return told


class GivesFormsBack(admin.ModelAdmin):
    """Mixin of an admin whose forms and lists, and whose actions that ask first, come back after signing in again."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        ours(request).is_form_page = True
        return super().changeform_view(request, object_id, form_url, extra_context)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        typed = given_back(request)
        if kept_forms.ASKED in typed:
            # Without what its button says, the action only asks; and then it finds what was typed in `given_back`.
            del typed[kept_forms.ASKED]
            request.method = "POST"
            request.POST = typed  # type: ignore[assignment]  # the stubs know only one that cannot be changed
        return super().changelist_view(request, extra_context)

    def get_changelist_formset(self, request: HttpRequest, **kwargs: Any) -> type[forms.BaseModelFormSet]:
        """The rows of a list that is edited in place, as they were typed."""
        formset = super().get_changelist_formset(request, **kwargs)
        typed = given_back(request)
        return type(formset.__name__, (_RowsAsTyped, formset), {"typed": typed}) if "_save" in typed else formset

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        form = super().get_form(request, obj, change=change, **kwargs)
        if not (typed := self._given_back(request)):
            return form
        return type(form.__name__, (_AsTyped, form), {"typed": typed})

    def get_formset_kwargs(
        self, request: HttpRequest, obj: Any, inline: InlineModelAdmin, prefix: str
    ) -> dict[str, Any]:
        kwargs = super().get_formset_kwargs(request, obj, inline, prefix)
        typed = self._given_back(request)
        return {**kwargs, "data": typed} if typed else kwargs

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        context["gives_back"] = True
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _given_back(self, request: HttpRequest) -> QueryDict | None:
        return given_back(request) if getattr(request, "is_form_page", False) else None


class _AsTyped:
    """Mixin of a form that is bound to what was typed, though nobody sends it now."""

    typed: QueryDict

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "data": self.typed})


class _RowsAsTyped(_AsTyped, forms.BaseModelFormSet):
    """The same of a table of forms."""

    @property
    def errors(self) -> list[Any]:
        """None, rather than an empty one for each row: the list's template would speak of errors."""
        errors = super().errors
        return errors if any(errors) else []
