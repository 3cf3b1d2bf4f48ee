"""What lies in the storage, whether a row knows it or not."""

from collections.abc import Iterator
from datetime import timedelta

from django.core.files.storage import default_storage
from django.utils import timezone


def names_below(folder: str) -> Iterator[str]:
    """Of every file in it and in the folders within."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:  # nothing was ever kept there
        return
    for inner in folders:
        yield from names_below(f"{folder}/{inner}")
    yield from (f"{folder}/{name}" for name in files)


def age_of(name: str) -> timedelta:
    """Nothing for a file that somebody has taken out by now."""
    try:
        return timezone.now() - default_storage.get_modified_time(name)
    except FileNotFoundError:
        return timedelta()
