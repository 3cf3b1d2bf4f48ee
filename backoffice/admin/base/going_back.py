"""Going back to a version is filling in the record's form anew.

So every rule of the form holds, and what the form does not show (a status, a count, a signature) stays as it is.
"""

from typing import Any

from django import forms

from backoffice.records.diffs import Fact


def filled_in(form: forms.ModelForm) -> dict:
    """What somebody would send who left the form just as it is shown."""
    sent: dict[str, Any] = {}
    for bound in form:
        widget, value = bound.field.widget, bound.value()
        if isinstance(widget, forms.MultiWidget):
            parts = widget.decompress(bound.initial) or ()
            names = widget.widgets_names  # type: ignore[attr-defined]  # not in the stubs
            sent |= {bound.html_name + suffix: part for suffix, part in zip(names, parts, strict=True)}
        else:
            sent[bound.html_name] = value
    return sent


def stays(form: forms.ModelForm, facts: list[Fact]) -> list[str]:
    """The titles of what differs, and does not come back: it is changed elsewhere, by what people do."""
    model_fields = {
        field.name: field for field in (*form._meta.model._meta.fields, *form._meta.model._meta.many_to_many)
    }
    shown = {model_fields[name].verbose_name.lower() for name in form.fields if name in model_fields}
    return [fact.title for fact in facts if fact.differs and fact.title.lower() not in shown]
