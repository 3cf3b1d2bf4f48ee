"""The admin's first page: blocks that refresh themselves, computed once for everybody, and only where they changed."""

import re
import threading
import time

import pytest
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import Task
from model_bakery import baker

from backoffice.live import blocks
from backoffice.live.computed_once import computed_once
from backoffice.models import Mail

LOCAL_MEMORY = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "dashboard"}}
NO_CACHE = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}}


@pytest.fixture
def given_up(transactional_db):
    """A mail that the server refused ten times."""
    return baker.make(Mail, subject="Your booking", attempts=Mail.MAX_ATTEMPTS, error="550 no such mailbox")


def stamp_of(page: str, name: str) -> str:
    return re.search(rf"live/{name}/\?seen=(\w+)", page)[1]


def test_a_block_answers_only_where_it_has_changed(client, administrator, given_up):
    client.force_login(administrator)
    stamp = stamp_of(client.get("/admin/").text, "mails_given_up")
    unchanged = client.get("/admin/live/mails_given_up/", {"seen": stamp})
    assert (unchanged.status_code, unchanged.content) == (204, b"")
    baker.make(Mail, subject="Another one", attempts=Mail.MAX_ATTEMPTS)
    changed = client.get("/admin/live/mails_given_up/", {"seen": stamp})
    assert changed.status_code == 200
    assert "Another one" in changed.text
    assert stamp_of(changed.text, "mails_given_up") != stamp


def test_a_change_shows_on_the_next_page(client, administrator, given_up):
    client.force_login(administrator)
    assert "550 no such mailbox" in client.get("/admin/").text
    given_up.delete()
    assert "550 no such mailbox" not in client.get("/admin/").text


def test_a_block_with_nothing_to_show_is_hidden_and_goes_on_asking(client, administrator, transactional_db):
    client.force_login(administrator)
    block = client.get("/admin/live/mails_given_up/").text
    assert re.search(r'id="block-mails_given_up"[^>]* hidden', block)
    assert "hx-trigger" in block


@pytest.mark.parametrize("who", ["front_desk", "clinician"])
def test_a_block_is_not_there_for_whoever_may_not_see_it(client, given_up, request, who):
    client.force_login(request.getfixturevalue(who))
    assert "550 no such mailbox" not in client.get("/admin/").text
    assert client.get("/admin/live/mails_given_up/").status_code == 404


def test_a_block_that_does_not_exist_is_not_found(client, administrator):
    client.force_login(administrator)
    assert client.get("/admin/live/weather/").status_code == 404


def test_nobody_sees_a_block_without_signing_in(client, given_up):
    answer = client.get("/admin/live/mails_given_up/")
    assert answer.status_code == 302
    assert "/login/" in answer["Location"]


def test_looking_again_asks_nothing_of_the_table(client, administrator, given_up):
    client.force_login(administrator)
    stamp = stamp_of(client.get("/admin/").text, "mails_given_up")
    with CaptureQueriesContext(connection) as asked:
        client.get("/admin/live/mails_given_up/", {"seen": stamp})
    assert [query["sql"] for query in asked if "backoffice_mail" in query["sql"]] == []


def test_a_mail_that_gave_up_is_sent_again_at_one_press(client, administrator, given_up):
    client.force_login(administrator)
    pressed = {"action": "send_again", "_selected_action": given_up.pk, "_from_dashboard": "1"}
    answer = client.post("/admin/backoffice/mail/", pressed, follow=True)
    assert answer.redirect_chain == [("/admin/", 302)]
    assert "1 mail is tried again." in answer.text
    assert list(Mail.objects.due()) == [given_up]


def test_a_task_that_broke_says_why(client, administrator, transactional_db):
    now = timezone.now()
    error = "database is locked : Traceback (most recent call last)…"
    failed = {"success": False, "result": error, "started": now, "stopped": now}
    Task.objects.create(id="f" * 32, name="f", func="clinic.reminders.remind", **failed)
    client.force_login(administrator)
    page = client.get("/admin/").text
    assert "Remind the patients of tomorrow" in page
    assert "database is locked" in page
    assert "Traceback" not in page


def test_the_page_works_without_the_cache(client, administrator, given_up, settings):
    settings.CACHES = NO_CACHE
    client.force_login(administrator)
    assert "550 no such mailbox" in client.get("/admin/").text


def test_ten_who_look_at_once_cost_one_computation(settings):
    settings.CACHES = LOCAL_MEMORY
    cache.clear()
    computed, seen = [], []

    def compute():
        computed.append(threading.current_thread().name)
        time.sleep(0.2)
        return {"n": 7}

    def look():
        seen.append(computed_once("stampede", compute, version=lambda: "v1", seconds=60))

    threads = [threading.Thread(target=look) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [{"n": 7}] * 10
    assert len(computed) == 1


def test_whoever_waits_for_a_computation_that_died_does_it(settings, monkeypatch):
    settings.CACHES = LOCAL_MEMORY
    monkeypatch.setattr("backoffice.live.computed_once.PATIENCE", 0.2)
    cache.clear()
    cache.add("orphan:lock", True, 60)
    assert computed_once("orphan", lambda: "mine", version=lambda: "v1", seconds=60) == "mine"


def test_a_computation_that_fails_keeps_nobody_from_trying(settings):
    settings.CACHES = LOCAL_MEMORY
    cache.clear()

    def fail():
        raise ValueError("no such table")

    with pytest.raises(ValueError, match="no such table"):
        computed_once("fails", fail, version=lambda: "v1", seconds=60)
    assert computed_once("fails", lambda: "well", version=lambda: "v1", seconds=60) == "well"


def test_what_took_long_is_good_for_a_while_after_a_change_and_what_did_not_is_computed_anew(monkeypatch, settings):
    settings.CACHES = LOCAL_MEMORY
    cache.clear()

    def ask(version: str, *, worth: float) -> str:
        def compute() -> str:
            time.sleep(0.01)
            return version

        return computed_once(f"worth:{worth}", compute, version=lambda: version, seconds=60, worth=worth)

    monkeypatch.setattr("backoffice.live.computed_once.LONG", 0.001)
    assert [ask("v1", worth=10_000), ask("v2", worth=10_000)] == ["v1", "v1"]
    assert [ask("v1", worth=0), ask("v2", worth=0)] == ["v1", "v2"]
    monkeypatch.setattr("backoffice.live.computed_once.LONG", 60)
    assert [ask("v1", worth=20_000), ask("v2", worth=20_000)] == ["v1", "v2"]


def test_every_block_keeps_plain_values_that_any_process_can_read(administrator):
    """What is kept outlives the process: no query that is still to be asked, and no request."""
    for block in (block for block in blocks.blocks_for(administrator) if block.models):
        context = block.compute()
        assert context is None or all(not hasattr(value, "query") for value in context.values()), block.name


def test_two_blocks_of_one_name_are_refused():
    def mails_given_up() -> None:
        return None

    with pytest.raises(ImproperlyConfigured, match=r"backoffice\.dashboard\.mails_given_up"):
        blocks.block(order=1, permission="backoffice.view_mail", template="x.html")(mails_given_up)
