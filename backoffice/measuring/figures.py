"""Figures as they stand now: what waits and for how long, what failed. Apps add their own in a `metrics.py` of theirs:

@reading("mails")
def mails() -> Iterator[Figure]:
    yield Figure("mails_waiting", "Mails that are still to be sent.", Mail.objects.waiting().count())

Nothing of a person is in a figure, a name or a label.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from backoffice.discovery import Registry

logger = logging.getLogger(__name__)

PREFIX = "collimator"


@dataclass(frozen=True)
class Figure:
    """One number as it stands now: `name` in Prometheus's manner, its unit last. Several of one name have each other
    labels."""

    name: str
    what: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


Reading = Callable[[], Iterable[Figure]]

reading: Registry[Reading] = Registry("metrics")
"""Registers what gives figures at each scrape: a query or two, no more."""


def age(since: datetime | None) -> float:
    """Seconds until now; 0 where nothing waits."""
    return max(0.0, (timezone.now() - since).total_seconds()) if since else 0.0


class Figures(Collector):
    """All that apps say, asked anew at each scrape. What cannot be asked is said to have failed; the rest is told."""

    def collect(self) -> Iterator[Metric]:
        families: dict[str, GaugeMetricFamily] = {}
        failed = GaugeMetricFamily(f"{PREFIX}_readings_failed", "Readings that this scrape lacks.", labels=["reading"])
        for name, read in reading.all().items():
            try:
                for figure in list(read()):
                    full_name = f"{PREFIX}_{figure.name}"
                    family = families.setdefault(
                        full_name, GaugeMetricFamily(full_name, figure.what, labels=list(figure.labels))
                    )
                    family.add_metric(list(figure.labels.values()), figure.value)
            except Exception:
                logger.exception("the figures of %s cannot be read", name)
                failed.add_metric([name], 1)
        yield from [*families.values(), failed]
