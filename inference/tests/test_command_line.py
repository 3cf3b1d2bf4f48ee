"""`ask_models FILE…`: a table for whoever wants to see it work."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from inference.models import Prediction
from inference.registry import checking
from inference.tests.conftest import film

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "film.png"
    path.write_bytes(film().read())
    return path


def test_it_prints_a_table_and_stores_nothing(picture, tiny_models):
    checking.check_new_models()
    out = StringIO()
    call_command("ask_models", picture, stdout=out)
    head, row = out.getvalue().splitlines()[:2]
    assert head.split()[:4] == ["file", "diagnosis", "confidence", "agree"]
    assert "Tiny ResNet" in head
    assert row.startswith("film.png")
    assert not Prediction.objects.exists()


def test_it_answers_the_good_files_and_names_the_bad(picture, tiny_models, tmp_path):
    checking.check_new_models()
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"not a picture")
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError, match="1 of 2 files"):
        call_command("ask_models", picture, bad, stdout=out, stderr=err)
    assert "film.png" in out.getvalue()
    assert "bad.png" in err.getvalue()
