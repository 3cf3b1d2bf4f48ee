"""What the pages of answers and models print is what a person reads: no noise of arithmetic, days in one way."""

import datetime

import pytest
from django.urls import reverse
from model_bakery import baker

from clinic.models import ClinicSession, Closure
from imaging.models import XRayImage
from inference.models import DiagnosticModel, ModelResult, Prediction

pytestmark = pytest.mark.django_db

SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def test_an_answers_page_tells_times_and_checksums_shortly(client, administrator):
    prediction = baker.make(Prediction, status="completed", xray=baker.make(XRayImage, taken_on="2026-11-25"))
    for milliseconds in (21.985727458333788, 1234.5678):
        baker.make(ModelResult, prediction=prediction, milliseconds=milliseconds, model_sha256=SHA256)
    client.force_login(administrator)
    page = client.get(reverse("admin:inference_prediction_change", args=[prediction.pk])).text
    assert "22 ms" in page
    assert "1.2 s" in page
    assert "21.98" not in page
    assert f'title="{SHA256}">{SHA256[:12]}</abbr>' in page
    assert f">{SHA256}<" not in page
    assert "25 Nov 2026" in page
    assert "2026-11-25" not in page


def test_a_models_page_has_no_noise_and_no_json(client, administrator):
    model = baker.make(
        DiagnosticModel, temperature=1.0419156551361084, mean=[0.46437194859678], metrics={"log_loss": 0.3020058356}
    )
    client.force_login(administrator)
    page = client.get(reverse("admin:inference_diagnosticmodel_change", args=[model.pk])).text
    for shown in ("1.042", "0.464", "log loss: 0.302", "Divides the logits"):
        assert shown in page
    assert "1.04191" not in page


def test_a_day_is_written_one_way_wherever_a_record_is_named():
    day = datetime.date(2026, 11, 25)
    assert str(ClinicSession(date=day, period="morning")) == "25 Nov 2026 morning"
    assert str(Closure(starts_on=day, ends_on=day, reason="Typhoon")) == "25 Nov 2026: Typhoon"
    later = day + datetime.timedelta(days=1)
    assert str(Closure(starts_on=day, ends_on=later, reason="Typhoon")) == "25 Nov 2026 – 26 Nov 2026: Typhoon"
