from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from imaging.models import XRayImage
from imaging.tests.pictures import png


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    return folder


def run(*arguments) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("import_xrays", *map(str, arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_a_folder_is_imported_for_one_patient(folder, patient):
    (folder / "one.png").write_bytes(png(1))
    (folder / "two.png").write_bytes(png(2))
    assert run(folder, "--patient", "a123456789")[0] == "2 kept, 0 already there, 0 refused.\n"
    assert XRayImage.objects.filter(patient=patient).count() == 2
    assert run(folder, "--patient", "A123456789")[0] == "0 kept, 2 already there, 0 refused.\n"


def test_folders_named_with_national_ids_are_imported_for_each_patient(folder, patient, other_patient):
    for number, national_id in enumerate(["A123456789", "B123456780"]):
        (folder / national_id).mkdir()
        (folder / national_id / "film.png").write_bytes(png(number))
    run(folder)
    assert patient.xrays.count() == other_patient.xrays.count() == 1


def test_a_bad_file_is_named_with_its_reason_and_the_rest_is_kept(folder, patient):
    (folder / "bad.png").write_bytes(b"nothing")
    (folder / "good.png").write_bytes(png())
    err = StringIO()
    with pytest.raises(CommandError, match="1 of 2 files were refused"):
        call_command("import_xrays", str(folder), patient="A123456789", stdout=StringIO(), stderr=err)
    assert "bad.png: It is no PNG, JPEG or DICOM file" in err.getvalue()
    assert patient.xrays.count() == 1


def test_an_unknown_patient_stops_it_before_anything_is_imported(folder, patient):
    for national_id in ("A123456789", "Z999999999"):
        (folder / national_id).mkdir()
        (folder / national_id / "film.png").write_bytes(png())
    with pytest.raises(CommandError, match="No patient has the national ID Z999999999"):
        run(folder)
    assert not XRayImage.objects.exists()


def test_a_folder_that_is_not_there_is_said(db):
    with pytest.raises(CommandError, match="is not a folder"):
        run("/nowhere/at/all")


def test_films_that_lie_loose_stop_it_with_the_layout_it_wants(folder, patient):
    (folder / "film.png").write_bytes(png())
    (folder / "A123456789").mkdir()
    (folder / "A123456789" / "film.png").write_bytes(png())
    with pytest.raises(CommandError, match=r"1 files beside 1 folders.*--patient.*/A123456789/film.dcm"):
        run(folder)
    assert not XRayImage.objects.exists()


def test_a_folder_named_with_a_national_id_is_that_patients(tmp_path, patient):
    (tmp_path / "a123456789").mkdir()
    (tmp_path / "a123456789" / "film.png").write_bytes(png())
    assert run(tmp_path / "a123456789")[0].startswith("1 kept")
    assert patient.xrays.count() == 1


def test_a_folder_without_files_is_no_success(folder, patient):
    (folder / "A123456789").mkdir()
    for arguments in ([folder], [folder, "--patient", "A123456789"]):
        with pytest.raises(CommandError, match="There are no files"):
            run(*arguments)


def test_a_file_that_cannot_be_opened_is_one_refusal(folder, patient, monkeypatch):
    (folder / "one.png").write_bytes(png(1))
    (folder / "two.png").write_bytes(png(2))
    opened = Path.open

    def locked(path, *args, **kwargs):
        if path.name == "one.png":
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", locked)
    with pytest.raises(CommandError, match="1 of 2 files were refused"):
        run(folder, "--patient", "A123456789")
    assert patient.xrays.count() == 1
