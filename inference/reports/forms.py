"""What is typed about a report: its text, and why a published one is amended or withdrawn."""

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from backoffice.admin.base.giving_back import initial_from
from backoffice.records.fields import LineField
from backoffice.records.forms import ClinicalForm
from inference.models import Prediction
from inference.models.reports import BECAUSE_LENGTH
from inference.reports import publishing


class ReportForm(ClinicalForm):
    """A new one is about a signed answer; without a text it begins with the template's."""

    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "body" in self.fields:
            self.fields["body"].widget = forms.Textarea(
                {"rows": 26, "cols": 80, "class": "vLargeTextField report-body"}
            )
            self.fields["body"].required = False
            self.fields["body"].help_text = _(
                "Left empty, it begins with the facts of the case, in the language above."
            )
        if "language" in self.fields and self.instance.pk is None:
            self.fields["language"].required = False
            self.fields["language"].choices = [("", _("The patient’s")), *settings.LANGUAGES]
            self.initial["language"] = ""

    def clean_prediction(self) -> Prediction:
        prediction: Prediction = self.cleaned_data["prediction"]
        if not prediction.is_gone and (why := publishing.why_no_report(prediction)):  # that it is gone is said anyway
            raise forms.ValidationError(why)
        return prediction


class BecauseForm(forms.Form):
    """Why a published report is withdrawn, or what its next version changes."""

    reason = LineField(max_length=BECAUSE_LENGTH)

    def __init__(self, label: str, help_text: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].label, self.fields["reason"].help_text = label, help_text


def asked(request: HttpRequest) -> dict[str, Any]:
    return {"data": request.POST} if request.method == "POST" else {"initial": initial_from(request)}
