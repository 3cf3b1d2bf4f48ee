"""What is asked of this app's settings before anything runs."""

from collections.abc import Sequence

from django.apps import AppConfig
from django.conf import settings
from django.core import checks

from inference.models import Diagnosis


@checks.register
def urgent_findings_are_diagnoses(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[checks.CheckMessage]:
    unknown = [name for name in settings.URGENT_FINDINGS if name not in Diagnosis.values]
    hint = f"Write some of these, with commas between: {', '.join(Diagnosis.values)}. Nothing: no finding is urgent."
    return [
        checks.Error(f"URGENT_FINDINGS names {name!r}, which is no diagnosis.", hint=hint, id="collimator.E002")
        for name in unknown
    ]
