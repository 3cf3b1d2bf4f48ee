"""Whoever kept something that was computed from rows learns, after the commit, that the rows have changed."""

import pytest
from django.db import transaction
from model_bakery import baker

from backoffice.models import Notice
from backoffice.versions import version_of, watch

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def notice():
    watch(Notice)
    return baker.make(Notice)


@pytest.mark.parametrize(
    "change",
    [
        lambda notice: notice.save(),
        lambda notice: notice.delete(),
        lambda notice: Notice.objects.filter(pk=notice.pk).update(attempts=3),
        lambda notice: Notice.objects.bulk_create([Notice(to="a@example.org", subject="Booked")]),
        lambda notice: Notice.objects.bulk_update([notice], ["subject"]),
    ],
    ids=["saved", "deleted", "updated", "created at once", "updated at once"],
)
def test_each_way_to_change_a_row_makes_another_version(notice, change):
    before = version_of([Notice])
    change(notice)
    assert version_of([Notice]) != before


def test_nothing_changed_is_no_other_version(notice):
    before = version_of([Notice])
    Notice.objects.filter(pk=-1).update(attempts=3)
    assert version_of([Notice]) == before


def test_a_change_is_told_when_it_is_committed_and_not_before(notice):
    before = version_of([Notice])
    with transaction.atomic():
        notice.save()
        assert version_of([Notice]) == before
    assert version_of([Notice]) != before


class UndoneError(Exception):
    pass


def save_and_undo(notice):
    with transaction.atomic():
        notice.save()
        raise UndoneError


def test_a_change_that_is_rolled_back_is_not_told(notice):
    before = version_of([Notice])
    with pytest.raises(UndoneError):
        save_and_undo(notice)
    assert version_of([Notice]) == before


def test_a_change_beside_a_savepoint_that_was_rolled_back_is_told(notice):
    before = version_of([Notice])
    with transaction.atomic():
        with pytest.raises(UndoneError):
            save_and_undo(notice)
        notice.save()
    assert version_of([Notice]) != before


def test_many_changes_in_one_transaction_are_told_once(notice, django_assert_max_num_queries):
    with django_assert_max_num_queries(40), transaction.atomic():
        for _again in range(20):
            Notice.objects.filter(pk=notice.pk).update(attempts=3)


def test_a_cache_that_is_away_keeps_nothing_from_being_saved(notice, settings):
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    }
    notice.subject = "Moved"
    notice.save()
    notice.refresh_from_db()
    assert notice.subject == "Moved"
