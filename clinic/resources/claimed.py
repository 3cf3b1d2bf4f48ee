"""Columns for what was given with a booking and differs from the patient's file."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.exchange.cells import cell_for
from backoffice.exchange.columns import ExchangeField, Row
from backoffice.lazy import LazyText
from backoffice.records.relations import field_of
from clinic.models import Appointment, Patient


class ClaimedColumn(ExchangeField):
    """One of the things that were given, which is kept as text. An empty cell: it is as the file says."""

    model_fields = ("claimed",)

    def __init__(self, name: str, title: LazyText) -> None:
        self.of_patient: models.Field = field_of(Patient, name)
        super().__init__(
            "claimed",
            f"claimed_{name}",
            cell_for(self.of_patient),
            title=title,
            empty=None,
            help_text=_("Only where it differs from the patient's file."),
        )

    def clean(self, row: Row, **kwargs: Any) -> Any:
        value = super().clean(row, **kwargs)
        return None if value is None else self.of_patient.clean(value, None)

    def save(self, instance: Appointment, row: Row, is_m2m: bool = False, **kwargs: Any) -> None:
        value = self.clean(row, **kwargs)
        others = {name: said for name, said in instance.claimed.items() if name != self.of_patient.name}
        instance.claimed = others if value is None else others | {self.of_patient.name: str(value)}

    def export(self, instance: Appointment, **kwargs: Any) -> str:
        return "" if instance.patient.is_hidden else super().export(instance, **kwargs)

    def get_value(self, instance: Appointment) -> Any:
        said = instance.claimed.get(self.of_patient.name)
        return None if said is None else self.of_patient.to_python(said)


class HoldsClaims(ExchangeResource):
    """The base of tables whose rows keep what was given with a booking."""

    claimed_full_name = ClaimedColumn("full_name", _("full name as given with the booking"))
    claimed_date_of_birth = ClaimedColumn("date_of_birth", _("date of birth as given with the booking"))
    claimed_sex = ClaimedColumn("sex", _("sex as given with the booking"))
    claimed_phone = ClaimedColumn("phone", _("phone as given with the booking"))
    claimed_email = ClaimedColumn("email", _("email as given with the booking"))
