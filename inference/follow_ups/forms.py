"""What people fill in about a follow-up."""

import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.models import User
from backoffice.records.fields import DayField, LineField
from imaging.models import XRayImage
from inference.follow_ups.deciding import films_after
from inference.models import FollowUp, Report
from inference.models.follow_ups import people_who_follow_up

USUAL = datetime.timedelta(weeks=6)


def day_input() -> forms.DateInput:
    return forms.DateInput({"type": "date"}, "%Y-%m-%d")


def owners() -> Any:
    return forms.ModelChoiceField(
        people_who_follow_up().order_by("last_name", "first_name", "username"),
        label=_("Owner"),
        required=False,
        empty_label=_("nobody: the common list"),
    )


class AskForm(forms.Form):
    """Its names are its own on a page that has other forms."""

    prefix = "follow_up"

    kind = forms.ChoiceField(label=_("What is to be done"), choices=FollowUp.Kind.choices)
    what = LineField(label=_("In words"), max_length=200, required=False)
    due_on = DayField(label=_("Due on"), widget=day_input())
    owner = owners()

    def __init__(self, *args: Any, by: User, report: Report | None = None, **kwargs: Any) -> None:
        kwargs["initial"] = {"due_on": timezone.localdate() + USUAL, "owner": by.pk} | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        self.report = report


class WhyForm(forms.Form):
    reason = LineField(label=_("Why"), max_length=200)


class CloseForm(WhyForm):
    ending = forms.ChoiceField(
        label=_("How it ended"),
        choices=[
            (FollowUp.Ending.DONE, FollowUp.Ending.DONE.label),
            (FollowUp.Ending.NOT_NEEDED, FollowUp.Ending.NOT_NEEDED.label),
        ],
    )
    field_order = ["ending", "reason"]


class FilmForm(forms.Form):
    """`film` is one that came in since; that it is the one asked for, a person says."""

    film = forms.ModelChoiceField(XRayImage.objects.none(), label=_("Film"))
    reason = LineField(label=_("Note"), max_length=200, required=False)

    def __init__(self, *args: Any, follow_up: FollowUp, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["film"].queryset = films_after(follow_up)  # type: ignore[attr-defined]  # of a choice of rows


class PostponeForm(WhyForm):
    due_on = DayField(label=_("New day"), widget=day_input())
    field_order = ["due_on", "reason"]


class HandOverForm(forms.Form):
    owner = owners()
    reason = LineField(label=_("Note"), max_length=200, required=False)
