"""Mails go out through a table: a mail server that is away neither fails what the mail tells of nor loses the mail.

Whoever changes something posts the mail in the same transaction, so there is a mail for each change that was committed
and none for others. A worker sends what is due, each row under a lease (records/leases.py). So a mail is sent once, or,
where a worker dies between sending and noting it, twice; never not at all.
"""

import datetime
import logging
from contextlib import suppress
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPSenderRefused

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from backoffice.jobs.nudges import nudge
from backoffice.models import Mail
from backoffice.models.mails import MailQuerySet
from backoffice.traced import of_request

logger = logging.getLogger(__name__)

# What a server says of one mail. Any other OSError, and all of smtplib's are some, says that there is no server.
REFUSED = (SMTPRecipientsRefused, SMTPSenderRefused, SMTPDataError)
AT_ONCE = datetime.timedelta()
BATCH = 100  # mails in one go: within a task's time even where the server takes a second for each


def post(to: str, subject: str, body: str, *, about: str = "", after: datetime.timedelta = AT_ONCE) -> Mail:
    """Have a plain-text mail sent once the transaction is committed, or when `after` is over.

    One that is still to come and is `about` the same thing is not sent: this one takes its place.
    """
    if about:
        Mail.objects.still_to_come(about).delete()
    due = timezone.now() + after if after else None
    mail = Mail.objects.create(to=to, subject=subject, body=body, about=about, lease_until=due)
    nudge("backoffice.jobs.mail.send_due", settings.DEFAULT_CLUSTER)
    return mail


def send_due() -> int:
    """Send what is due, the oldest first; returns how many mails that were.

    One that is refused is tried again later, and later still. Where the mail server is away, or leaves in the middle,
    the others wait as they are: it is none of their attempts. What is beyond BATCH goes out a minute later.
    """
    due = list(Mail.objects.due().filter(attempts__lt=Mail.MAX_ATTEMPTS)[:BATCH])
    if not due:
        return 0
    connection, sent = get_connection(), 0
    try:
        connection.open()
        for mail in due:
            with of_request(mail.request_id):
                sent += _send(mail, connection)
    except OSError as error:
        # A schedule asks again within a minute.
        logger.warning("%d mails wait: the mail server does not answer (%s)", len(due) - sent, type(error).__name__)
    finally:
        with suppress(OSError):
            connection.close()
    return sent


def send_again(mails: MailQuerySet) -> int:
    """Try those that were given up once more, from the beginning. Returns how many that were."""
    tried = mails.given_up().update(attempts=0, lease_until=None, error="")
    if tried:
        nudge("backoffice.jobs.mail.send_due", settings.DEFAULT_CLUSTER)
    return tried


def _send(mail: Mail, connection: BaseEmailBackend) -> bool:
    """Send one, and note it. False where another worker has it, or the server refused it.

    Raises OSError where the server is lost.
    """
    pause = datetime.timedelta(minutes=2**mail.attempts)
    # A worker that dies between sending and noting leaves it to the next one when the pause is over.
    claimed = Mail.objects.due().filter(pk=mail.pk, attempts=mail.attempts).claim(lease=pause)
    if not claimed:
        return False  # another worker got there first
    [mail] = claimed
    try:
        _message(mail, connection).send()
    except Exception as error:  # whatever is wrong with one mail, the others go out
        mail.put_back(pause, error=f"{type(error).__name__}: {error}"[:200])
        # Only the kind of error: its text may name the patient's address.
        logger.warning("Mail %d was not sent (%s)", mail.pk, type(error).__name__)
        if isinstance(error, OSError) and not isinstance(error, REFUSED):
            raise  # this mail may be why: it is charged, and those behind it are not
        return False
    logger.info("mail %d was sent", mail.pk)
    return mail.finish(sent_at=timezone.now(), body="", error="")


def _message(mail: Mail, connection: BaseEmailBackend) -> EmailMessage:
    return EmailMessage(
        mail.subject,
        mail.body,
        to=[mail.to],
        connection=connection,
        headers={"Auto-Submitted": "auto-generated"},  # RFC 3834: no holiday reply, please
    )
