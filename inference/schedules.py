"""What runs by the clock."""

from django.conf import settings

from backoffice.jobs.schedules import every_minute

# A nudge finds what a lost task or a dead worker left behind.
every_minute("inference.tasks.answer_waiting", cluster=settings.INFERENCE_CLUSTER)
