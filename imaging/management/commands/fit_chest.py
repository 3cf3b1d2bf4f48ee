"""The mean chest that the quality of pictures is measured by, from phantoms."""

import json
from typing import Any

from django.core.management.base import BaseCommand
from PIL import Image

from imaging import chest, phantom

PHANTOMS, SIZE = 400, 128


class Command(BaseCommand):
    help = "Makes fixtures/chest.json anew, from phantoms alone. Needed when these or imaging/chest.py have changed."

    def handle(self, **options: Any) -> None:
        kinds = phantom.DIAGNOSES
        drawn = [phantom.render(kinds[seed % len(kinds)], 50_000 + seed, SIZE) for seed in range(PHANTOMS)]
        numbers = chest.fitted([Image.fromarray(picture) for picture in drawn])
        chest.NUMBERS.write_text(json.dumps(numbers) + "\n")
