"""A film's files: what `check_integrity` says of them, what is drawn again, and what `purge` takes out."""

import io
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.urls import reverse

from backoffice.web.media import PrivateStorage
from imaging import upkeep
from imaging.enhanced import open_enhanced
from imaging.models import XRayImage

TWO_DAYS = 2 * 24 * 3600


def run(*arguments: str) -> tuple[int, str]:
    """(exit status, what was printed)"""
    printed = io.StringIO()
    try:
        call_command("check_integrity", *arguments, stdout=printed)
    except SystemExit as ended:
        return ended.code, printed.getvalue()
    return 0, printed.getvalue()


def left_behind(name: str, settings) -> Path:
    path = Path(settings.MEDIA_ROOT, default_storage.save(name, ContentFile(b"whatever")))
    os.utime(path, times=(time.time() - TWO_DAYS,) * 2)
    return path


def names(settings) -> list[Path]:
    return sorted(path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file())


def test_films_whose_files_are_all_there_leave_nothing_to_tell(xray, monkeypatch):
    monkeypatch.setattr(upkeep, "UPLOADING", timedelta())
    open_enhanced(xray).close()
    status, printed = run()
    assert status == 0
    assert "originals: ok" in printed
    assert "files of films: ok" in printed


def test_an_original_that_somebody_wrote_to_is_told(xray):
    Path(xray.original.path).write_bytes(b"another film")
    status, printed = run()
    assert status == 1
    assert f"The original of X-ray {xray.pk}, {xray.original.name}, is not what was uploaded" in printed
    assert "Chen" not in printed


def test_an_original_that_is_missing_is_told_of_a_hidden_film_too(xray, clinician):
    XRayImage.objects.hide(by=clinician)
    Path(xray.original.path).unlink()
    status, printed = run()
    assert status == 1
    assert f"X-ray {xray.pk} lacks its original: {xray.original.name} is not there. Restore it" in printed


def test_an_original_that_the_disk_does_not_give_is_told(xray, monkeypatch):
    def broken(_storage, _name, _mode):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(PrivateStorage, "_open", broken)
    status, printed = run()
    assert status == 1
    assert "cannot be read: Input/output error" in printed


@pytest.mark.parametrize("folder", ["originals", "pixels", "thumbnails", "enhanced", "deep"])
def test_a_file_of_no_film_is_told_once_its_upload_must_be_over(xray, settings, folder):
    default_storage.save(f"{folder}/aa/just-now.png", ContentFile(b"whatever"))
    left_behind(f"{folder}/ab/orphan.png", settings)
    status, printed = run()
    assert status == 1
    assert f"{folder}/ab/orphan.png belongs to no X-ray" in printed
    assert "just-now" not in printed


def test_what_reads_every_file_can_be_left_out(xray):
    Path(xray.original.path).write_bytes(b"another film")
    status, printed = run("--without", "originals")
    assert status == 0
    assert "originals" not in printed


def test_what_was_never_finished_goes_after_a_day(xray, settings):
    there = names(settings)
    left_behind("originals/ab/film.dcm.0123456789abcdef.part", settings)
    call_command("purge", "--dry-run", stdout=io.StringIO())
    assert len(names(settings)) == len(there) + 1
    call_command("purge", stdout=io.StringIO())
    assert names(settings) == there


@pytest.mark.parametrize("kind", ["pixels", "thumbnail", "enhanced"])
def test_what_was_lost_is_drawn_again_as_it_was_and_kept(client, clinician, xray, settings, kind):
    client.force_login(clinician)

    def look() -> bytes:
        return b"".join(client.get(reverse(f"admin:imaging_xrayimage_{kind}", args=[xray.pk])).streaming_content)

    before, there = look(), names(settings)
    for name in there:
        if "originals" not in name.parts:
            name.unlink()
    assert look() == before
    assert look() == before
    assert set(names(settings)) <= set(there)


def test_where_the_original_is_lost_as_well_it_says_what_to_do(client, clinician, xray):
    client.force_login(clinician)
    for file in (xray.original, xray.pixels):
        file.storage.delete(file.name)
    for kind in ("original", "pixels"):
        answer = client.get(reverse(f"admin:imaging_xrayimage_{kind}", args=[xray.pk]))
        assert answer.status_code == 503
        assert "check_integrity" in answer.text
