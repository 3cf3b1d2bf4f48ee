"""Films whose quality was measured by older rules: measured by those of today."""

from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from imaging import derived
from imaging.anew import Again
from imaging.models import XRayImage
from imaging.quality import RULES


def waiting() -> QuerySet[XRayImage]:
    """Films that were measured by older rules, the newest first."""
    return XRayImage.objects.filter(quality_rules__lt=RULES).order_by("quality_rules", "-pk")


def measured(film: XRayImage) -> list[str]:
    picture = derived.read_original(film)
    picture.close()
    return [str(issue) for issue in picture.quality_issues]


def keep(film: XRayImage, issues: list[str]) -> None:
    """What makes the film doubtful by today's rules, with history where it is another than before."""
    before, film.quality_issues, film.quality_rules = film.quality_issues, issues, RULES
    film.renew_quality()
    if film.quality_issues == before:
        XRayImage.objects.filter(pk=film.pk).update(quality_rules=RULES)
    else:
        film._change_reason = gettext_noop("Quality measured by newer rules")
        film.save(update_fields=["quality_issues", "quality_rules", "updated_at"])


MEASURED = Again(
    waiting,
    measured,
    keep,
    done={"quality_rules": RULES},
    unreadable="the file of X-ray %d cannot be read, so its quality stays as it was measured",
)


def measure_some() -> int:
    return MEASURED.some()
