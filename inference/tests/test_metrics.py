"""Figures for Prometheus: asked as it asks, by everybody else not found."""

import datetime
import re
from ipaddress import ip_network

import pytest
from django.utils import timezone
from django_q.brokers import get_broker
from model_bakery import baker
from prometheus_client.parser import text_string_to_metric_families

from backoffice.measuring import figures
from backoffice.models import Mail, ScheduledRun, TableImport
from clinic.models import Patient
from clinic.tests.rush import offer_places
from imaging.models import XRayImage
from inference.models import Prediction, Worker

pytestmark = pytest.mark.django_db

TOKEN = "of-this-test-alone"
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def scrape(client, settings):
    settings.METRICS_TOKEN = TOKEN

    def scrape() -> dict[tuple, float]:
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
        families = list(text_string_to_metric_families(answer.content.decode()))
        samples = (each for family in families for each in family.samples)
        return {(each.name, *(value for _label, value in sorted(each.labels.items()))): each.value for each in samples}

    return scrape


def test_nobody_finds_them_unless_it_is_set_who_may(client, settings):
    assert client.get("/metrics").status_code == 404
    settings.METRICS_TOKEN = TOKEN
    for wrong in ("", "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é"):
        assert client.get("/metrics", headers={"Authorization": wrong}).status_code == 404
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404
    settings.METRICS_NETWORKS = [ip_network("10.0.0.0/8")]
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 200


def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_saw(client, settings):
    settings.METRICS_NETWORKS, settings.BEHIND_PROXY = [ip_network("10.0.0.0/8")], True
    said = {"X-Forwarded-For": "10.0.0.1, 203.0.113.7"}
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.9", headers=said).status_code == 404


def test_what_waits_and_failed_and_is_overdue_is_told(scrape):
    ago = timezone.now() - HOUR
    baker.make(Mail, _quantity=2)
    Mail.objects.update(written_at=ago)
    baker.make(Mail, attempts=Mail.MAX_ATTEMPTS)
    baker.make(TableImport, status="to_check")
    baker.make(TableImport, status="failed", finished_at=ago)
    urgent = baker.make(Prediction, xray=baker.make(XRayImage), status="pending", is_urgent=True)
    Prediction.objects.filter(pk=urgent.pk).update(created_at=ago)
    baker.make(Prediction, xray=urgent.xray, status="failed", finished_at=ago)
    baker.make(Worker, beat_at=ago, name="gone")
    baker.make(Worker, beat_at=timezone.now(), name="here", trouble="no_gpu")
    ScheduledRun.objects.create(function="clinic.reminders.remind", began_at=ago - 72 * HOUR, error="broke")
    offer_places(30)
    get_broker("inference").enqueue("a task")

    told = scrape()
    assert told["collimator_mails_waiting",] == 2
    assert told["collimator_mails_oldest_age_seconds",] == pytest.approx(3600, abs=60)
    assert told["collimator_mails_given_up",] == 1
    assert (told["collimator_imports_waiting",], told["collimator_imports_failed_within_a_day",]) == (1, 1)
    assert (told["collimator_predictions_unfinished",], told["collimator_predictions_urgent",]) == (1, 1)
    assert told["collimator_predictions_oldest_age_seconds",] == pytest.approx(3600, abs=60)
    assert told["collimator_predictions_ended_within_a_day", "failed"] == 1
    assert (told["collimator_inference_workers_alive",], told["collimator_inference_workers_troubled",]) == (1, 1)
    assert told["collimator_inference_heartbeat_age_seconds",] < 60
    assert told["collimator_schedule_missed_runs", "clinic.reminders.remind"] == 3
    assert told["collimator_schedule_failed", "clinic.reminders.remind"] == 1
    assert (told["collimator_places_free", "0"], told["collimator_places_free", "1"]) == (0, 30)
    assert (told["collimator_nudges_waiting", "default"], told["collimator_nudges_waiting", "inference"]) == (0, 1)
    assert told["collimator_drift_findings",] == told["collimator_morning_findings",] == 0


def test_a_scrape_is_a_handful_of_queries_however_much_there_is(scrape, django_assert_max_num_queries):
    scrape()
    baker.make(Mail, _quantity=20)
    for xray in baker.make(XRayImage, _quantity=5):
        baker.make(Prediction, xray=xray, status="pending")
    with django_assert_max_num_queries(21) as asked:
        scrape()
    assert len(asked) >= 10


def test_requests_are_counted_by_view_and_never_by_address(scrape, client):
    before = scrape()

    def more(*labels: str) -> float:
        name = "collimator_requests_total"
        return after[(name, *labels)] - before.get((name, *labels), 0)

    client.get("/book/")
    client.get("/bookings/a-key-that-nobody-has-at-all/")
    client.generic("SECRET", "/nowhere/a-key/")
    after = scrape()
    assert more("GET", "200", "clinic:choose") == 1
    assert more("other", "404", "none") == 1
    assert after["collimator_request_seconds_count", "clinic:choose"] >= 1
    assert not [name for name in after if re.search("a-key|SECRET", str(name))]


def test_no_patient_is_in_any_figure(scrape):
    baker.make(Patient, full_name="Somebody Special", national_id="A123456789", phone="0912345678")
    baker.make(Mail, to="special@example.org", subject="Special")
    assert not re.search("(?i)special|A123456789|0912345678", str(scrape()))


def test_what_cannot_be_read_is_named_and_the_rest_is_told(scrape, monkeypatch):
    def broken():
        raise RuntimeError("the table is away")

    monkeypatch.setitem(figures.reading.all(), "mails", broken)
    told = scrape()
    assert told["collimator_readings_failed", "mails"] == 1
    assert ("collimator_mails_waiting",) not in told
    assert told["collimator_imports_waiting",] == 0
