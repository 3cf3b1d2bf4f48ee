"""Jobs that are rows. Any number of workers may take them at once, and any worker may die in the middle.

A worker claims rows by a conditional UPDATE that writes a token and a lease. It renews the lease as it goes, and writes
the end only where the token is still its own: whoever else woke up meanwhile, a job ends once. A row whose worker died
is free again when its lease has lapsed. It is then taken alone, so that whatever brought the worker down takes no
neighbours along; and after MAX_ATTEMPTS it is hopeless, and is no longer taken.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.traced import ID_LENGTH, this_request

TOKEN_BYTES = 16


class LeasedJobQuerySet(models.QuerySet):
    """What waits is the model's own question; which of that a worker may take, and its end, are asked here."""

    model: type[Any]

    def free(self, now: datetime | None = None) -> Self:
        """Nobody has it: never claimed, or its pause is over, or its worker's lease has lapsed."""
        return self.filter(Q(lease_until=None) | Q(lease_until__lte=now or timezone.now()))

    def hopeless(self) -> Self:
        """Free, and tried so often that another attempt would end as the last ones did."""
        return self.free().filter(attempts__gte=self.model.MAX_ATTEMPTS)

    @transaction.atomic
    def claim(self, most: int = 1, *, lease: timedelta, skip_locked: bool = True, **values: object) -> list:
        """Take the first `most` that are free, under a new lease, and write `values` to them.

        One that was tried before is taken alone. Rows that another worker is claiming at this moment are passed by;
        with `skip_locked=False` they are waited for, by who wants these rows and no others.
        """
        now = timezone.now()
        free = self.free(now).filter(attempts__lt=self.model.MAX_ATTEMPTS)
        locked = free.select_for_update(of=("self",), skip_locked=skip_locked, no_key=True)
        found = list(locked.values_list("pk", "attempts")[:most])
        tried_before = [pk for pk, attempts in found if attempts]
        token = secrets.token_hex(TOKEN_BYTES)
        # On SQLite nothing is locked until here: the UPDATE asks again whether each is still free.
        free.filter(pk__in=tried_before[:1] or [pk for pk, _attempts in found]).update(
            lease_token=token, lease_until=now + lease, attempts=F("attempts") + 1, **values
        )
        return list(self.model._base_manager.filter(lease_token=token).order_by("pk"))

    def held(self, jobs: "Iterable[LeasedJob]") -> Self:
        """Those of the jobs that are still as their worker claimed them."""
        jobs = [job for job in jobs if job.lease_token]
        return self.filter(pk__in=[job.pk for job in jobs], lease_token__in={job.lease_token for job in jobs})


class LeasedJob(models.Model):
    """A row that some worker is to do once."""

    MAX_ATTEMPTS = 3

    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0, editable=False)
    lease_token = models.CharField(max_length=2 * TOKEN_BYTES, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    request_id = models.CharField(
        max_length=ID_LENGTH, blank=True, default=this_request, db_default="", editable=False
    )  # the database's own default, too: a version from before this column may run beside this one

    objects: ClassVar[Any]
    """Each kind of job has its own, of a LeasedJobQuerySet."""

    class Meta:
        abstract = True

    def held(self) -> models.QuerySet:
        """This row, where it is still as its worker claimed it."""
        return type(self).objects.held([self])

    def renew(self, lease: timedelta) -> bool:
        """Go on holding it. False where somebody else has it by now."""
        return bool(self.held().update(lease_until=timezone.now() + lease))

    def finish(self, **values: object) -> bool:
        """Write its end. False where somebody else has it by now: then nothing is written."""
        return bool(self.held().update(lease_token="", lease_until=None, **values))

    def put_back(self, after: timedelta, **values: object) -> bool:
        """Let it be tried again, once a while has passed. False where somebody else has it by now."""
        return bool(self.held().update(lease_token="", lease_until=timezone.now() + after, **values))
