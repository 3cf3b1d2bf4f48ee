"""Mails that must go out: sent once, whatever the mail server and the workers do."""

import logging
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected

import pytest
from django.core import mail as django_mail
from django.core.mail.backends import locmem
from django.db import transaction
from django.utils import timezone
from django_q.models import OrmQ

from backoffice.jobs import mail
from backoffice.models import Mail

pytestmark = pytest.mark.django_db

NOBODY = "nobody@example.org"


class Away(locmem.EmailBackend):
    def open(self):
        raise ConnectionRefusedError


class Picky(locmem.EmailBackend):
    """Refuses one address, and names it in the error as real servers do."""

    def send_messages(self, messages):
        if messages[0].to == [NOBODY]:
            raise SMTPRecipientsRefused({NOBODY: (550, b"unknown")})
        return super().send_messages(messages)


class LostInTheMiddle(locmem.EmailBackend):
    """Takes one mail, and is gone at the next."""

    def send_messages(self, messages):
        if django_mail.outbox:
            raise SMTPServerDisconnected("Connection unexpectedly closed")
        return super().send_messages(messages)


@pytest.fixture
def server(settings):
    def use(backend: type) -> None:
        settings.EMAIL_BACKEND = f"{backend.__module__}.{backend.__name__}"

    return use


def test_it_sends_what_was_posted_once_and_forgets_the_text():
    mail.post("lin@example.org", "Hello", "a private link")
    assert (mail.send_due(), mail.send_due()) == (1, 0)
    assert [(sent.to, sent.subject, sent.body) for sent in django_mail.outbox] == [
        (["lin@example.org"], "Hello", "a private link")
    ]
    letter = Mail.objects.get()
    assert letter.sent_at
    assert letter.body == ""


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_nudged_once_the_change_is_committed_and_not_where_it_was_not():
    def post_and_fail():
        with transaction.atomic():
            mail.post("lin@example.org", "Hello", "")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        post_and_fail()
    assert not Mail.objects.exists()
    assert not OrmQ.objects.exists()
    with transaction.atomic():
        mail.post("lin@example.org", "Hello", "")
    assert OrmQ.objects.get().func() == "backoffice.jobs.mail.send_due"


def test_a_server_that_is_away_costs_no_mail_an_attempt(server):
    mail.post("lin@example.org", "Hello", "")
    server(Away)
    assert mail.send_due() == 0
    assert Mail.objects.due().get().attempts == 0


def test_a_refused_mail_is_tried_later_and_the_others_go_out(server, caplog):
    server(Picky)
    mail.post(NOBODY, "First", "")
    mail.post("lin@example.org", "Second", "")
    with caplog.at_level(logging.INFO):
        assert mail.send_due() == 1
    refused = Mail.objects.get(to=NOBODY)
    assert "550" in refused.error
    assert refused.lease_until > timezone.now()
    assert NOBODY not in caplog.text
    assert mail.send_due() == 0


def test_a_server_that_is_lost_in_the_middle_charges_none_of_the_mails_behind(server):
    server(LostInTheMiddle)
    for number in range(5):
        mail.post(f"patient{number}@example.org", "Hello", "")
    assert mail.send_due() == 1
    assert list(Mail.objects.order_by("pk").values_list("attempts", flat=True)) == [1, 1, 0, 0, 0]
    django_mail.outbox.clear()
    server(locmem.EmailBackend)
    assert mail.send_due() == 3
    assert Mail.objects.waiting().count() == 1  # the one in hand when it went: perhaps the reason, so it waits


def test_it_waits_longer_each_time_and_gives_up_in_the_end(server):
    server(Picky)
    letter = mail.post(NOBODY, "Hello", "")
    pauses = []
    while Mail.objects.waiting().exists():
        before = timezone.now()
        Mail.objects.update(lease_until=before)
        mail.send_due()
        letter.refresh_from_db()
        pauses.append(round((letter.lease_until - before).total_seconds() / 60))
    assert pauses == [2**attempt for attempt in range(Mail.MAX_ATTEMPTS)]


def test_what_another_worker_sent_meanwhile_is_passed_by(monkeypatch):
    mail.post("lin@example.org", "Hello", "")

    def overtaken():
        monkeypatch.undo()
        assert mail.send_due() == 1
        return django_mail.get_connection()

    monkeypatch.setattr(mail, "get_connection", overtaken)
    assert mail.send_due() == 0
    assert len(django_mail.outbox) == 1


def test_administrators_see_what_waits_and_why_and_nobody_else_does(client, administrator, front_desk, server):
    server(Picky)
    letter = mail.post(NOBODY, "Hello", "")
    mail.send_due()
    client.force_login(administrator)
    assert b"SMTPRecipientsRefused" in client.get("/admin/backoffice/mail/").content
    assert client.get(f"/admin/backoffice/mail/{letter.pk}/change/").status_code == 200
    assert client.post(f"/admin/backoffice/mail/{letter.pk}/change/", {"to": "x@example.org"}).status_code == 403
    client.force_login(front_desk)
    assert client.get("/admin/backoffice/mail/").status_code == 403


@pytest.mark.slow
def test_a_real_worker_sends_what_waited_for_it(installation, tmp_path):
    installation.environment["EMAIL_URL"] = f"filemail:///{tmp_path}/sent"
    installation.python("from backoffice.jobs import mail; mail.post('lin@example.org', 'Hello', 'a link')")
    installation.manage("qcluster", "--run-once")
    [letter] = (tmp_path / "sent").iterdir()
    assert "To: lin@example.org" in letter.read_text()
    assert installation.query("SELECT body FROM backoffice_mail WHERE sent_at IS NOT NULL") == [("",)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_nothing_that_is_typed_becomes_a_header(end):
    mail.post("lin@example.org", f"Hello{end}Bcc: victim@example.org", "Text")
    mail.post(f"lin@example.org{end}Bcc: victim@example.org", "Hello", "Text")
    mail.post("wang@example.org", "Hello", f"Text{end}Bcc: victim@example.org")
    assert mail.send_due() == 1
    [sent] = django_mail.outbox
    assert sent.recipients() == ["wang@example.org"]
    assert "Bcc" not in sent.message()
    assert [letter.sent_at for letter in Mail.objects.exclude(to="wang@example.org")] == [None, None]
