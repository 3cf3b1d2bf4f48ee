"""What this app takes out when its time is over: found by `purge`."""

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_noop

from backoffice.jobs.registry import purge, take_out
from inference.figures.drift import reference_in_force
from inference.models import Embedding

A_YEAR = timedelta(days=365)


@purge(gettext_noop("how films looked that are compared with no others any more"))
def old_embeddings(*, dry_run: bool) -> int:
    """Of films older than a year, and than the reference period in force."""
    reference = reference_in_force()
    before = timezone.now() - A_YEAR
    if reference:
        before = min(before, reference.starts_at)
    return take_out(Embedding.objects.filter(prediction__created_at__lt=before), dry_run=dry_run)
