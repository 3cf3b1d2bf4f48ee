"""Why there is no answer, and what is wrong with a model, is told to each reader in their own language."""

import ast
import re

import pytest
from django.urls import reverse
from django.utils import translation
from model_bakery import baker

from backoffice.formats.kept import told
from backoffice.tests.installations import ROOT
from backoffice.tests.languages import CHINESE, ENGLISH, said
from inference import failures
from inference.models import DiagnosticModel, Prediction
from inference.tests.reading import NAMES as READ_ANYWAY

NAMES = READ_ANYWAY | {"cpu"}
READERS = pytest.mark.parametrize(("language", "others"), [("zh-hant", ENGLISH), ("en", CHINESE)])


def complaints_about_weights() -> list[str]:
    """What the networks' code says, with a sign in place of what it fills in."""
    found = []
    for path in sorted((ROOT / "inference" / "nn").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "WeightsError":
                parts = node.args[0].values if isinstance(node.args[0], ast.JoinedStr) else [node.args[0]]
                found.append("".join(str(part.value) if isinstance(part, ast.Constant) else "1" for part in parts))
    return found


def test_each_complaint_about_weights_is_known():
    complaints = [text for text in complaints_about_weights() if re.search("[a-z]", text)]
    assert len(complaints) > 5
    with translation.override("zh-hant"):
        assert [text for text in complaints if set(ENGLISH.findall(told(text))) - {"timm", "safetensors"}] == []
        fits = "a.safetensors does not fit resnet50; 9 missing: a.b, c.d and 7 more; "
        fits += "1 of another shape: e.f (7×3 in the file, 4 in the network)"
        assert told(fits) == (
            "a.safetensors 與 resnet50 不相符；缺少 9 個：a.b, c.d 以及另外 7 個；"
            "1 個的形狀不同：e.f（檔案為 7×3，模型為 4）"
        )


@READERS
@pytest.mark.parametrize(
    "error", [failures.STOPPED(n=3), failures.NO_ANSWER(n=3), failures.UNREADABLE, failures.NO_MODEL]
)
def test_a_film_that_failed_says_why(client, clinician, language, others, error):
    failed = baker.make(Prediction, status=Prediction.Status.FAILED, error=error, xray__patient__full_name="7")
    clinician.language = language
    clinician.save()
    client.force_login(clinician)
    film = reverse("admin:imaging_xrayimage_change", args=[failed.xray_id])
    for page in (film, reverse("admin:index"), reverse("admin:imaging_xrayimage_changelist")):
        assert said(client.get(page).text, others, NAMES) == set(), page
    history = client.get(reverse("admin:inference_prediction_history", args=[failed.pk])).text
    assert said(history, others, NAMES) == set()


@READERS
def test_a_model_that_cannot_be_used_says_why(client, administrator, language, others):
    error = "4 is built for 5 px, but its input size is given as 6"
    model = baker.make(
        DiagnosticModel, name="1", version="2", architecture="4", check_error=error, labels=[], mean=[1], std=[1]
    )
    administrator.language = language
    administrator.save()
    client.force_login(administrator)
    for kind in ("change", "history"):
        page = client.get(reverse(f"admin:inference_diagnosticmodel_{kind}", args=[model.pk])).text
        assert said(page, others, NAMES) == set(), kind
