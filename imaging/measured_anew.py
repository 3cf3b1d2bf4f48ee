"""Films whose quality was measured by older rules: measured by those of today, from their originals, one by one.

Each film is written for itself, and marked with the rules it was measured by, so whoever is stopped goes on where they
were.
"""

import logging
from collections.abc import Iterator

from django.db import transaction
from django.utils.translation import gettext_noop

from backoffice.records.locks import lock_by_key
from imaging import derived, ingest
from imaging.ingest import Refused
from imaging.models import XRayImage
from imaging.quality import RULES

logger = logging.getLogger(__name__)

AT_ONCE = 50  # some ten seconds of work: then the worker does something else


def waiting() -> Iterator[XRayImage]:
    """Films that were measured by older rules, the newest first."""
    films = XRayImage.objects.filter(quality_rules__lt=RULES)
    return films.order_by("quality_rules", "-pk").iterator()


def measure_some() -> int:
    """Measure a few of them: what the worker does each minute until none is left. Returns how many were looked at."""
    keys = [film.pk for film, _place in zip(waiting(), range(AT_ONCE), strict=False)]
    for film in XRayImage.objects.filter(pk__in=keys).order_by("-pk"):
        measure(film)
    return len(keys)


def measure(film: XRayImage) -> bool:
    """Keep what makes the film doubtful by today's rules, with history where it is another than before; False where its
    file is gone or cannot be read any more."""
    try:
        issues = _measured(film)
    except ingest.Busy:
        return False  # it waits for the next minute
    except (OSError, Refused):
        logger.warning("the file of X-ray %d cannot be read, so its quality stays as it was measured", film.pk)
        XRayImage.objects.filter(pk=film.pk).update(quality_rules=RULES)
        return False
    with transaction.atomic():
        lock_by_key(XRayImage, [film.pk])
        film = XRayImage.objects.select_related("patient").get(pk=film.pk)
        before, film.quality_issues, film.quality_rules = film.quality_issues, issues, RULES
        film.renew_quality()
        if film.quality_issues == before:
            XRayImage.objects.filter(pk=film.pk).update(quality_rules=RULES)
        else:
            film._change_reason = gettext_noop("Quality measured by newer rules")
            film.save(update_fields=["quality_issues", "quality_rules", "updated_at"])
    return True


def _measured(film: XRayImage) -> list[str]:
    picture = derived.read_original(film)
    picture.close()
    return [str(issue) for issue in picture.quality_issues]
