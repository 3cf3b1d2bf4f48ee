"""What a transaction changed is told once it is committed."""

import pytest
from django.db import OperationalError

from backoffice.records.noted import Noted

pytestmark = pytest.mark.django_db


def test_what_could_not_be_told_is_told_with_the_next(django_capture_on_commit_callbacks):
    told = []

    def tell(keys: set[int]) -> None:
        told.append(keys)
        if len(told) == 1:
            raise OperationalError("database is locked")

    noted = Noted(tell)
    with django_capture_on_commit_callbacks() as first:
        noted.note(1)
    with pytest.raises(OperationalError):
        first[0]()
    with django_capture_on_commit_callbacks(execute=True):
        noted.note(2)
    assert told == [{1}, {1, 2}]
