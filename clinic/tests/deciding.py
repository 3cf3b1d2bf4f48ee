"""The page that asks what becomes of booked people, for the tests of what leads to it."""

from django.contrib.messages import get_messages
from model_bakery import baker

from clinic import booking
from clinic.models import Appointment, ClinicSession, Patient


def booked(session: ClinicSession, people: int = 1) -> list[Appointment]:
    return [booking.book(session, baker.make(Patient, national_id=""), by=None) for _person in range(people)]


def proposals(response) -> dict[int, str]:
    """The keys of the listed appointments, and where each would go."""
    return {
        row["appointment"].pk: row["instead"].slug if row["instead"] else booking.CANCEL
        for row in response.context["rows"]
    }


def ticked(response) -> dict[int, str]:
    """What the page would send for each, were it confirmed as it is."""
    return {row["appointment"].pk: row["chosen"] for row in response.context["rows"]}


def decided(decisions: dict[int, str]) -> dict[str, str]:
    return {f"visit_{key}": decision for key, decision in decisions.items()}


def told(response) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))
