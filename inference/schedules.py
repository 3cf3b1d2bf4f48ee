"""What runs by the clock."""

from datetime import time

from django.conf import settings

from backoffice.jobs.schedules import MONDAY, daily, every_minute, weekly

# A nudge finds what a lost task or a dead worker left behind.
every_minute("inference.tasks.answer_waiting", cluster=settings.INFERENCE_CLUSTER)
# Before the first patient comes, and after the night in which machines renew themselves.
daily("inference.tasks.check_the_models", cluster=settings.INFERENCE_CLUSTER, at=time(5))
weekly("inference.figures.drift.look_weekly", cluster=settings.DEFAULT_CLUSTER, on=MONDAY, at=time(4, 30))
