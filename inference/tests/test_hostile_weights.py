"""Files that are no weights, or too many of them: each is one refusal with its reason."""

from io import BytesIO

import pytest
from safetensors.torch import load_file

from inference.models import DiagnosticModel
from inference.nn.findings import UnusableError
from inference.nn.weights_file import read_head
from inference.tests.bad_weights import BAD
from inference.tests.registering import ADD, described


@pytest.mark.django_db
@pytest.mark.parametrize("what", BAD)
def test_a_hostile_file_is_one_refusal_and_leaves_nothing(client, administrator, what, settings):
    content, _code = BAD[what]
    client.force_login(administrator)
    answer = client.post(ADD, described(content or b" "))
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors.keys() == {"weights"}
    assert not DiagnosticModel.objects.exists()
    assert not list(settings.MEDIA_ROOT.rglob("*.safetensors"))


@pytest.mark.parametrize("what", BAD)
def test_each_bad_file_is_told_by_its_reason(what):
    content, code = BAD[what]
    with pytest.raises(UnusableError) as refusal:
        read_head(BytesIO(content))
    assert [finding["code"] for finding in refusal.value.findings] == [code]


def test_a_good_files_head_is_read(weights):
    with weights.open("rb") as file:
        tensors = read_head(file)
    assert {name: place.shape for name, place in tensors.items()} == {
        name: tuple(tensor.shape) for name, tensor in load_file(weights).items()
    }


@pytest.mark.django_db
def test_a_file_over_the_limit_is_refused_before_it_is_read(client, administrator, weights, settings, monkeypatch):
    settings.WEIGHTS_MAX_SIZE = 1000
    client.force_login(administrator)
    answer = client.post(ADD, described(weights))
    assert "at most 1000" in answer.text.replace("\xa0", " ")
    assert not DiagnosticModel.objects.exists()


@pytest.mark.django_db
def test_a_body_over_the_limit_is_refused_unread(client, administrator, monkeypatch):
    from inference.registry.model_pages import RegistersModels

    monkeypatch.setattr(RegistersModels, "largest_files", {"add": 1000})
    client.force_login(administrator)
    answer = client.post(ADD, described(bytes(4_000_000)))
    assert answer.status_code == 413
