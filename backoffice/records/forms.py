from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from backoffice.formats.lists import told_of
from backoffice.records.mixins import Hideable
from backoffice.records.seen import last_to_change


class ClinicalForm(forms.ModelForm):
    """The form of a hideable record.

    A form leaves fields that it does not show out of validation, and with `hidden_at` every constraint that speaks of
    visible rows: they would come back as a database error instead of a sentence.
    """

    def _get_validation_exclusions(self):
        return super()._get_validation_exclusions() - {"hidden_at"}

    def clean(self):
        """Nothing is put with what is hidden: no page offers that, but a key that somebody sends may name it."""
        cleaned = super().clean()
        for name, chosen in list((self.cleaned_data if cleaned is None else cleaned).items()):
            rows = [chosen] if isinstance(chosen, Hideable) else chosen if isinstance(chosen, QuerySet) else []
            if name in self.changed_data and any(self.is_hidden(row) for row in rows if isinstance(row, Hideable)):
                self.add_error(name, _("This is hidden. Restore it first, or choose another one."))
        return cleaned

    def is_hidden(self, chosen: Hideable) -> bool:
        return chosen.is_gone


class RowForm(ClinicalForm):
    """One row of a table of inputs: each is named by its column and its row, for whoever hears the page.

    Each input carries what it showed. Of two who have one table open, the later overwrites nothing that the earlier one
    changed: what only the other changed stays, and where both did, the row comes back and says so.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs["aria-label"] = told_of(field.label, self.name_of_row())
            # A script that fills the table in may leave that out: then it is taken to have seen the row as it is now.
            field.disabled = field.disabled or self.instance.is_hidden  # it is restored before it is changed
            field.show_hidden_initial = bool(self.instance.pk) and (
                not self.is_bound or self.add_initial_prefix(name) in self.data
            )

    def name_of_row(self) -> str:
        return str(self.instance)

    def clean(self):
        cleaned = super().clean()
        cleaned = self.cleaned_data if cleaned is None else cleaned
        for name in [name for name, field in self.fields.items() if field.show_hidden_initial and name in cleaned]:
            shown, now = self._shown(name), self.get_initial_for_field(self.fields[name], name)
            if shown == now:
                continue
            if cleaned[name] == shown:
                cleaned[name] = now
            elif cleaned[name] != now:
                self._tell(name, now)
        return cleaned

    def _shown(self, name: str):
        field = self.fields[name]
        try:
            return field.to_python(self._widget_data_value(field.hidden_widget(), self.add_initial_prefix(name)))
        except forms.ValidationError:  # of no page of ours
            return self.get_initial_for_field(field, name)

    def _tell(self, name: str, now) -> None:
        told = {"who": last_to_change(type(self.instance), [self.instance.pk]), "value": now}
        self.add_error(name, _("%(who)s changed this to “%(value)s” meanwhile. Save again to have it your way.") % told)
        self.data = self.data.copy()
        self.data[self.add_initial_prefix(name)] = now  # what comes back shows it
