"""What runs by the clock."""

from datetime import time

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from backoffice.jobs.schedules import MONDAY, daily, every_minute, on_demand, weekly

# A nudge finds what a lost task or a dead worker left behind.
every_minute(
    "inference.tasks.answer_waiting", _("Answer what was asked of the models"), cluster=settings.INFERENCE_CLUSTER
)
# Who asked is told by the worker that answered; by this where it died in between, or where it takes long.
every_minute(
    "inference.batches.tell_who_asked", _("Tell who asked that all is answered"), cluster=settings.DEFAULT_CLUSTER
)
# Before people come: what is overdue, and whose owner has left.
daily(
    "inference.follow_ups.reminding.remind",
    _("Remind of follow-ups that are overdue"),
    cluster=settings.DEFAULT_CLUSTER,
    at=time(6, 45),
)
# Before the first patient comes, and after the night in which machines renew themselves.
daily(
    "inference.tasks.check_the_models",
    _("Check that the models answer as they did"),
    cluster=settings.INFERENCE_CLUSTER,
    at=time(5),
)
weekly(
    "inference.figures.drift.look_weekly",
    _("Look whether films or answers have drifted"),
    cluster=settings.DEFAULT_CLUSTER,
    on=MONDAY,
    at=time(4, 30),
)
on_demand.add("inference.demo_past.fill", _("Fill in the demonstration’s past"))
