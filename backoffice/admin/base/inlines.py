"""Rows of another table on a record's page: the first of them, however many there are."""

from django.db.models import QuerySet
from django.forms import BaseInlineFormSet

SHOWN = 50


class FirstRows(BaseInlineFormSet):
    """Reads and shows the first SHOWN rows, for inlines that are only looked at. `are_more` tells the template to lead
    to the list of all."""

    def get_queryset(self) -> QuerySet:
        if not hasattr(self, "_queryset"):
            rows = super().get_queryset()
            # What a browser sends back may have been pushed from the first rows meanwhile.
            self._queryset = rows if self.is_bound else rows[: SHOWN + 1]
        return self._queryset

    def initial_form_count(self) -> int:
        return super().initial_form_count() if self.is_bound else min(super().initial_form_count(), SHOWN)

    @property
    def are_more(self) -> bool:
        return len(self.get_queryset()) > SHOWN
