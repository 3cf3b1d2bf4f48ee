"""Which failed sign-ins become a row to read.

A name that is tried from one address is locked after a few failures, and then nothing more is written. Whoever takes
another name or address each time could go on for as long as they like: so there are bounds, and they are wide for the
names of those who work here, whom the trail is about, and narrow for names that nobody has.
"""

from datetime import datetime, timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from django.utils import timezone

from backoffice.models import FailedSignIn, User

AN_HOUR = timedelta(hours=1)
# Rows an hour. Two who fail at the same moment may both be the last.
OF_A_PERSON = 200  # from all addresses; one of them is locked out for the most part of the hour
OF_AN_ADDRESS = 60  # of names that nobody has
OF_ALL = 600  # the same, from wherever they come


class BoundedHandler(AxesDatabaseHandler):
    """Counts as django-axes does, and writes the rows itself: axes keeps a name's last thousand, and a flood would push
    out who came before it."""

    def user_login_failed(self, sender: object, credentials: dict, request: Any = None, **kwargs: Any) -> None:
        was_locked_out = request is None or request.axes_locked_out
        super().user_login_failed(sender, credentials, request, **kwargs)
        if was_locked_out:
            return
        name = get_client_username(request, credentials)
        if is_worth_a_row(name, request.axes_ip_address):
            FailedSignIn.objects.create(
                username=name,
                ip_address=request.axes_ip_address,
                user_agent=request.axes_user_agent,
                http_accept=request.axes_http_accept,
                path_info=request.axes_path_info,
                locked_out=request.axes_locked_out,
            )


def is_worth_a_row(name: str | None, address: str | None) -> bool:
    lately = timezone.now() - AN_HOUR
    rows = FailedSignIn.objects.filter(attempt_time__gt=lately)
    if User.objects.filter(username=name).exists():
        return rows.filter(username=name).count() < OF_A_PERSON
    return rows.filter(ip_address=address).count() < OF_AN_ADDRESS and not _is_flooded(lately)


def _is_flooded(lately: datetime) -> bool:
    """By their order, which has an index; their times have none."""
    times = FailedSignIn.objects.order_by("-pk").values_list("attempt_time", flat=True)
    return any(at > lately for at in times[OF_ALL - 1 : OF_ALL])
