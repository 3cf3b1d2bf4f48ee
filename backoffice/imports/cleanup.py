"""What imports leave behind goes in time: files that nobody confirmed, and the people's data in what errors quoted."""

import datetime

from django.utils import timezone

from backoffice.imports.runs import remove_files
from backoffice.imports.uploads import cancel
from backoffice.models import TableImport
from backoffice.models.imports import TableImportQuerySet

CONFIRM_WITHIN = datetime.timedelta(days=1)
DETAILS_KEPT = datetime.timedelta(days=7)


def abandoned() -> TableImportQuerySet:
    """Files that were checked, and then nobody said yes or no."""
    return TableImport.objects.unconfirmed().filter(uploaded_at__lt=timezone.now() - CONFIRM_WITHIN)


def over() -> TableImportQuerySet:
    return TableImport.objects.filter(finished_at__isnull=False)


def with_old_details() -> TableImportQuerySet:
    return over().filter(details__isnull=False, finished_at__lt=timezone.now() - DETAILS_KEPT)


def clean_up() -> None:
    """Every day: drop what was abandoned; of what is long over keep who, when and how many, and forget which rows."""
    for row in abandoned():
        cancel(row)
    # A process that died between the end of an import and the removal of its file.
    for row in over().exclude(file=""):
        remove_files(row)
    with_old_details().update(details=None)
