"""What becomes of bookings, in the log: by numbers alone, which tell of nobody."""

import logging
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, TypeVar

from django.db import transaction

from backoffice.models import User
from clinic.booking.errors import BookingError
from clinic.models import Appointment

logger = logging.getLogger(__name__)

Change = TypeVar("Change", bound=Callable[..., Any])


def told(what: str) -> Callable[[Change], Change]:
    """Has the log say that a booking was made, moved or cancelled, once that is committed; or that it was not."""

    def told_of(change: Change) -> Change:
        @wraps(change)
        def told_in_the_log(subject: Any, *args: Any, by: User | None, **kwargs: Any) -> Any:
            who = f"person {by.pk}" if by else "the patient"
            try:
                made = change(subject, *args, by=by, **kwargs)
            except BookingError as error:
                logger.info("a booking was not %s by %s: %s", what, who, type(error).__name__)
                raise
            booking: Appointment = made or subject
            transaction.on_commit(partial(logger.info, "booking %d was %s by %s", booking.pk, what, who))
            return made

        return told_in_the_log  # type: ignore[return-value]  # the same parameters and the same answer

    return told_of
