"""For answers that were stored without heat maps (INFERENCE_HEATMAPS=0).

As every command: exits with 1 where a part of what was asked was not done.
"""

from typing import Any

from django.core.management import CommandParser
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from backoffice.formats.lists import told_of
from inference.models import Prediction


class Command(BaseCommand):
    help = "Draw where the models looked, for answers that were stored without: from the same weights and picture."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("predictions", nargs="*", type=int, metavar="NUMBER", help="of an answer; without any, all")

    def handle(self, *, predictions: list[int], **options: Any) -> None:
        from inference.later_maps import CannotDrawError, draw  # torch, only here
        from inference.nn.engine import WeightsError
        from inference.voting import CannotAnswerError

        drawn, refused = 0, 0
        for prediction in self.asked_for(predictions):
            try:
                drawn += draw(prediction)
            except (CannotDrawError, CannotAnswerError, WeightsError, OSError, ValueError) as error:
                refused += 1
                self.stderr.write(told_of(str(prediction.pk), str(error)))
        self.stdout.write(_("Drawn: %(n)d heat maps.") % {"n": drawn})
        if refused:
            raise CommandError(_("%(n)d answers were left without heat maps.") % {"n": refused})

    def asked_for(self, numbers: list[int]) -> list[Prediction]:
        answered = Prediction.objects.visible().filter(status=Prediction.Status.COMPLETED).order_by("pk")
        if numbers:
            found = list(answered.filter(pk__in=numbers))
            if missing := sorted(set(numbers) - {prediction.pk for prediction in found}):
                raise CommandError(
                    _("There is no such answer: %(numbers)s.") % {"numbers": ", ".join(map(str, missing))}
                )
            return found
        return list(answered.filter(results__heatmap=None, results__isnull=False).distinct())
