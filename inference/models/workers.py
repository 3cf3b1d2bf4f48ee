"""The processes that answer: that they live, and on which device."""

from datetime import timedelta
from typing import ClassVar, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class WorkerQuerySet(models.QuerySet):
    def alive(self) -> Self:
        """Those that have been heard of lately."""
        return self.filter(beat_at__gte=timezone.now() - Worker.LONGEST_SILENCE)

    def ask_for_a_check(self) -> int:
        """Have each of those that live check its models, once it has time. Returns how many there are."""
        return self.alive().update(check_asked_at=timezone.now())

    def checks_itself(self, name: str) -> bool:
        """Whether this one was asked to, which it is no more from then on."""
        return bool(self.filter(name=name).exclude(check_asked_at=None).update(check_asked_at=None))


class Worker(models.Model):
    """A process that answers predictions, as it last said of itself (heartbeat.py)."""

    BEATS_EVERY = timedelta(seconds=15)
    LONGEST_SILENCE = timedelta(seconds=60)
    """More than SQLite lets a beat wait for whoever writes at that moment."""

    class Trouble(models.TextChoices):
        """What is not as it should be with its device."""

        NO_GPU = (
            "no_gpu",
            _(
                "No GPU was found: the models run on the processor, more slowly. Where that is meant, set "
                "INFERENCE_DEVICE=cpu."
            ),
        )
        GPU_UNUSABLE = (
            "gpu_unusable",
            _(
                "There is a GPU, but torch cannot use it: the models run on the processor, more slowly. See the "
                "driver, and how torch was installed."
            ),
        )
        NO_SUCH_DEVICE = (
            "no_such_device",
            _(
                "The device that INFERENCE_DEVICE names is not there: nothing is answered. Mend the setting, then "
                "start the worker again."
            ),
        )

    name = models.CharField(max_length=100, unique=True)  # machine and process
    device = models.CharField(max_length=20, blank=True)  # as torch names it; blank until one is chosen
    device_name = models.CharField(max_length=100, blank=True)
    trouble = models.CharField(max_length=20, choices=Trouble, blank=True)
    detail = models.TextField(blank=True)  # what torch says of the trouble
    started_at = models.DateTimeField(default=timezone.now)
    beat_at = models.DateTimeField(db_index=True)
    check_asked_at = models.DateTimeField(null=True)  # of its models, until it has: registry/morning.py

    objects: ClassVar = WorkerQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name

    @property
    def machine(self) -> str:
        return self.name.partition(" ")[0]
