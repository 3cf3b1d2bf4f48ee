"""What runs by the clock."""

from datetime import time

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from backoffice.jobs.schedules import daily

# The day before: late enough to be remembered, early enough to give the place back.
daily("clinic.reminders.remind", _("Remind the patients of tomorrow"), cluster=settings.DEFAULT_CLUSTER, at=time(17))
# At night, intake records that could not be written when their visits were.
daily(
    "clinic.intake.sync.catch_up",
    _("Write the intake records that could not be written"),
    cluster=settings.DEFAULT_CLUSTER,
    at=time(3, 40),
)
