"""Files for imports, for tests of the pages and the job."""

import csv
import io
from collections.abc import Iterable, Sequence

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

PATIENT_COLUMNS = ["full_name", "date_of_birth", "sex", "phone"]
MEI_LING = ["Lin Mei-ling", "1984-05-02", "female", "+886912345678"]
HSIAO_MING = ["王小明", "1990-01-31", "male", "0922 333 444"]
WRONG = ["Chen Wei-Ting", "1990-02-31", "male", ""]

IMPORT = reverse("admin:clinic_patient_import")
CONFIRM = reverse("admin:clinic_patient_process_import")


def csv_of(*rows: Sequence, columns: Sequence[str] = PATIENT_COLUMNS, name: str = "patients.csv") -> SimpleUploadedFile:
    text = io.StringIO()
    csv.writer(text).writerows([columns, *rows])
    return SimpleUploadedFile(name, text.getvalue().encode())


def many(count: int) -> Iterable[list[str]]:
    """That many patients, no two of them the same."""
    for number in range(count):
        yield [f"Patient {number:06d}", f"19{50 + number % 50}-01-31", "female", ""]


def upload(client, *rows, url: str = IMPORT, **kwargs):
    """Choose a file; returns the page that one is led to."""
    return client.post(url, {"file": csv_of(*rows, **kwargs)}, follow=True)


def key_in(response) -> str:
    return response.context["key"]
