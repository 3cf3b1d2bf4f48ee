"""A clinician signs: agrees with the models, or corrects them."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from inference.models import Diagnosis, Prediction


class CannotSignError(Exception):
    """The message says why."""


@transaction.atomic
def sign(prediction: Prediction, *, by, diagnosis: Diagnosis, notes: str = "") -> None:
    """Make `diagnosis` the final one. Signing again replaces it; the history keeps both.

    Raises CannotSignError where there is no answer to sign yet.
    """
    prediction = Prediction.objects.select_for_update().get(pk=prediction.pk)
    if prediction.status != Prediction.Status.COMPLETED:
        raise CannotSignError(_("Only an answered second opinion can be signed."))
    if not diagnosis:
        raise CannotSignError(_("The models gave no diagnosis to agree with. Open it, and sign your own."))
    prediction.final_diagnosis = diagnosis
    prediction.review_notes = notes
    prediction.is_validated = True
    prediction.reviewed_by = by
    prediction.reviewed_at = timezone.now()
    prediction._history_user, prediction._change_reason = by, _("Signed")
    prediction.save()
