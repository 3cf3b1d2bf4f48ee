"""Whoever kept something that was computed from rows learns, after the commit, that the rows have changed."""

import pytest
from django.db import transaction
from model_bakery import baker

from backoffice.live.versions import version_of, watch
from backoffice.models import Mail

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mail():
    watch(Mail)
    return baker.make(Mail)


@pytest.mark.parametrize(
    "change",
    [
        lambda mail: mail.save(),
        lambda mail: mail.delete(),
        lambda mail: Mail.objects.filter(pk=mail.pk).update(attempts=3),
        lambda mail: Mail.objects.bulk_create([Mail(to="a@example.org", subject="Booked")]),
        lambda mail: Mail.objects.bulk_update([mail], ["subject"]),
    ],
    ids=["saved", "deleted", "updated", "created at once", "updated at once"],
)
def test_each_way_to_change_a_row_makes_another_version(mail, change):
    before = version_of([Mail])
    change(mail)
    assert version_of([Mail]) != before


def test_nothing_changed_is_no_other_version(mail):
    before = version_of([Mail])
    Mail.objects.filter(pk=-1).update(attempts=3)
    assert version_of([Mail]) == before


def test_a_change_is_told_when_it_is_committed_and_not_before(mail):
    before = version_of([Mail])
    with transaction.atomic():
        mail.save()
        assert version_of([Mail]) == before
    assert version_of([Mail]) != before


class UndoneError(Exception):
    pass


def save_and_undo(mail):
    with transaction.atomic():
        mail.save()
        raise UndoneError


def test_a_change_that_is_rolled_back_is_not_told(mail):
    before = version_of([Mail])
    with pytest.raises(UndoneError):
        save_and_undo(mail)
    assert version_of([Mail]) == before


def test_a_change_beside_a_savepoint_that_was_rolled_back_is_told(mail):
    before = version_of([Mail])
    with transaction.atomic():
        with pytest.raises(UndoneError):
            save_and_undo(mail)
        mail.save()
    assert version_of([Mail]) != before


def test_many_changes_in_one_transaction_are_told_once(mail, django_assert_max_num_queries):
    with django_assert_max_num_queries(40), transaction.atomic():
        for _again in range(20):
            Mail.objects.filter(pk=mail.pk).update(attempts=3)


def test_a_cache_that_is_away_keeps_nothing_from_being_saved(mail, settings):
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    }
    mail.subject = "Moved"
    mail.save()
    mail.refresh_from_db()
    assert mail.subject == "Moved"
