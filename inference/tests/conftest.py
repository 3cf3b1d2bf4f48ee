from io import BytesIO

import numpy as np
import pytest
from django.core.files.base import ContentFile
from model_bakery import baker
from PIL import Image

from clinic.models import Patient
from imaging.storing import receive
from inference.tests.tiny import register_tiny_models


def film(seed: int = 0, edge: int = 96) -> ContentFile:
    """A picture that imaging accepts: grey noise, another one for each seed."""
    target = BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (edge, edge), np.uint8)
    Image.fromarray(pixels).save(target, "PNG")
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
