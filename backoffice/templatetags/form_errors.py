"""All that is wrong with the forms of a page, in one place above them."""

from collections.abc import Iterable, Iterator

from django import template
from django.contrib.admin.helpers import InlineAdminFormSet
from django.forms import BaseForm

register = template.Library()


@register.inclusion_tag("admin/includes/error_summary.html")
def error_summary(form: BaseForm, inline_formsets: Iterable[InlineAdminFormSet] = ()) -> dict:
    """`form` and the admin's inlines, as they stand on the page."""
    wrong = list(_errors_of(form))
    for inline in inline_formsets:
        wrong += [{"why": why} for why in inline.formset.non_form_errors()]
        for row in inline.formset.forms:
            wrong += _errors_of(row)
    return {"wrong": wrong}


def _errors_of(form: BaseForm) -> Iterator[dict]:
    for name, messages in form.errors.items():
        field = form[name] if name in form.fields else None
        title = field and (field.field.widget.attrs.get("aria-label") or field.label)
        for why in messages:
            yield {"field": field and (field.id_for_label or field.auto_id), "title": title, "why": why}
