"""National IDs lie sealed wherever they lie; what that keeps and what it costs."""

import json
from importlib import import_module
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.core.exceptions import FieldError, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone
from model_bakery import baker

from backoffice import upkeep
from backoffice.access import trail
from backoffice.checks import seals_have_a_key_of_their_own
from backoffice.models import TableImport, TrailSeal
from backoffice.sealing import cells, files, rewriting
from backoffice.sealing.cells import UnreadableError
from backoffice.sealing.keys import checked, keys
from backoffice.tests.forms_on_pages import form_with
from clinic.models import Patient, PatientMerge
from clinic.patients import merging
from imaging import whose
from imaging.decoded import Named
from imaging.models import XRayImage

pytestmark = pytest.mark.django_db

OLD, NEW, NEWEST = (f"{name}, a key of more than thirty-two characters" for name in ("old", "new", "newest"))
NUMBER, OTHER = "A123456789", "B234567890"
WHERE = "/admin/clinic/patient/"


def patient(**columns) -> Patient:
    return baker.make(Patient, full_name="Lin Mei-ling", sex="female", **{"national_id": NUMBER} | columns)


def cell_of(row, name: str = "national_id") -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name} FROM {row._meta.db_table} WHERE id = %s", [row.pk])  # noqa: S608
        return cursor.fetchone()[0]


def put(row, cell: str, name: str = "national_id") -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {row._meta.db_table} SET {name} = %s WHERE id = %s", [cell, row.pk])  # noqa: S608


def whole_database() -> str:
    rows = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608
            rows += map(repr, cursor.fetchall())
    return "\n".join(rows)


# -- Where it lies ----------------------------------------------------------------------------------------------------


def test_no_table_has_a_number_as_it_was_typed(admin_client):
    typed = {"full_name": "Lin Mei-ling", "date_of_birth": "1984-05-02", "sex": "female", "national_id": NUMBER}
    page = reverse("admin:clinic_patient_add")
    assert admin_client.post(page, form_with(admin_client.get(page), "full_name") | typed).status_code == 302
    known = Patient.objects.get()
    known.phone = "0912 345 678"
    known.save()
    double = patient(national_id=OTHER)
    merging.merge(known, double, choices=["national_id"], by=None, reason="one person")
    file = (
        f"full_name,date_of_birth,sex,national_id\nWang,1990-01-01,male,{NUMBER}\nWang,1990-01-01,nobody,C123456780\n"
    )
    file = SimpleUploadedFile("patients.csv", file.encode())
    admin_client.post(reverse("admin:clinic_patient_import"), {"file": file})
    said = Named(full_name="", patient_id="B123456780")
    film = baker.make(
        XRayImage,
        patient=known,
        dicom_patient_id="B123456780",
        identity_conflict=whose.conflicts(said, known),
        settled_conflict={},
        quality_issues=[],
    )
    waiting = TableImport.objects.get()
    assert waiting.details["errors"]
    assert NUMBER.encode() not in Path(waiting.file.path).read_bytes()
    assert film.identity_conflict["national_id"].endswith("780")
    kept = whole_database()
    assert "Lin Mei-ling" in kept
    for number in (NUMBER, OTHER, "C123456780", "B123456780"):
        assert number not in kept
    assert [version.national_id for version in known.history.all()] == [OTHER, NUMBER, NUMBER]
    assert PatientMerge.objects.get().changed == {"national_id": [NUMBER, OTHER]}
    assert XRayImage.objects.filter(dicom_patient_id="B123456780").get() == film


def test_no_hash_that_is_kept_of_a_table_is_one_that_a_guessed_number_would_give(client, admin_user, settings):
    file = f"full_name,date_of_birth,sex,national_id\nWang,1990-01-01,male,{NUMBER}\n".encode()
    page, settings.FIELD_KEYS = reverse("admin:clinic_patient_import"), [NEW]
    for settings.SECRET_KEY in ("of this site", "of another"):
        client.force_login(admin_user)
        client.post(page, {"file": SimpleUploadedFile("patients.csv", file)})
    ours, theirs = TableImport.objects.all()
    assert ours.sha256 != theirs.sha256
    assert ours.outcome["rows_digest"] != theirs.outcome["rows_digest"]


def test_the_whole_number_is_found_and_a_part_of_it_is_refused(admin_client):
    known = patient()
    patient(national_id="")
    assert list(Patient.objects.filter(national_id__in=[NUMBER, OTHER])) == [known]
    assert Patient.objects.exclude(national_id="").count() == 1
    assert admin_client.get(WHERE, {"q": "a1234-56789"}).context["cl"].result_count == 1
    assert admin_client.get(WHERE, {"q": "A12345678"}).context["cl"].result_count == 0
    for lookup in ("startswith", "icontains", "gt", "iexact", "regex"):
        with pytest.raises(FieldError, match="only the whole value"):
            Patient.objects.filter(**{f"national_id__{lookup}": NUMBER})


def test_one_visible_patient_has_it(admin_client):
    known = patient()
    with pytest.raises(IntegrityError), transaction.atomic():
        patient()
    with pytest.raises(ValidationError, match="Another patient already has this national ID"):
        baker.prepare(Patient, national_id=NUMBER, full_name="Wang", sex="male").validate_constraints()
    Patient.objects.filter(pk=known.pk).hide(by=None)
    patient()


# -- Cells that were meddled with -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "meddled",
    [
        lambda cell: NUMBER,
        lambda cell: cell[:-2] + ("AA" if cell[-2:] != "AA" else "BB"),
        lambda cell: cells.seal(NUMBER, "imaging.film.patient_id"),
        lambda cell: cells.seal(OTHER, "clinic.patient.national_id")[: cells.MARK] + cell[cells.MARK :],
    ],
    ids=["not sealed", "a bit of it", "of another column", "another index"],
)
def test_a_cell_that_was_meddled_with_is_an_error_and_no_empty_value(meddled):
    known = patient()
    put(known, meddled(cell_of(known)))
    with pytest.raises(UnreadableError, match="Nothing was changed"):
        Patient.objects.get(pk=known.pk)
    [said] = upkeep.sealed_values_are_read()
    assert "1 values of clinic_patient.national_id are not read" in said


def test_cells_of_two_rows_that_changed_places_are_found():
    one, other = patient(), patient(national_id=OTHER)
    assert list(upkeep.sealed_values_are_read()) == []
    mine, theirs = cell_of(one), cell_of(other)
    put(one, "")
    put(other, mine)
    put(one, theirs)
    assert len(list(upkeep.sealed_values_are_read())) == 2


@pytest.mark.parametrize("size", [0, 1, files.BLOCK - 1, files.BLOCK, 2 * files.BLOCK + 1])
def test_a_kept_file_is_read_as_it_was_or_not_at_all(size, settings):
    content = bytes(number % 251 for number in range(size))
    with files.sealed(BytesIO(content)) as sealed:
        kept = sealed.read()
    with files.unsealed(BytesIO(kept)) as file:
        assert file.read() == content
    head, block = len(files.SEALED) + files.NAME + files.OWN, files.NONCE + files.BLOCK + files.TAG
    without_the_last = [kept[: head + block]] if size > files.BLOCK else []
    another_bit = kept[:40] + bytes([kept[40] ^ 1]) + kept[41:]
    for damaged in (kept[:-1], kept + b"\0", another_bit, *without_the_last):
        with pytest.raises(UnreadableError), files.unsealed(BytesIO(damaged)):
            pass
    settings.FIELD_KEYS = [NEW]
    with pytest.raises(UnreadableError, match="FIELD_KEYS has"), files.unsealed(BytesIO(kept)):
        pass


# -- Keys -------------------------------------------------------------------------------------------------------------


def test_a_wrong_key_is_an_error_everywhere_and_writes_over_nothing(client, admin_client, settings):
    settings.FIELD_KEYS = [OLD]
    known = patient()
    cell = cell_of(known)
    settings.FIELD_KEYS = [NEW]
    with pytest.raises(UnreadableError, match=r"sealed by the key \w+, and FIELD_KEYS has"):
        admin_client.get(f"{WHERE}{known.pk}/change/")
    with pytest.raises(UnreadableError):
        admin_client.post(f"{WHERE}{known.pk}/change/", {"full_name": "Wang"})
    ready = client.get("/readyz")
    assert (ready.status_code, "cannot be read" in ready.json()["checks"]["sealed values"]) == (503, True)
    with pytest.raises(CommandError, match="2 values are not read by any key"):  # the record's, and its history's
        call_command("rotate_keys")
    assert cell_of(known) == cell
    settings.FIELD_KEYS = [OLD]
    assert Patient.objects.get().national_id == NUMBER


def test_what_a_lost_key_has_sealed_is_given_up_by_name_alone(settings):
    settings.FIELD_KEYS = [OLD]
    patient()
    [lost] = keys()
    with pytest.raises(CommandError, match="nothing of it is lost"):
        call_command("rotate_keys", forget=lost.name)
    settings.FIELD_KEYS = [NEW]
    new = patient(national_id=OTHER)
    call_command("rotate_keys", forget=lost.name)
    assert [one.national_id for one in Patient.objects.order_by("pk")] == ["", OTHER]
    assert (new.history.get().national_id, list(upkeep.sealed_values_are_read())) == (OTHER, [])


def test_keys_change_while_people_work_and_one_number_stays_one_patients(settings, capsys):
    """Rows of before, of in between and of after: whoever writes one number twice is refused in each pair of stages."""

    def is_refused() -> bool:
        with transaction.atomic():
            try:
                with transaction.atomic():
                    patient()
                return False
            except IntegrityError:
                return True
            finally:
                transaction.set_rollback(True)

    settings.FIELD_KEYS = [OLD]
    known, another = patient(), patient(national_id=OTHER)
    settings.FIELD_KEYS = [NEW, OLD]
    assert is_refused()
    assert Patient.objects.get(national_id=NUMBER) == known
    another.save()  # somebody works
    call_command("rotate_keys")
    said = capsys.readouterr().out
    assert f"Take {keys()[1].name} out of FIELD_KEYS" in said
    assert is_refused()
    settings.FIELD_KEYS = [NEW]
    assert is_refused()
    assert list(upkeep.sealed_values_are_read()) == []
    assert rewriting.seal_anew() == 5  # the guards, at night
    assert rewriting.seal_anew() == 0
    settings.FIELD_KEYS = [NEWEST, NEW]
    assert is_refused()
    assert {known, another} == set(Patient.objects.filter(national_id__in=[NUMBER, OTHER]))


def test_what_was_killed_goes_on_and_what_others_write_meanwhile_is_theirs(settings, monkeypatch):
    settings.FIELD_KEYS = [OLD]
    rows = [patient(national_id=f"A10000000{number}") for number in range(6)]
    monkeypatch.setattr(rewriting, "BATCH", 2)
    settings.FIELD_KEYS = [NEW, OLD]
    column = next(one for one in rewriting.columns() if one.table == "clinic_patient")
    run = rewriting.sealed_anew(column)
    assert next(run) == (2, 0)
    run.close()  # killed
    assert [cells.is_current(cell_of(row)) for row in rows] == [True] * 2 + [False] * 4
    Patient.objects.filter(pk=rows[5].pk).update(national_id="A199999999")
    assert sum(done for done, _failed in rewriting.sealed_anew(column)) == 3
    assert [Patient.objects.get(pk=row.pk).national_id[-2:] for row in rows] == ["00", "01", "02", "03", "04", "99"]


def test_the_trail_is_sealed_by_the_new_key_too(settings, administrator):
    settings.FIELD_KEYS = [OLD]
    trail._append(TrailSeal.Kind.EVENTS, trail.settled_until(), *trail._content(trail.AccessEvent.objects.none()))
    settings.FIELD_KEYS = [NEW, OLD]
    call_command("rotate_keys")
    settings.FIELD_KEYS = [NEW]
    assert list(trail.breaks()) == []


def test_settings_that_cannot_be_are_said(settings):
    for lines in ([OLD, NEW, NEWEST], [OLD, OLD], ["too short"]):
        with pytest.raises(Exception, match="FIELD_KEYS"):
            checked(lines)
    settings.FIELD_KEYS = []
    assert [message.id for message in seals_have_a_key_of_their_own(None)] == ["collimator.W007"]
    settings.FIELD_KEYS = [NEW, "SECRET_KEY"]
    assert seals_have_a_key_of_their_own(None) == []


def test_what_was_sealed_by_the_secret_key_is_read_under_its_name(settings):
    settings.FIELD_KEYS = []
    patient()
    settings.FIELD_KEYS = [NEW, "SECRET_KEY"]
    assert Patient.objects.get(national_id=NUMBER).national_id == NUMBER


# -- Installations of before ------------------------------------------------------------------------------------------


def test_what_lay_open_is_sealed_in_its_place_and_once(monkeypatch):
    monkeypatch.setattr(rewriting, "BATCH", 2)
    rows = [patient(national_id=f"A10000000{number}") for number in range(5)]
    merge = baker.make(PatientMerge, kept=rows[0], merged=rows[1], changed={"national_id": ["A1", "A2"]})
    film = baker.make(
        XRayImage, patient=rows[0], identity_conflict={}, settled_conflict={}, quality_issues=[], dicom_patient_id="A1"
    )
    Patient.objects.update(hidden_at=timezone.now())  # of the others there is no index while they lie open
    for row in rows[:4]:
        put(row, row.national_id)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE clinic_historicalpatient SET national_id = %s WHERE id = %s", [row.national_id, row.pk]
            )
    put(merge, json.dumps(merge.changed), "changed")
    put(film, NUMBER, "dicom_patient_id")
    put(film, json.dumps({"national_id": NUMBER}), "identity_conflict")
    for _again in range(2):
        for app, name in [("clinic", "0004_sealed"), ("imaging", "0006_sealed"), ("backoffice", "0012_sealed")]:
            import_module(f"{app}.migrations.{name}").seal(apps, SimpleNamespace(connection=connection))
    assert [one.national_id for one in Patient.objects.order_by("pk")] == [row.national_id for row in rows]
    assert [row.history.get().national_id for row in rows] == [row.national_id for row in rows]
    merge.refresh_from_db()
    film.refresh_from_db()
    assert merge.changed == {"national_id": ["A1", "A2"]}
    assert (film.dicom_patient_id, film.identity_conflict) == (NUMBER, {"national_id": "•••••••789"})
    assert NUMBER not in whole_database()


KILLED = """
import os, signal, time
from django.core.management import call_command
from django.db import connection, connections
from django.test.utils import override_settings
from backoffice.sealing import keys, rewriting
from clinic.models import Patient

rewriting.BATCH = 10
OLD, NEW = "old " * 10, "new " * 10

def by_the_new_key():
    new = keys.keys()[0].name
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM clinic_patient WHERE SUBSTR(national_id, 45, 8) = %s", [new])
        return cursor.fetchone()[0]

with override_settings(FIELD_KEYS=[OLD]):
    somebody = {"full_name": "P", "date_of_birth": "1980-01-01", "sex": "male"}
    Patient.objects.bulk_create(Patient(national_id=f"A{100000000 + n}", **somebody) for n in range(800))
with override_settings(FIELD_KEYS=[NEW, OLD]):
    connections.close_all()
    child = os.fork()
    if not child:
        call_command("rotate_keys")
        os._exit(0)
    while not by_the_new_key():
        time.sleep(0.001)
    last = Patient.objects.order_by("pk").last()
    last.phone = "0912 345 678"
    last.save()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    half = by_the_new_key()
    call_command("rotate_keys", stdout=open(os.devnull, "w"))
    whole = by_the_new_key()
with override_settings(FIELD_KEYS=[NEW]):
    numbers = set(Patient.objects.values_list("national_id"))
    print(0 < half < 800, whole, Patient.objects.get(national_id="A100000799").phone, len(numbers))
"""


@pytest.mark.slow
def test_a_change_of_keys_that_was_killed_goes_on(installation):
    assert installation.python(KILLED).splitlines()[-1] == "True 800 0912 345 678 800"
