"""django-q2's `qcluster`, whose inference cluster looks for work as soon as it starts, and whose workers say that they
live. What a cluster loads before it forks, its processes go on sharing."""

import gc
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
        # Python's collector writes into all that it looks through, and so each process would come to hold a copy.
        gc.collect()
        gc.freeze()
        super().handle(*args, **options)
