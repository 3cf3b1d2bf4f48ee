"""What runs by the clock."""

from datetime import time

from django.conf import settings

from backoffice.jobs.schedules import daily

# The day before: late enough to be remembered, early enough to give the place back.
daily("clinic.reminders.remind", cluster=settings.DEFAULT_CLUSTER, at=time(17))
# At night, intake records that could not be written when their visits were.
daily("clinic.intake.sync.catch_up", cluster=settings.DEFAULT_CLUSTER, at=time(3, 40))
