"""What a report shows, before it is set: facts, text, who signed, and where it can be checked."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from backoffice.files.apart import Undone
from backoffice.records.text import tidy_text
from imaging.derived import open_thumbnail
from imaging.ingest import Refused
from inference.models import Report
from inference.reports.drafting import HEADINGS


@dataclass(frozen=True)
class Sheet:
    """All its texts are in its language already."""

    language: str
    title: str
    clinic: str
    version: str
    facts: list[tuple[str, str]]
    amendment: str
    body: str
    headings: frozenset[str]
    signatures: list[str]
    check_words: str
    check_url: str
    draft_words: str = ""
    """Stands across a page that is none yet."""
    film: bytes | None = None
    film_words: str = ""
    at: datetime | None = None

    @property
    def text(self) -> str:
        """Everything that it says, line by line."""
        return "\n".join(filter(None, self._said()))

    def _said(self) -> Iterator[str]:
        yield from (self.clinic, self.title, self.version)
        yield from (f"{name}: {value}" for name, value in self.facts)
        yield from (self.amendment, self.body, *self.signatures)

    @property
    def text_sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def sheet_of(report: Report, *, published_at: datetime | None = None, publisher: str = "") -> Sheet:
    """The report as it is to be set; as a draft without `published_at`."""
    with translation.override(report.language):
        return Sheet(
            language=report.language,
            title=_("X-ray report"),
            clinic=settings.CLINIC_NAME,
            version=_("Version %(number)d") % {"number": report.version} if report.version > 1 else "",
            facts=_facts(report),
            amendment=_("Amended: %(what)s") % {"what": report.amendment} if report.amendment else "",
            body=_clean(report.body),
            headings=frozenset(str(heading) for heading in HEADINGS),
            signatures=_signatures(report, published_at, publisher),
            check_words=_("Whether this is the newest version is said at this address:"),
            check_url=settings.SITE_URL + reverse("report_check", args=[report.key]),
            draft_words="" if published_at else _("Draft: not published"),
            film=_film(report) if report.shows_film else None,
            film_words=_("The film, made small: it is not for diagnosis."),
            at=published_at,
        )


def _clean(text: str) -> str:
    """In the one spelling of texts, also where it did not come by a form: a composed letter is in more typefaces."""
    try:
        return tidy_text(text).expandtabs(4).rstrip()
    except ValidationError:
        return "".join(sign for sign in text if sign.isprintable() or sign == "\n")


def _facts(report: Report) -> list[tuple[str, str]]:
    film = report.prediction.xray
    patient = film.patient
    return [
        (_("Full name"), _clean(patient.full_name)),
        (_("Date of birth"), date_format(patient.date_of_birth)),
        (_("Sex"), patient.get_sex_display()),
        (_("X-ray"), _("Chest, %(view)s") % {"view": film.get_view_display()} if film.view else _("Chest")),
        (_("Taken on"), date_format(film.day)),
    ]


def _signatures(report: Report, published_at: datetime | None, publisher: str) -> list[str]:
    signed = report.prediction
    told = []
    if signed.reviewed_at:
        when = date_format(timezone.localtime(signed.reviewed_at), "DATETIME_FORMAT")
        told.append(_("Signed by %(who)s, %(when)s.") % {"who": _clean(str(signed.reviewed_by)), "when": when})
    if published_at:
        when = date_format(timezone.localtime(published_at), "DATETIME_FORMAT")
        told.append(_("Published by %(who)s, %(when)s.") % {"who": _clean(publisher), "when": when})
    return told


def _film(report: Report) -> bytes | None:
    """A report without its picture is better than none."""
    try:
        with open_thumbnail(report.prediction.xray) as file:
            return file.read()
    except (OSError, Refused, Undone):
        return None
