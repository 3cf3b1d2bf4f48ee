"""What django-q2 hands out: nothing again while it is still being done, and nothing that is not ours."""

import pickle
from base64 import urlsafe_b64encode
from math import ceil

import pytest
from django.conf import settings
from django_q import core_signing
from django_q.conf import Conf
from django_q.signing import BadSignature, PickleSerializer, SignedPackage

CLUSTERS = {settings.Q_CLUSTER["name"]: {}, **settings.Q_CLUSTER["ALT_CLUSTERS"]}


@pytest.mark.parametrize("name", CLUSTERS)
def test_no_task_is_handed_out_again_before_every_task_ahead_of_it_has_had_its_time(name):
    cluster = settings.Q_CLUSTER | CLUSTERS[name]
    ahead = ceil((cluster["workers"] + cluster["queue_limit"] + 1) / cluster["workers"])
    assert cluster["retry"] > cluster["timeout"] * ahead


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("it was unpickled",)


@pytest.mark.parametrize("made", ["unsigned", "by another key", "for another purpose", "changed"])
def test_a_task_that_nobody_with_the_key_wrote_is_never_read(made):
    """Whoever reaches Redis may write there what they like."""
    signed = {"serializer": PickleSerializer, "salt": Conf.PREFIX, "key": Conf.SECRET_KEY}
    task = {
        "unsigned": urlsafe_b64encode(pickle.dumps(Bomb())).decode(),
        "by another key": core_signing.dumps(Bomb(), **{**signed, "key": "another"}),
        "for another purpose": core_signing.dumps(Bomb(), **{**signed, "salt": "another"}),
        "changed": "x" + core_signing.dumps(Bomb(), **signed),
    }[made]
    with pytest.raises(BadSignature):
        SignedPackage.loads(task)


def test_what_was_loaded_before_a_cluster_forks_is_looked_through_by_no_collector_and_stays_shared(installation):
    installation.python("from django_q.tasks import async_task; async_task('gc.get_freeze_count')")
    installation.manage("qcluster", "--run-once")
    set_aside = installation.python("from django_q.models import Success; print(Success.objects.get().result)")
    assert int(set_aside) > 50_000
