"""Patients from a file: who is meant, what is refused, and that nothing is written by half."""

import io
import unicodedata

import openpyxl
import pytest
from model_bakery import baker

from backoffice.exchange import importing, outcome
from clinic.models import IntakeRecord, Patient
from clinic.resources import PatientResource
from clinic.tests.clinics import session_today, visit
from clinic.tests.exchanged import as_csv, problems, take_back, take_in

pytestmark = pytest.mark.django_db

PHONE = "0912 345 678"
COLUMNS = ["full_name", "date_of_birth", "sex", "national_id", "phone"]
MEI_LING = ["Lin Mei-ling", "1984-05-02", "female", "A123456789", "0912 345 678"]
WITHOUT_ID = ["王小明", "1990-01-31", "male", "", ""]


def take_patients(*rows, columns=COLUMNS, **kwargs):
    return take_in(PatientResource, columns, *rows, **kwargs)


@pytest.fixture
def mei_ling():
    return baker.make(
        Patient, full_name="Lin Mei-ling", date_of_birth="1984-05-02", sex="female", national_id="A123456789"
    )


# -- Who is meant -----------------------------------------------------------------------------------------------------


def test_a_national_id_finds_its_patient_however_it_is_typed(mei_ling):
    done = take_patients(["Lin M. L.", "1984-05-02", "female", "a１２３４５６７８９", PHONE])
    assert (done.new, done.updated) == (0, 1)
    assert Patient.objects.get().full_name == "Lin M. L."


def test_without_one_name_and_date_of_birth_find_the_patient_who_has_none_either(mei_ling):
    same_name = ["Lin Mei-ling", "1984-05-02", "female", "", "02 2345 6789"]
    assert take_patients(same_name).new == 1  # another person: this one has an ID
    assert take_patients([*same_name[:-1], PHONE]).updated == 1
    assert Patient.objects.get(national_id="").phone == PHONE


def test_a_file_without_the_column_means_whoever_has_the_name_and_date_of_birth(mei_ling):
    assert take_patients(["Lin Mei-ling", "1984-05-02", PHONE], columns=["full_name", "date_of_birth", "phone"]).updated
    mei_ling.refresh_from_db()
    assert (mei_ling.phone, mei_ling.national_id) == (PHONE, "A123456789")


def test_two_patients_who_may_be_meant_are_an_error(mei_ling):
    baker.make(Patient, full_name="Lin Mei-ling", date_of_birth="1984-05-02", national_id="")
    done = take_patients(["Lin Mei-ling", "1984-05-02", PHONE], columns=["full_name", "date_of_birth", "phone"])
    assert done.refused == 1
    assert "2 patients have this name" in done.errors[0].problem


def test_a_hidden_patient_is_left_alone_and_keeps_nobody_out(mei_ling, administrator):
    Patient.objects.all().hide(by=administrator, reason="twice")
    assert take_patients(MEI_LING).new == 1
    mei_ling.refresh_from_db()
    assert (mei_ling.is_hidden, mei_ling.phone) == (True, "")


def test_one_patient_on_two_lines_is_an_error_that_names_both():
    done = take_patients(MEI_LING, WITHOUT_ID, [*MEI_LING[:3], "a123456789", ""])
    assert "Lines 2 and 4" in done.errors[0].problem
    assert Patient.objects.count() == 0


# -- What cells mean --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "day",
    [
        "1984-05-02",
        "1984/5/2",
        "1984.05.02",
        "１９８４－０５－０２",
        "1984年5月2日",
        "民國73年5月2日",
        "1984-05-02 00:00:00",
        "2 May 1984",
        "May 2, 1984",
        "19840502",
    ],
)
def test_days_are_read_as_people_write_them(day):
    take_patients([MEI_LING[0], day, *MEI_LING[2:]])
    assert str(Patient.objects.get().date_of_birth) == "1984-05-02"


@pytest.mark.parametrize("word", ["female", "Female", "FEMALE"])
def test_a_choice_is_read_by_value_or_by_name(word):
    take_patients([*MEI_LING[:2], word, *MEI_LING[3:]])
    assert Patient.objects.get().sex == "female"


def test_columns_are_found_by_name_or_by_title_in_any_order():
    done = take_patients(["female", "Lin", "1984-05-02"], columns=["Sex", "FULL NAME", "Date of birth"])
    assert done.new == 1


def test_a_missing_column_leaves_the_field_and_an_empty_cell_empties_it(mei_ling):
    Patient.objects.update(phone="1", notes="kept")
    take_patients([*MEI_LING[:4], ""])
    mei_ling.refresh_from_db()
    assert (mei_ling.phone, mei_ling.notes) == ("", "kept")


def test_a_file_that_says_what_is_known_changes_nothing_and_leaves_no_history(mei_ling):
    mei_ling.history.all().delete()
    done = take_patients([*MEI_LING[:4], ""])
    assert (done.unchanged, done.updated, mei_ling.history.count()) == (1, 0, 0)


# -- What is refused --------------------------------------------------------------------------------------------------


def test_each_error_names_line_column_value_and_remedy():
    done = take_patients(
        MEI_LING,
        ["", "1984-02-30", "?", "A123456788", "1" * 31],
    )
    assert problems(done) == [
        (3, "full_name", ""),
        (3, "date_of_birth", "1984-02-30"),
        (3, "sex", "?"),
        (3, "phone", "1" * 31),
        (3, "national_id", "A123456788"),
    ]
    by_column = {error.column: error for error in done.errors}
    assert by_column["sex"].remedy == "One of: female, male, other."
    assert "such as 2026-11-23" in by_column["date_of_birth"].remedy
    assert "does not add up" in by_column["national_id"].problem


@pytest.mark.parametrize("day", ["2999-01-01", "1850-01-01"])
def test_nobody_is_born_tomorrow_or_in_another_age(day):
    done = take_patients(["Lin Mei-ling", day, *MEI_LING[2:]])
    assert problems(done) == [(2, "date_of_birth", day)]
    assert "check the year" in done.errors[0].problem


def test_one_error_keeps_everything_out_unless_told_otherwise():
    wrong = [*WITHOUT_ID[:2], "?", "", ""]
    done = take_patients(MEI_LING, wrong)
    assert (done.written, Patient.objects.count(), Patient.history.count()) == (False, 0, 0)
    done = take_patients(MEI_LING, wrong, skip_invalid=True)
    assert (done.written, done.new, done.refused) == (True, 1, 1)
    assert Patient.objects.get().full_name == "Lin Mei-ling"


def test_an_error_in_the_last_chunk_takes_the_first_ones_back(monkeypatch):
    monkeypatch.setattr(importing, "CHUNK", 2)
    people = [[f"P{number}", "1990-01-01", "male", "", ""] for number in range(5)]
    assert not take_patients(*people, [*WITHOUT_ID[:2], "?", "", ""]).written
    assert Patient.objects.count() == 0
    assert take_patients(*people).written
    assert Patient.objects.count() == 5


def test_unknown_columns_are_refused_with_the_nearest_name():
    done = take_patients(MEI_LING, columns=["full_name", "date_of_birth", "sex", "nationalid", "fone"])
    by_column = {error.column: error for error in done.errors}
    assert "Did you mean “national_id”" in by_column["nationalid"].remedy
    assert by_column["fone"].line == 1
    assert not done.written


def test_a_new_patient_needs_the_columns_that_every_patient_needs():
    done = take_patients(["Lin", "1984-05-02"], ["Ho", "1984-05-02"], columns=["full_name", "date_of_birth"])
    assert problems(done) == [(2, "sex", "")]  # said once, not on every line
    assert done.refused == 2


def test_columns_of_which_none_is_known_are_one_error_that_lists_the_names():
    [error] = take_patients(["1", "2"], columns=["a", "b"]).errors
    assert (error.line, error.column, error.value) == (1, "a", "a, b")
    assert "The columns are named full_name, date_of_birth" in error.remedy


def test_a_row_of_another_width_is_refused_by_the_column_where_it_parts():
    done = take_patients(MEI_LING, ["Lin", "1984-05-02"], [*MEI_LING, "6"])
    assert problems(done) == [(3, "sex", "Lin | 1984-05-02"), (4, COLUMNS[-1], "6")]
    assert all(error.remedy for error in done.errors)


def test_two_rows_about_one_patient_are_told_by_what_the_patient_is_known_by():
    of_ids = take_patients(MEI_LING, ["Somebody else", *MEI_LING[1:]])
    assert problems(of_ids) == [(3, "national_id", "A123456789")]
    of_names = take_patients(WITHOUT_ID, WITHOUT_ID)
    assert problems(of_names) == [(3, "full_name, date_of_birth", ", ".join(WITHOUT_ID[:2]))]


def test_a_row_that_may_mean_two_patients_is_told_by_what_it_names_them_with():
    baker.make(Patient, 2, full_name=WITHOUT_ID[0], date_of_birth=WITHOUT_ID[1], national_id="")
    [error] = take_patients(WITHOUT_ID).errors
    assert (error.column, error.value) == ("full_name, date_of_birth", ", ".join(WITHOUT_ID[:2]))
    assert "Add the national ID" in error.problem
    assert error.remedy


def test_a_file_with_nothing_below_the_names_is_refused():
    assert "nothing below" in take_patients().errors[0].problem


def test_many_errors_are_counted_and_the_first_are_kept(monkeypatch):
    monkeypatch.setattr(outcome, "ERRORS_KEPT", 3)
    done = take_patients(*([f"P{number}", "", "male", "", ""] for number in range(9)))
    assert (done.error_count, len(done.errors), done.refused) == (9, 3, 9)


def test_somebody_who_was_first_is_told_and_nothing_is_written(mei_ling, monkeypatch):
    monkeypatch.setattr(
        PatientResource, "candidates", lambda resource, rows: Patient.objects.none()
    )  # as it was when the rows were read
    done = take_patients(WITHOUT_ID, MEI_LING)
    assert "somebody else" in done.errors[0].problem
    assert (done.written, list(Patient.objects.all())) == (False, [mei_ling])


def test_telephone_numbers_that_a_workbook_took_for_numbers_are_told():
    book = openpyxl.Workbook()
    for row in (COLUMNS, [*MEI_LING[:4], 912345678]):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    done = take_back(PatientResource, file.getvalue(), "patients.xlsx")
    assert "A zero is missing at the front. Write 0912345678." in done.errors[0].problem
    assert "“phone” hold numbers" in done.notes[0]
    assert not Patient.objects.exists()


@pytest.mark.parametrize("made_of", ["8.86912E+11", "#NAME?", "#########", "12", "call my sister"])
def test_what_a_spreadsheet_makes_of_a_number_is_no_number(made_of):
    done = take_patients([*MEI_LING[:4], made_of])
    assert problems(done) == [(2, "phone", made_of)]


def test_a_number_kept_as_a_formula_is_the_number():
    take_patients([*MEI_LING[:4], '="0912345678"'])
    assert Patient.objects.get().phone == "0912345678"


@pytest.mark.parametrize("written", ["男", "男性", "M", "male"])
def test_a_sex_is_read_in_either_language_and_by_its_letter(written):
    take_patients([*MEI_LING[:2], written, *MEI_LING[3:]])
    assert Patient.objects.get().sex == "male"


def test_one_name_in_two_spellings_is_one_patient(mei_ling):
    name = "Đặng Thị Ngọc Ánh"
    for spelling in (
        name,
        unicodedata.normalize("NFD", name),
        name.replace(" ", "\u3000"),
        name.replace(" ", "\u200b  "),
    ):
        take_patients([spelling, "1980-01-02", "female", "", ""])
    assert Patient.objects.filter(date_of_birth="1980-01-02").get().full_name == name


def test_a_name_that_nobody_sees_is_none():
    done = take_patients(["\u200b", *MEI_LING[1:]])
    assert [(error.column, error.problem) for error in done.errors] == [
        ("full_name", "Nothing can be seen of this text. Type it again.")
    ]


def test_it_asks_the_database_no_more_for_many_rows_than_for_few(django_assert_max_num_queries):
    few, many = ([[f"P{number}", "1990-01-01", "male", "", ""] for number in range(count)] for count in (2, 60))
    for rows in (few, many):
        with django_assert_max_num_queries(2):
            assert take_patients(*rows, dry_run=True).new == len(rows)


# -- What else happens ------------------------------------------------------------------------------------------------


def test_a_preview_writes_nothing_and_says_what_would_change(mei_ling):
    done = take_patients([*MEI_LING[:4], PHONE], WITHOUT_ID, dry_run=True)
    assert (done.new, done.updated, done.written) == (1, 1, False)
    assert done.preview[0].cells == [("phone", "", PHONE)]
    assert ("full_name", "", "王小明") in done.preview[1].cells
    assert (Patient.objects.count(), Patient.objects.get().phone) == (1, "")


def test_an_outcome_is_kept_as_json_and_read_back(mei_ling):
    done = take_patients([*MEI_LING[:4], PHONE], [*WITHOUT_ID[:2], "?", "", ""], dry_run=True)
    assert outcome.Outcome.from_json(done.as_json()) == done


def test_history_says_who_imported_it_from_what(mei_ling, administrator):
    take_patients([*MEI_LING[:4], PHONE], WITHOUT_ID, by=administrator)
    versions = Patient.history.exclude(history_user=None).values_list(
        "full_name", "phone", "history_type", "history_user", "history_change_reason"
    )
    reason = "Imported from table.csv"
    assert set(versions) == {
        ("Lin Mei-ling", PHONE, "~", administrator.pk, reason),
        ("王小明", "", "+", administrator.pk, reason),
    }


def test_the_first_version_of_an_imported_patient_is_what_saving_would_have_written(administrator):
    take_patients(MEI_LING, by=administrator)
    patient = Patient.objects.get()
    imported = patient.history.get()
    patient._history_user, patient._change_reason = administrator, imported.history_change_reason
    saved = Patient.history.bulk_history_create([patient], default_user=administrator)[0]
    of_each = {"history_id", "history_date"}
    names = {field.attname for field in Patient.history.model._meta.fields} - of_each
    assert {name: getattr(imported, name) for name in names} == {name: getattr(saved, name) for name in names}


@pytest.mark.django_db(transaction=True)
def test_the_intake_table_follows_an_imported_date_of_birth():
    appointment = visit(session_today())
    Patient.objects.update(national_id="A123456789")
    assert take_patients(["2001-01-01", "A123456789"], columns=["date_of_birth", "national_id"]).updated == 1
    appointment.refresh_from_db()
    assert IntakeRecord.objects.get().age == appointment.patient.age_on(appointment.session.date) >= 25


# -- Formulas ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("notes", ["+886912345678", "'+886", "=1+1", "-1", "@x"])
def test_what_leaves_safe_comes_back_as_it_was(notes):
    """import-export's own formats let a leading plus through, and take the equals sign away for good."""
    baker.make(Patient, full_name="A", date_of_birth="1990-01-01", sex="male", notes=notes, national_id="")
    file = as_csv(PatientResource, Patient.objects.all()).decode("utf-8-sig")
    assert f",'{notes}" in file
    Patient.objects.update(notes="")
    header, line = (row.split(",") for row in file.splitlines())
    take_patients(line, columns=header)
    assert Patient.objects.get().notes == notes


@pytest.mark.parametrize("title", [["病人名單"], ["Patients of November"]])
def test_a_title_above_the_columns_names_is_told_as_one(title):
    done = take_in(PatientResource, title, [], ["full_name", "date_of_birth", "sex"], ["Lin", "1984-05-02", "female"])
    [error] = done.errors
    assert error.problem == "The columns are named in line 3, and this stands above it."
    assert error.remedy == "Take out what is above line 3."


def test_rows_that_are_hidden_in_the_sheet_are_spoken_of():
    book = openpyxl.Workbook()
    for row in (["full_name", "date_of_birth", "sex"], ["Lin", "1984-05-02", "female"]):
        book.active.append(row)
    book.active.row_dimensions[2].hidden = True
    file = io.BytesIO()
    book.save(file)
    done = take_back(PatientResource, file.getvalue(), "patients.xlsx")
    assert (done.new, done.notes[0].startswith("1 row is hidden in the sheet")) == (1, True)
