"""What of the backups is noted, shown and told."""

import datetime

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone, translation
from model_bakery import baker

from backoffice.backups import drill, here, recorded, restoring, standing, writing
from backoffice.backups.errors import BackupError, UnderWayError
from backoffice.formats.kept import gettext as _
from backoffice.models import Backup, Mail, Notice, User
from backoffice.tests.tiny import Tiny

pytestmark = pytest.mark.django_db


@pytest.fixture
def tiny(settings, tmp_path, monkeypatch) -> Tiny:
    """A small database in the place of the one that people work with."""
    settings.DATA_DIR, settings.BACKUP_FOLDER = tmp_path / "data", tmp_path / "backups"
    settings.DATA_DIR.mkdir()
    made = Tiny(settings.DATA_DIR / "tiny.sqlite3")
    for module in (writing, drill):
        monkeypatch.setattr(module, "the_database", lambda: made.database)
    monkeypatch.setattr("django.db.connections.close_all", lambda: None)
    return made


def ago(**span: float) -> datetime.datetime:
    return timezone.now() - datetime.timedelta(**span)


def backup_of(**fields) -> Backup:
    return baker.make(Backup, **{"made_at": timezone.now(), "error": "", "drilled_at": timezone.now(), **fields})


@pytest.fixture
def reader(administrator):
    administrator.email = "administrator@clinic.example"
    administrator.save()
    return administrator


def test_the_command_prints_the_path_and_notes_what_it_wrote(tiny, settings, capsys):
    tiny.keep("films/1", b"one")
    tiny.name("films/lost")
    call_command("backup")
    said, row = capsys.readouterr(), Backup.objects.get()
    assert said.out.strip() == str(settings.BACKUP_FOLDER / row.name)
    assert "films/lost" in said.err
    assert (row.files, row.missing, row.error, row.is_encrypted) == (1, 1, "", False)
    assert standing.newest() == row


def test_a_check_says_that_it_is_whole_or_what_is_wrong(tiny, capsys, monkeypatch):
    monkeypatch.setattr(restoring, "known_migrations", lambda: Tiny.MIGRATIONS)
    path = recorded.back_up(tiny.database.path.parent).path
    call_command("restore", "--check", str(path))
    assert "It is whole: 41 rows and 0 files" in capsys.readouterr().out
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CommandError, match="It is damaged"):
        call_command("restore", "--check", str(path))
    with pytest.raises(CommandError, match="nowhere"):
        call_command("restore", str(path.with_name("nowhere")))


def test_one_that_fails_is_noted_told_and_not_the_newest(tiny, settings, monkeypatch, reader):
    def full(*folders, at_least=0) -> None:
        raise BackupError(_("The disk is full: nothing was kept in %(folder)s.") % {"folder": "here"})

    monkeypatch.setattr(writing, "check_room", full)
    with pytest.raises(BackupError):
        recorded.back_up_nightly()
    assert standing.newest() is None
    [mail] = Mail.objects.all()
    assert "The disk is full" in mail.body
    [notice] = Notice.objects.all()
    assert notice.to == reader
    with translation.override("zh-hant"):
        assert "磁碟已滿" in str(standing.told_today()[0])


def test_one_that_fails_for_whatever_reason_is_noted_and_one_that_waits_its_turn_is_not(tiny, monkeypatch):
    with here.alone("backup"), pytest.raises(UnderWayError):
        recorded.back_up_nightly()
    assert not Backup.objects.exists()
    monkeypatch.setattr(tiny.database, "outline", len)
    with pytest.raises(TypeError):
        recorded.back_up_nightly()
    assert Backup.objects.get().error == "TypeError"


def test_the_clock_makes_none_where_it_is_turned_off(tiny, settings):
    settings.BACKUP_NIGHTLY = False
    assert recorded.back_up_nightly() == ""
    assert not Backup.objects.exists()
    assert standing.told_today() == []


def test_a_drill_is_noted_with_what_it_found(tiny, settings):
    assert recorded.drill_weekly() == ""
    recorded.back_up_nightly()
    name = recorded.drill_weekly()
    row = Backup.objects.get(name=name)
    assert (row.findings, row.is_drilled_whole) == ([], True)
    path = settings.BACKUP_FOLDER / name
    path.write_bytes(path.read_bytes()[:-1])
    recorded.drill_weekly()
    row.refresh_from_db()
    assert "damaged" in str(standing.told_today()[0])
    assert not row.is_drilled_whole


def test_an_older_one_in_the_newest_ones_place_is_found_by_the_drill(tiny, settings):
    recorded.back_up_nightly()
    newest = Backup.objects.get(name=recorded.back_up_nightly())
    (settings.BACKUP_FOLDER / newest.name).unlink()
    assert recorded.drill_weekly() == newest.name
    assert "is the newest that was written" in str(standing.told_today()[0])


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], []),
        ([{}], []),
        ([{"made_at": ago(hours=40)}], ["The newest backup is 1 d 16 h old."]),
        ([{"drilled_at": ago(days=10)}], ["The last drill is 10 d 0 h ago."]),
        ([{"drilled_at": None}], []),
        ([{"drilled_at": None, "made_at": ago(days=10)}, {"drilled_at": None}], ["No backup has been restored in a drill yet."]),  # noqa: E501
        ([{"name": "one", "findings": ["It is damaged."]}], ["Restoring one in a drill: It is damaged."]),
        ([{"made_at": ago(hours=2)}, {"error": "Full.", "drilled_at": None}], ["The last backup has failed: Full."]),
        ([{"error": "Full.", "drilled_at": None, "made_at": ago(hours=2)}, {}], []),
    ],
)  # fmt: skip
def test_what_is_amiss_is_said_and_nothing_else(rows, told, client):
    for row in rows:
        backup_of(**row)
    assert list(map(str, standing.told_today())) == told
    answer = client.get("/readyz").json()
    assert ("backups" in answer["remarks"]) == bool(told)


def test_an_installation_of_many_days_without_any_backup_is_told(administrator):
    assert standing.told_today() == []
    User.objects.update(date_joined=ago(days=2))
    assert list(map(str, standing.told_today())) == ["There is no backup."]


def test_each_administrator_is_written_to_once_a_day_in_their_language(reader, clinician):
    reader.language = "zh-hant"
    reader.save()
    backup_of(made_at=ago(hours=40))
    assert standing.tell() == 1
    assert standing.tell() == 0
    [mail] = Mail.objects.all()
    assert mail.to == reader.email
    assert "備份" in mail.body
    assert Notice.objects.count() == 1


def test_pages_show_what_there_is_to_administrators_alone(client, reader, clinician):
    backup_of(made_at=ago(hours=40), name="whole", is_drilled_whole=True, size=3 << 20)
    amiss = backup_of(name="amiss", error="The disk is full.", drilled_at=None)
    client.force_login(reader)
    page = client.get("/admin/").content.decode()
    assert "The last backup has failed: The disk is full." in page
    listed = client.get("/admin/backoffice/backup/").content.decode()
    assert "3.0" in listed
    assert "the same" in listed
    assert "The disk is full." in client.get(f"/admin/backoffice/backup/{amiss.pk}/change/").content.decode()
    client.force_login(clinician)
    assert client.get("/admin/backoffice/backup/").status_code == 403
    assert "last backup" not in client.get("/admin/").content.decode()


def test_the_bell_leads_to_the_list(client, reader):
    backup_of(made_at=ago(hours=40))
    standing.tell()
    client.force_login(reader)
    assert "1 d 16 h old" in client.get("/admin/notices/").content.decode()
    opened = client.post(f"/admin/notices/{Notice.objects.get().pk}/open/")
    assert opened.status_code in (302, 404)
