from io import BytesIO

import pytest
from django.core.files.base import ContentFile
from model_bakery import baker
from PIL import Image

from clinic.models import Patient
from imaging import phantom
from imaging.storing import receive
from inference.tests.tiny import register_tiny_models


def film(seed: int = 0, edge: int = 96) -> ContentFile:
    """A small chest, another one for each seed."""
    target = BytesIO()
    Image.fromarray(phantom.render("Normal", seed, edge)).save(target, "PNG")
    return ContentFile(target.getvalue(), name=f"film-{seed}.png")


@pytest.fixture
def make_xray(transactional_db):
    """Make X-rays as an upload does. The upload owns its transaction, so the test must not stand in one."""
    patient = baker.make(Patient, full_name="Chen Wei-Ting")

    def make(seed: int = 0):
        return receive(film(seed), patient).xray

    return make


@pytest.fixture
def tiny_models(transactional_db, tmp_path):
    return register_tiny_models(tmp_path / "made")
