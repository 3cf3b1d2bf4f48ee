"""What runs by the clock."""

from django.conf import settings

from backoffice.jobs.schedules import every_minute

# Nothing to do on most days; after an upgrade, some films each minute.
every_minute("imaging.read_anew.read_some", cluster=settings.DEFAULT_CLUSTER)
every_minute("imaging.measured_anew.measure_some", cluster=settings.DEFAULT_CLUSTER)
