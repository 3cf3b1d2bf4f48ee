"""What the X-rays showed over time, as a chart."""

import datetime
from collections import Counter

from django.db.models import Count
from django.db.models.functions import TruncWeek
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from backoffice.live.charts import Bar, Chart, Series
from inference.models import Diagnosis, Prediction

WEEKS = 12
TONES = {
    Diagnosis.NORMAL: "tone-rest",
    Diagnosis.LUNG_OPACITY: "tone-main",
    Diagnosis.VIRAL_PNEUMONIA: "tone-wait",
    Diagnosis.COVID: "tone-bad",
}


def diagnoses_per_week(today: datetime.date) -> Chart:
    """X-rays by the week in which the models were asked, as signed. What the models alone say is in no chart: a new bar
    would tell it to whoever has yet to read that film."""
    this_week = today - datetime.timedelta(days=today.weekday())
    weeks = [this_week - datetime.timedelta(weeks=n) for n in reversed(range(WEEKS))]
    counted = _count(weeks[0])
    return Chart(
        name="diagnoses",
        title=_("Diagnoses for each week"),
        summary=_("The last %(weeks)d weeks, as signed.") % {"weeks": WEEKS},
        first_column=_("week from"),
        series=[Series(diagnosis.label, tone) for diagnosis, tone in TONES.items()],
        bars=[
            Bar(
                label=date_format(week, "DAY_MONTH_FORMAT"),
                tick=date_format(week, "DAY_MONTH_FORMAT") if place % 3 == 2 else "",
                values=[counted[week, diagnosis] for diagnosis in TONES],
                is_now=week == this_week,
            )
            for place, week in enumerate(weeks)
        ],
    )


def _count(since: datetime.date) -> Counter:
    """X-rays for each (week, diagnosis). One that was asked about twice with the same answer counts once."""
    midnight = timezone.make_aware(datetime.datetime.combine(since, datetime.time.min))
    signed = Prediction.objects.visible().filter(created_at__gte=midnight, is_validated=True).standing()
    rows = (
        signed.exclude(final_diagnosis="")
        .annotate(week=TruncWeek("created_at"))
        .values_list("week", "final_diagnosis")
        .annotate(xrays=Count("xray", distinct=True))
        .order_by()
    )
    return Counter({(timezone.localdate(week), said): n for week, said, n in rows})
