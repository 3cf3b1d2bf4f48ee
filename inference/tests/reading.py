"""A visit to pages of the admin that reads them: what each says beside the language that its reader has chosen, and
what it would have a browser do."""

import re

from backoffice.models import User
from backoffice.tests.languages import blanks_after_signs, said
from backoffice.tests.policy import faults_of
from inference.tests import access_matrix as matrix

NAMES = {
    "Collimator",
    "Riverside Clinic",
    "Excel",
    "timm",
    "logits",
    "safetensors",
    "Pillow",
    "torchvision",
    "albumentations",
    "Lanczos",
    "SOP Instance UID",
    # Keys, as keyboards in Taiwan say them.
    "Shift",
    "Esc",
    "Enter",
    # People of these tests, a job, and a report's text.
    "administrators",
    "frontdesk",
    "clinicians",
    "idle",
    "remind",
    "clear",
    # What a file may hold, as an example; roles and diagnoses are written there as they are kept.
    "Front desk",
    "cough, fever",
    "Normal",
}
# One page that is not there says so for all of them.
NOT_THERE = f"/{matrix.ROOT}nothing/here/"


class Reading(matrix.Visit):
    """Somebody's requests, whose answers are read: `found` is what was in another language, of so many `pages`, or not
    as `policy.py` wants it."""

    def __init__(self, person: User, language: str, others: re.Pattern):
        person.language = language
        person.save()
        super().__init__(person)
        self.language, self.others = language, others
        self.found: dict[tuple[str, str], set[str]] = {}
        self.pages = 0

    def ask(self, method: str, url: str, data: dict | None = None):
        response, changed = super().ask(method, url, data)
        if faults := faults_of(response):
            self.found[method, url] = set(faults)
        is_shown = matrix.WORDS.get(response.status_code) == "yes" or url == NOT_THERE
        if is_shown and "text/html" in response.get("Content-Type", ""):
            self.pages += 1
            assert response["Content-Language"] == self.language, url
            if words := said(response.text, self.others, NAMES) | blanks_after_signs(response.text):
                self.found[method, url] = words
        return response, changed
