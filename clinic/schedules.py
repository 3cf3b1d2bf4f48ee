"""What runs by the clock."""

from datetime import time

from django.conf import settings

from backoffice.jobs.schedules import daily

# The day before: late enough to be remembered, early enough to give the place back.
daily("clinic.reminders.remind", cluster=settings.DEFAULT_CLUSTER, at=time(17))
