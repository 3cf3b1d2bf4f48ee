"""What runs by the clock."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from backoffice.jobs.schedules import every_minute

# Nothing to do on most days; after an upgrade, some films each minute.
every_minute("imaging.read_anew.read_some", _("Read older films anew"), cluster=settings.DEFAULT_CLUSTER)
every_minute("imaging.measured_anew.measure_some", _("Measure older films anew"), cluster=settings.DEFAULT_CLUSTER)
