"""Calibrate the models that vote, on signed answers or on labelled files: show what it would do, and do it when asked.

As every command: exits with 1 where a part of what was asked was not done.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.management import CommandParser
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from tqdm import tqdm

from backoffice.formats.lists import listed, told_of
from backoffice.formats.terminal import cells, in_column
from inference import calibrating, wording
from inference.calibrating import Case
from inference.confidences import confidence_told
from inference.films import read_as_uploaded
from inference.models import Diagnosis, DiagnosticModel
from inference.nn.calibration import FEWEST_CASES, FEWEST_WRONG
from inference.registry.labels import diagnosis_of

AT_ONCE = 32


class Command(BaseCommand):
    help = (
        "Fit the voting models' temperatures, or a vector scaling where it pays, to signed answers or to labelled "
        "files; print what that does to cases held out of the fit, and how many cases a promised coverage still needs. "
        "Writes only with --write, or after a yes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--data",
            type=Path,
            metavar="DIR|CSV",
            help="a folder for each diagnosis, or a manifest as train_models takes it; "
            "without it the answers that clinicians have signed",
        )
        parser.add_argument("--coverage", type=float, default=settings.PREDICTION_SET_COVERAGE, metavar="SHARE")
        parser.add_argument("--write", action="store_true", help="put it in force without asking")

    def handle(self, *, data: Path | None, coverage: float, write: bool, **options: Any) -> None:
        if not 0.5 <= coverage < 1:
            raise CommandError(_("--coverage is a share of 0.5 or more, and less than 1."))
        models = list(DiagnosticModel.objects.voting())
        if not models:
            raise CommandError(_("No model votes. Register models, or tick “votes” on one."))
        cases, refused = self.labelled_cases(data, models) if data else (calibrating.signed_cases(models), 0)
        if not cases:
            raise CommandError(
                _("No signed answer of the models that vote: sign some first, or give labelled files with --data.")
            )
        found = calibrating.calibrate(models, cases, coverage)
        self.show(found, is_signed=data is None)
        if write or self.is_told_to():
            try:
                calibrating.write(found, source=data.name if data else "")
            except calibrating.HasChangedError:
                raise CommandError(_("The models have changed meanwhile: nothing is written. Run it again.")) from None
            self.stdout.write(_("It is in force for what is answered from now on."))
        else:
            self.stdout.write(_("Nothing is written. With --write it is put in force."))
        if refused:
            raise CommandError(ngettext("%d file was left out.", "%d files were left out.", refused) % refused)

    def is_told_to(self) -> bool:
        """Asked of a person alone: a script that is silent has not said yes."""
        if sys.stdin is None or not sys.stdin.isatty():
            return False
        return input(_("Put this in force? [y/N] ")).strip().lower() in ("y", "yes")

    def labelled_cases(self, data: Path, models: list[DiagnosticModel]) -> tuple[list[Case], int]:
        """Ask the models about the files; returns the cases, and how many files there were no answers to."""
        from inference import suitability  # with torch, only here
        from inference.training import films
        from inference.training.data import Sample, TrainingDataError
        from inference.voting import make_ensemble

        try:
            found = films.find(data, read_as_uploaded, fewest=1)
        except TrainingDataError as error:
            raise CommandError(str(error)) from error
        truths = {number: diagnosis_of(label) for number, label in enumerate(found.labels)}
        ensemble, cases, refused = make_ensemble(models), [], 0

        def read(sample: Sample) -> np.ndarray | None:
            try:
                if not truths[sample.label]:
                    told = {"said": found.labels[sample.label], "known": listed(Diagnosis.values)}
                    raise ValueError(_("%(said)s is none of the diagnoses %(known)s.") % told)
                picture = sample.load()
                if why := suitability.objection_to(picture):
                    raise ValueError(wording.in_words([why])[0])
            except (ValueError, OSError) as error:
                self.stderr.write(told_of(sample.name, str(error)))
                return None
            return picture

        for start in tqdm(range(0, len(found.samples), AT_ONCE), disable=None):
            some = found.samples[start : start + AT_ONCE]
            batch = [(sample, picture) for sample in some if (picture := read(sample)) is not None]
            refused += len(some) - len(batch)
            answered = ensemble.predict([picture for _sample, picture in batch], heatmaps=False)
            for (sample, _picture), answers in zip(batch, answered, strict=True):
                raw = {
                    model.pk: calibrating.uncalibrated(
                        answer.probabilities, {"temperature": model.temperature}, model.labels
                    )
                    for model, answer in zip(models, answers, strict=True)
                }
                cases.append(Case(str(truths[sample.label]), sample.patient, raw))
        return cases, refused

    def show(self, found: calibrating.Found, *, is_signed: bool) -> None:
        kinds = wording.kinds_of_calibration()
        rows = [[_("model"), _("cases"), _("what pays"), _("log loss"), _("calibration error (ECE)")]]
        for one in found.of_each:
            kind = kinds[one.fitted.kind]
            if one.fitted.kind == "temperature" and one.fitted.scaling is not None:
                told = {"before": one.model.temperature, "after": 1 / one.fitted.scaling.scales[0]}
                kind = told_of(kind, _("%(before).2f → %(after).2f") % told)
            rows.append([str(one.model), str(one.cases), kind, *_changes(one.before, one.after)])
        rows.append([_("consensus"), str(found.cases), "", *_changes(found.before, found.after)])
        self.table(rows)
        self.stdout.write(_("After: on cases that were held out of the fit, person by person."))
        told = {"cases": FEWEST_CASES, "wrong": FEWEST_WRONG}
        self.stdout.write(
            _(
                "Fitted where there are %(cases)d cases, %(wrong)d of them answered wrongly: fewer do not tell how "
                "sure a model may be."
            )
            % told
        )
        self.stdout.write("")
        rows = [[_("diagnosis"), _("cases"), _("belongs from"), _("held it, of those held out"), _("still missing")]]
        for label in Diagnosis:
            bound, covered, n = found.bounds[label], found.covered[label], found.counts[label]
            held = "–" if covered is None else _("%(covered)d of %(n)d") % {"covered": covered, "n": n}
            lowest = "–" if bound is None else confidence_told(bound)
            rows.append([str(label.label), str(n), lowest, held, str(found.missing.get(label, 0))])
        self.table(rows)
        if len(found.missing) < len(Diagnosis):
            self.stdout.write(wording.size_told(found.coverage, found.mean_size))
        if is_signed:
            self.stdout.write(
                _(
                    "Who signed had seen what the models said: where people agree too easily, all this flatters the "
                    "models."
                )
            )

    def table(self, rows: list[list[str]]) -> None:
        widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            self.stdout.write("  ".join(map(in_column, row, widths)).rstrip())


def _changes(before: dict[str, float], after: dict[str, float]) -> list[str]:
    if not before:
        return ["–", "–"]
    return [f"{before[name]:.3f} → {after[name]:.3f}" for name in ("log_loss", "ece")]
