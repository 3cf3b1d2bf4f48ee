"""django-q2's `qcluster`, whose inference cluster looks for work as soon as it starts, and whose workers say that they
live."""

from typing import Any

from django.conf import settings
from django_q.conf import Conf
from django_q.management.commands.qcluster import Command as QClusterCommand
from django_q.signals import post_spawn

from inference import heartbeat
from inference.requests import wake_a_worker


class Command(QClusterCommand):
    def handle(self, *args: Any, **options: Any) -> None:
        # Rows may wait whose nudge was lost with the last worker; this also makes `--run-once` empty the queue.
        if Conf.CLUSTER_NAME == settings.INFERENCE_CLUSTER:
            wake_a_worker()
            post_spawn.connect(heartbeat.start, dispatch_uid="inference.heartbeat")
        super().handle(*args, **options)
