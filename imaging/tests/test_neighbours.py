"""From film to film, in the order of the list that one came from."""

import re
from datetime import date

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from imaging.models import XRayImage
from imaging.storing import receive
from imaging.tests.pictures import png

LIST = "/admin/imaging/xrayimage/"
FILTERS = "_changelist_filters"


@pytest.fixture
def films(patient, other_patient, clinician) -> list[XRayImage]:
    """Newest first, as the list has them: 4 PA, 3 PA of somebody else, 2 AP, 1 PA."""
    made = [
        receive(ContentFile(png(number), name="film.png"), owner, by=clinician, view=view).xray
        for number, (owner, view) in enumerate(
            [(patient, "PA"), (patient, "AP"), (other_patient, "PA"), (patient, "PA")], start=1
        )
    ]
    return made[::-1]


@pytest.fixture
def neighbours(client, clinician):
    client.force_login(clinician)

    def of(xray: XRayImage, filters: str = "") -> dict:
        return client.get(address(xray), {FILTERS: filters} if filters else {}).context["neighbours"]

    return of


def address(xray: XRayImage) -> str:
    return reverse("admin:imaging_xrayimage_change", args=[xray.pk])


def test_without_a_list_it_is_the_whole_one(neighbours, films):
    found = neighbours(films[1])
    assert (found["before"], found["after"]) == (address(films[0]), address(films[2]))
    assert (found["place"], found["number"]) == (2, 4)
    assert neighbours(films[0])["before"] is None
    assert neighbours(films[3])["after"] is None


def test_a_filtered_list_stays_filtered_on_the_way(neighbours, films):
    found = neighbours(films[1], "view__exact=PA")
    assert found["after"] == f"{address(films[3])}?{FILTERS}=view__exact%3DPA"
    assert (found["place"], found["number"]) == (2, 3)


def test_a_sorted_list_is_gone_through_in_its_order(neighbours, films):
    assert neighbours(films[0], "o=-6")["after"] == f"{address(films[1])}?{FILTERS}=o%3D-6"
    assert neighbours(films[0], "o=6")["before"] == f"{address(films[1])}?{FILTERS}=o%3D6"


@pytest.mark.parametrize("order", ["3", "-3", "2", "-2"])
def test_one_goes_through_the_list_as_it_stands_whoever_has_no_day_and_whoever_is_alike(
    client, neighbours, films, order
):
    """By the day taken, which half of them lack; by the patient's name, which several share."""
    for film, day in zip(films, [None, date(2025, 3, 1), None, date(2025, 3, 1)], strict=True):
        XRayImage.objects.filter(pk=film.pk).update(taken_on=day)
    listed = [film.pk for film in client.get(LIST, {"o": order}).context["cl"].result_list]
    assert len(listed) == len(films)
    gone_through = [listed[0]]
    while after := neighbours(XRayImage.objects.get(pk=gone_through[-1]), f"o={order}")["after"]:
        gone_through.append(int(re.search(r"/(\d+)/change/", after)[1]))
        found = neighbours(XRayImage.objects.get(pk=gone_through[-1]), f"o={order}")
        assert f"/{gone_through[-2]}/change/" in found["before"]
        assert found["place"] == len(gone_through)
    assert gone_through == listed


def test_of_a_list_too_long_to_count_the_neighbours_are_shown_all_the_same(client, neighbours, films, monkeypatch):
    monkeypatch.setattr("imaging.neighbours.COUNTED", 2)
    found = neighbours(films[3])
    assert (found["before"], found["place"], found["number"]) == (address(films[2]), 0, None)
    assert "None" not in client.get(address(films[1])).text.partition("film-neighbours")[2][:600]


def test_what_a_search_found_is_gone_through_without_its_words_in_the_address(neighbours, client, films):
    listed = client.get(LIST, {"q": "Wei-Ting", "view__exact": "PA"})
    assert address(films[0]) in listed.text
    found = neighbours(films[0], "view__exact=PA")
    assert found["after"] == f"{address(films[3])}?{FILTERS}=view__exact%3DPA"
    assert (found["place"], found["number"]) == (1, 2)
    client.get(LIST, {"view__exact": "PA"})  # a list without a search is what counts from now on
    assert neighbours(films[0], "view__exact=PA")["number"] == 3


def test_a_film_that_was_hidden_meanwhile_is_passed_over(neighbours, client, clinician, films):
    client.get(LIST, {"q": "Wei-Ting"})
    XRayImage.objects.filter(pk=films[2].pk).hide(by=clinician)
    assert neighbours(films[0])["after"] == address(films[3])


def test_a_film_that_has_left_the_list_comes_before_its_first(neighbours, films):
    found = neighbours(films[2], "view__exact=PA")
    assert (found["before"], found["place"]) == (None, 0)
    assert found["after"].startswith(address(films[0]))


@pytest.mark.parametrize("filters", ["patient__national_id=A1", "view__exact=%00", "p=x&o=77&q=x", "created_at__gte=x"])
def test_an_address_that_asks_for_what_no_list_offers_gets_none(neighbours, films, filters):
    assert set(neighbours(films[0], filters)) == {"before", "after", "place", "number"}
