"""When the rules of quality change, films that are here already are measured by them, too."""

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command

from imaging import anew, derived, ingest, measured_anew
from imaging.models import XRayImage
from imaging.quality import RULES
from imaging.storing import receive
from imaging.tests.pictures import encoded, gradient, png


@pytest.fixture
def old_film(patient, clinician) -> XRayImage:
    """A dull one, kept when nobody looked for that, on a day from when the patient was a child."""
    data = encoded(gradient() // 10 + 90)
    xray = receive(ContentFile(data, name="film.png"), patient, by=clinician, taken_on=patient.date_of_birth).xray
    assert xray.quality_rules == RULES
    assert "low_contrast" in xray.quality_issues
    XRayImage.objects.filter(pk=xray.pk).update(quality_issues=["child"], quality_rules=RULES - 1)
    return xray


def test_an_older_film_is_measured_by_todays_rules_and_its_history_says_so(old_film, capsys):
    call_command("measure_films")
    assert capsys.readouterr().out == "1 films measured, 0 not.\n"
    issues = old_film.quality_issues
    old_film.refresh_from_db()
    assert (old_film.quality_issues, old_film.quality_rules) == (issues, RULES)
    assert old_film.history.latest().history_change_reason == "Quality measured by newer rules"
    assert measured_anew.measure_some() == 0


def test_a_film_of_which_nothing_new_is_found_has_no_new_history(old_film):
    XRayImage.objects.filter(pk=old_film.pk).update(quality_issues=old_film.quality_issues)
    before = old_film.history.count()
    assert measured_anew.measure_some() == 1
    old_film.refresh_from_db()
    assert (old_film.quality_rules, old_film.history.count()) == (RULES, before)


def test_the_worker_measures_a_few_at_a_time_and_goes_on_where_it_was(patient, clinician, monkeypatch):
    films = [receive(ContentFile(png(number), name="film.png"), patient, by=clinician).xray for number in range(3)]
    XRayImage.objects.update(quality_rules=RULES - 1)
    films[2].original.delete(save=False)  # it is named in the log, and keeps nobody waiting
    monkeypatch.setattr(anew, "AT_ONCE", 2)
    assert [measured_anew.measure_some() for _minute in range(3)] == [2, 1, 0]
    assert not XRayImage.objects.exclude(quality_rules=RULES).exists()


def test_while_too_many_files_are_read_a_film_waits(old_film, monkeypatch):
    def busy(*_arguments):
        raise ingest.Busy("later")

    monkeypatch.setattr(derived, "read_original", busy)
    measured_anew.measure_some()
    old_film.refresh_from_db()
    assert old_film.quality_rules == RULES - 1
