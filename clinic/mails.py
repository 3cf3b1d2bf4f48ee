"""Mails to patients: booked, moved, new hours, cancelled, and the day before.

In the language of the booking, with the link to the private page. Mail is read over shoulders and kept by others:
nothing medical, no name, no ID.
"""

import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from backoffice.jobs import mail
from clinic.models import Appointment

# Who moves a booking to and fro hears of where it ended, once: a move is told when it has stood for so long.
STANDS = datetime.timedelta(minutes=2)

SUBJECTS = {
    "booked": _("Booked: %(day)s, number %(number)s"),
    "moved": _("Moved: %(day)s, number %(number)s"),
    "hours": _("New hours: %(day)s, number %(number)s"),
    "cancelled": _("Cancelled: %(day)s"),
    "reminder": _("Reminder: %(day)s, number %(number)s"),
}


def address_of(appointment: Appointment) -> str:
    """Where this booking's mails go: the address given with it, else the one on file, else nowhere."""
    return appointment.claimed.get("email") or appointment.patient.email


def write(kind: str, appointment: Appointment) -> bool:
    """Post one of SUBJECTS to the patient; nothing without an address, to a hidden record, or once the session is over.

    The links begin with SITE_URL, whoever caused the mail: a request's own Host is whatever its sender wrote into it.
    Returns whether there is a mail.
    """
    session = appointment.session
    if not address_of(appointment) or appointment.patient.is_hidden or session.has_ended():
        return False
    with translation.override(appointment.language):
        context = {
            "appointment": appointment,
            "session": session,
            "clinic_name": settings.CLINIC_NAME,
            "link": settings.SITE_URL + reverse("clinic:booking", args=[appointment.reference]),
            "book_again": settings.SITE_URL + reverse("clinic:choose"),
        }
        day = date_format(session.date, "LONG_DAY_FORMAT")
        subject = SUBJECTS[kind] % {"day": day, "number": appointment.queue_number}
        body = render_to_string(f"clinic/mail/{kind}.txt", context)
        mail.post(
            address_of(appointment),
            f"{settings.CLINIC_NAME} · {subject}",
            body,
            about=f"change of booking {appointment.pk}" if kind in ("moved", "cancelled") else "",
            after=STANDS if kind == "moved" else mail.AT_ONCE,
        )
    return True
