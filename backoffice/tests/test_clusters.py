"""The rule that keeps django-q2 from handing out a task again while it is still being done."""

from math import ceil

import pytest
from django.conf import settings

CLUSTERS = {settings.Q_CLUSTER["name"]: {}, **settings.Q_CLUSTER["ALT_CLUSTERS"]}


@pytest.mark.parametrize("name", CLUSTERS)
def test_no_task_is_handed_out_again_before_every_task_ahead_of_it_has_had_its_time(name):
    cluster = settings.Q_CLUSTER | CLUSTERS[name]
    ahead = ceil((cluster["workers"] + cluster["queue_limit"] + 1) / cluster["workers"])
    assert cluster["retry"] > cluster["timeout"] * ahead
