"""Every broken spreadsheet that we could find gets a clear answer on the page, and changes nothing."""

import os
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from backoffice.imports import uploads
from backoffice.models import TableImport
from clinic.models import Patient
from clinic.tests.tables import CONFIRM, IMPORT, csv_of, many

FOLDER = Path(os.environ.get("REAL_FILES_DIR", ""), "tabular")
FILES = sorted(FOLDER.iterdir()) if os.environ.get("REAL_FILES_DIR") else []


@pytest.mark.django_db
@pytest.mark.parametrize("name", [path.name for path in FILES] or ["none"])
def test_it_is_answered_with_a_sentence_and_changes_nothing(client, administrator, real_files, name):
    client.force_login(administrator)
    content = (real_files / "tabular" / name).read_bytes()
    page = client.post(IMPORT, {"file": SimpleUploadedFile(name, content)}, follow=True)
    assert page.status_code == 200
    if page.redirect_chain:
        assert page.context["outcome"].errors[0].problem
        assert page.context["outcome"].errors[0].remedy
        for decision in ("all", "good"):
            assert client.post(CONFIRM, {"key": page.context["key"], "decision": decision}).status_code == 409
    else:
        [sentence] = page.context["form"].errors["file"]
        assert sentence.endswith((".", "?"))
        assert not TableImport.objects.exists()
    assert not Patient.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_import_whose_check_could_not_be_begun_keeps_its_file(administrator, monkeypatch):
    def no_worker(row):
        raise ConnectionError("The broker does not answer.")

    monkeypatch.setattr(uploads, "start", no_worker)
    with pytest.raises(ConnectionError):
        uploads.receive(csv_of(*many(2)), Patient, by=administrator)
    row = TableImport.objects.get()
    assert row.status == TableImport.Status.TO_CHECK
    assert row.file.storage.exists(row.file.name)
