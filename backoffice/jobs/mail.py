"""Mails go out through a table: a mail server that is away neither fails what the mail tells of nor loses the mail.

Whoever changes something posts the mail in the same transaction, so there is a mail for each change that was committed
and none for others. A worker sends what is due. It claims a row by moving its next attempt into the future: a second
worker passes it by, and a worker that dies leaves it to the next one. So a mail is sent once, or, where a worker dies
between sending and noting it, twice; never not at all.
"""

import datetime
import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import F
from django.utils import timezone

from backoffice.jobs.nudges import nudge
from backoffice.models import Mail
from backoffice.models.mails import MailQuerySet

logger = logging.getLogger(__name__)

BATCH = 100  # mails in one go: within a task's time even where the server takes a second for each


def post(to: str, subject: str, body: str) -> Mail:
    """Have a plain-text mail sent once the transaction is committed."""
    mail = Mail.objects.create(to=to, subject=subject, body=body)
    nudge("backoffice.jobs.mail.send_due", settings.DEFAULT_CLUSTER)
    return mail


def send_due() -> int:
    """Send what is due, the oldest first; returns how many mails that were.

    One that is refused is tried again later, and later still; what is beyond BATCH goes out a minute later.
    """
    due = list(Mail.objects.due()[:BATCH])
    if not due:
        return 0
    connection = get_connection()
    try:
        connection.open()
    except (OSError, SMTPException) as error:
        # Not the mails' fault, so it is none of their attempts; a schedule asks again within a minute.
        logger.warning("%d mails wait: the mail server does not answer (%s)", len(due), type(error).__name__)
        return 0
    try:
        return sum(_send(mail, connection) for mail in due)
    finally:
        connection.close()


def send_again(mails: MailQuerySet) -> int:
    """Try those that were given up once more, from the beginning. Returns how many that were."""
    tried = mails.given_up().update(attempts=0, try_after=timezone.now(), error="")
    if tried:
        nudge("backoffice.jobs.mail.send_due", settings.DEFAULT_CLUSTER)
    return tried


def _send(mail: Mail, connection: BaseEmailBackend) -> bool:
    if not _claim(mail):
        return False  # another worker got there first
    message = EmailMessage(
        mail.subject,
        mail.body,
        to=[mail.to],
        connection=connection,
        headers={"Auto-Submitted": "auto-generated"},  # RFC 3834: no holiday reply, please
    )
    mine = Mail.objects.filter(pk=mail.pk)
    try:
        message.send()
    except Exception as error:  # whatever is wrong with one mail, the others go out
        mine.update(error=f"{type(error).__name__}: {error}"[:200])
        # Only the kind of error: its text may name the patient's address.
        logger.warning("Mail %d was not sent (%s)", mail.pk, type(error).__name__)
        return False
    mine.update(sent_at=timezone.now(), body="", error="")
    return True


def _claim(mail: Mail) -> bool:
    pause = datetime.timedelta(minutes=2**mail.attempts)
    here = Mail.objects.due().filter(pk=mail.pk, attempts=mail.attempts)
    return bool(here.update(attempts=F("attempts") + 1, try_after=timezone.now() + pause))
