"""How many places are left."""

from collections import Counter
from collections.abc import Iterator

from django.conf import settings
from django.utils import timezone

from backoffice.measuring.figures import Figure, reading
from clinic.hours.availability import offered_days


@reading("places")
def places() -> Iterator[Figure]:
    """Of each day that patients can book, today being 0. Days on which nothing is offered have none."""
    today = timezone.localdate()
    free = Counter[int]()
    for day in offered_days():
        free[(day.date - today).days] = sum(offer.session.places_left for offer in day.offers if offer.is_bookable)
    for ahead in range(settings.BOOKING_DAYS_AHEAD + 1):
        labels = {"days_ahead": str(ahead)}
        yield Figure("places_free", "Places that can still be booked, by days from today.", free[ahead], labels)
