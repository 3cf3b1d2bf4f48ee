"""What runs by the clock."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from backoffice.jobs.schedules import every_minute

# A nudge finds what a lost task or a dead worker left behind.
every_minute(
    "inference.tasks.answer_waiting", _("Answer what was asked of the models"), cluster=settings.INFERENCE_CLUSTER
)
