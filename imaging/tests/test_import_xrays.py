import csv
import datetime
import os
import unicodedata
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command

from imaging import ingest
from imaging.models import XRayImage
from imaging.storing import receive
from imaging.tests.pictures import png
from imaging.tests.realfiles import needs_real_files


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
    with pytest.raises(CommandError, match=r"files \(1\) beside folders \(1\).*--patient.*/A123456789/film.dcm"):
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


# -- A table that says whose ------------------------------------------------------------------------------------------


def manifest(folder: Path, *rows: list[str]) -> Path:
    path = folder.parent / "manifest.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def refusals(folder: Path) -> dict[str, str]:
    """What the report beside the folder says, by the file's name."""
    with folder.with_name(f"{folder.name}-refusals.csv").open(encoding="utf-8-sig", newline="") as file:
        return {Path(row["file"]).name: row["reason"] for row in csv.DictReader(file)}


def test_a_manifest_says_whose_each_film_is_and_what_is_known_of_it(folder, patient, other_patient):
    other_patient.national_id = ""
    other_patient.save()
    (folder / "inner").mkdir()
    (folder / "one.png").write_bytes(png(1))
    (folder / "inner" / "two.png").write_bytes(png(2))
    rows = [
        ["file", "patient_national_id", "病人姓名", "patient_date_of_birth", "view", "taken_on", "notes"],
        ["one.png", "a123456789", "", "", "AP", "2026-01-05", "first"],
        [r".\inner\two.png", "", "Lin Mei-Hua", "1980-05-06", "", "", ""],
    ]
    assert run(folder, "--csv", manifest(folder, *rows))[0].startswith("2 kept")
    film = patient.xrays.get()
    assert (film.view, film.taken_on, film.notes) == ("AP", datetime.date(2026, 1, 5), "first")
    assert other_patient.xrays.count() == 1


def test_a_name_is_found_however_its_signs_are_composed(folder, patient):
    composed = "Vũ Thị Hương 胸部.png"
    (folder / unicodedata.normalize("NFD", composed)).write_bytes(png())
    run(folder, "--csv", manifest(folder, ["file", "patient_national_id"], [composed, "A123456789"]))
    assert patient.xrays.count() == 1


def test_what_a_manifest_cannot_say_is_each_files_refusal_and_the_rest_is_kept(folder, patient):
    for number, name in enumerate(["good", "nobodys", "unnamed", "twice", "early", "typed"]):
        (folder / f"{name}.png").write_bytes(png(number))
    path = manifest(
        folder,
        ["file", "patient_national_id", "taken_on"],
        ["good.png", "A123456789", ""],
        ["nobodys.png", "B123456780", ""],
        ["twice.png", "A123456789", ""],
        ["twice.png", "A123456789", ""],
        ["early.png", "A123456789", "1970-01-01"],
        ["typed.png", "A123456789", "1980-13-01"],
        ["../../etc/passwd", "A123456789", ""],
    )
    with pytest.raises(CommandError, match="6 of 7 files were refused"):
        run(folder, "--csv", path)
    assert patient.xrays.count() == 1
    told = refusals(folder)
    assert told["nobodys.png"].startswith("Line 3 of the manifest: There is no such patient.")
    assert told["unnamed.png"] == "The manifest does not name it."
    assert told["twice.png"].startswith("The manifest names it twice, in lines 4 and 5.")
    assert told["early.png"].startswith("Line 6 of the manifest: The patient was born later")
    assert told["typed.png"].startswith("Line 7 of the manifest: taken_on is “1980-13-01”. There is no such day.")
    assert told["passwd"] == "The manifest names it, and there is no such file."


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([["path", "who"], ["one.png", "A123456789"]], "none of these names is known here"),
        ([["file", "notes"], ["one.png", "x"]], "without it no record can be found"),
        ([], "The file is empty"),
    ],
)
def test_a_manifest_that_cannot_be_read_stops_it_before_anything_is_imported(folder, patient, rows, told):
    (folder / "one.png").write_bytes(png())
    with pytest.raises(CommandError, match=told):
        run(folder, "--csv", manifest(folder, *rows))
    with pytest.raises(CommandError, match="No such file"):
        run(folder, "--csv", "/nowhere.csv")
    assert not XRayImage.objects.exists()


# -- Again, and what was refused --------------------------------------------------------------------------------------


def test_a_second_run_skips_what_is_in_without_decoding_it(folder, patient, monkeypatch):
    for number in range(3):
        (folder / f"{number}.png").write_bytes(png(number))
    receive(ContentFile(png(0), name="0.png"), patient)
    decoded = []
    monkeypatch.setattr(
        ingest, "read", lambda source, name, read=ingest.read: decoded.append(name) or read(source, name)
    )
    assert run(folder, "--patient", "A123456789")[0] == "2 kept, 1 already there, 0 refused.\n"
    assert decoded == ["1.png", "2.png"]


def test_whoever_interrupts_it_is_told_that_it_goes_on_and_it_does(folder, patient, monkeypatch):
    for number in range(3):
        (folder / f"{number}.png").write_bytes(png(number))
    monkeypatch.setattr(ingest, "read", interrupted_after(ingest.read, 2))
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError) as stopped:
        call_command("import_xrays", str(folder), patient="A123456789", stdout=out, stderr=err)
    assert stopped.value.returncode == 130
    assert out.getvalue() == "2 kept, 0 already there, 0 refused.\n"
    assert "The same command goes on from here" in err.getvalue()
    monkeypatch.undo()
    assert run(folder, "--patient", "A123456789")[0] == "1 kept, 2 already there, 0 refused.\n"


def interrupted_after(read, number: int):
    calls = iter(range(number))

    def some(source, name):
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return read(source, name)

    return some


def test_a_film_that_was_hidden_does_not_come_back_and_is_told(folder, patient, clinician):
    (folder / "one.png").write_bytes(png())
    run(folder, "--patient", "A123456789")
    XRayImage.objects.hide(by=clinician)
    out, err = run(folder, "--patient", "A123456789")
    assert out == "0 kept, 1 already there, 0 refused.\n"
    assert "one.png: It is here, but hidden" in err
    assert not XRayImage.objects.visible().exists()


def test_the_report_of_refusals_says_which_and_why_and_is_renewed_by_the_next_run(folder, patient):
    (folder / "=cmd.png").write_bytes(b"nothing")
    (folder / "good.png").write_bytes(png())
    with pytest.raises(CommandError, match=r"films-refusals\.csv"):
        run(folder, "--patient", "A123456789")
    assert refusals(folder)["=cmd.png"].startswith("It is no PNG, JPEG or DICOM file")
    assert folder.with_name("films-refusals.csv").stat().st_mode & 0o077 == 0
    (folder / "=cmd.png").unlink()
    run(folder, "--patient", "A123456789")
    assert refusals(folder) == {}


def test_the_report_is_written_where_one_says_and_is_no_film_of_the_next_run(folder, patient):
    (folder / "good.png").write_bytes(png())
    run(folder, "--patient", "A123456789", "--refusals", folder / "report.csv")
    assert (folder / "report.csv").read_text("utf-8-sig").splitlines() == ["file,reason"]
    assert run(folder, "--patient", "A123456789", "--refusals", folder / "report.csv")[0].startswith(
        "0 kept, 1 already"
    )


def test_a_report_that_cannot_be_written_is_told_with_another_way(folder, patient):
    (folder / "bad.png").write_bytes(b"nothing")
    err = StringIO()
    with pytest.raises(CommandError, match="1 of 1 files were refused"):
        call_command(
            "import_xrays",
            str(folder),
            patient="A123456789",
            refusals=Path("/proc/no.csv"),
            stdout=StringIO(),
            stderr=err,
        )
    assert "Name another place with --refusals FILE" in err.getvalue()


def test_it_waits_where_too_many_files_are_being_read(folder, patient, monkeypatch):
    (folder / "one.png").write_bytes(png())
    answers = iter([ingest.Busy("Too many files."), ingest.Busy("Too many files.")])

    def read(source, name, read=ingest.read):
        if busy := next(answers, None):
            raise busy
        return read(source, name)

    waited = []
    monkeypatch.setattr(ingest, "read", read)
    monkeypatch.setattr("imaging.management.commands.import_xrays.time.sleep", waited.append)
    assert run(folder, "--patient", "A123456789")[0].startswith("1 kept")
    assert waited.count(5) == 2  # threads of other tests may sleep meanwhile


def test_hostile_names_neither_stop_it_nor_write_to_the_terminal(folder, patient):
    names = [b"\xff\xfe.png", b"line\nend.png", b"\x1b[31mred.png", "\u202egnp.exe.png".encode(), b"%s %(n)d.png"]
    for name in names:
        Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_bytes(b"nothing")
    (folder / "pipe.png").symlink_to("/dev/zero")
    (folder / "away.png").symlink_to("/nowhere")
    (folder / "round").symlink_to(folder)
    err = StringIO()
    with pytest.raises(CommandError, match="5 of 5 files were refused"):
        call_command("import_xrays", str(folder), patient="A123456789", stdout=StringIO(), stderr=err)
    assert all(line.isprintable() for line in err.getvalue().splitlines())
    assert r"\xff\xfe.png" in err.getvalue()
    assert len(refusals(folder)) == 5


@needs_real_files
def test_of_a_folder_of_hostile_files_each_is_kept_or_refused_with_its_reason(real_files, patient, tmp_path):
    report = tmp_path / "report.csv"
    with pytest.raises(CommandError, match=r"of 5\d files were refused"):
        run(real_files / "hostile", "--patient", "A123456789", "--refusals", report)
    with report.open(encoding="utf-8-sig", newline="") as file:
        reasons = [row["reason"] for row in csv.DictReader(file)]
    assert len(reasons) + patient.xrays.count() == sum(path.is_file() for path in (real_files / "hostile").iterdir())
    assert all(reasons)
    assert not [reason for reason in reasons if "Something went wrong" in reason]
