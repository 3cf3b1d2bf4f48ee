"""What a patient is told of a report: that there is one, and where. Mail is read over shoulders: nothing medical, no
name."""

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from backoffice.jobs import mail
from clinic.mails import address_of
from inference.models import Report


def link_to(report: Report) -> str:
    """Where the patient opens it, whatever host was asked."""
    return settings.SITE_URL + reverse("report", args=[report.key])


def address_for(report: Report) -> str:
    """Where its mail goes: that of the film's visit, else the one on file, else nowhere."""
    film = report.prediction.xray
    return address_of(film.appointment) if film.appointment else film.patient.email


def tell_of(report: Report) -> bool:
    """Post the mail, in the report's language, in the transaction that publishes it. Returns whether there is one."""
    to = address_for(report)
    if not to:
        return False
    with translation.override(report.language):
        subject = _("A new version of your document") if report.version > 1 else _("A document for you")
        context = {"clinic_name": settings.CLINIC_NAME, "link": link_to(report), "report": report}
        body = render_to_string("inference/mail/report.txt", context)
        mail.post(to, f"{settings.CLINIC_NAME} · {subject}", body, about=f"report {report.prediction_id}")
    return True
