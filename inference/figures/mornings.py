"""What the morning checks found, in words, and what a person does about it. No torch: registry/morning.py asks the
models."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from backoffice.formats.kept import Sentence
from backoffice.formats.kept import gettext as _
from backoffice.formats.lists import listed, told_of
from backoffice.jobs.nudges import nudge
from backoffice.models import User
from inference.models import DiagnosticModel, MorningBaseline, MorningCheck, Worker

CHECK = "inference.tasks.check_the_models"
BUSY = timedelta(hours=1)  # within which every worker that was asked finds the time to look
TOO_LONG = timedelta(hours=36)  # without a check, where there was one
RECENT = 50  # checks that are looked at: more than there are machines
FORGOTTEN_AFTER = timedelta(days=14)  # a device that nobody uses any more

QUIET = ("same", "first", "changed_here", "tuned")
CANNOT_BE_ACCEPTED = ("fails",)


class NothingToAcceptError(Exception):
    """No baseline was set: the check is another one by now, or there is nothing in it to accept."""


@dataclass(frozen=True)
class Line:
    """What one check says of one model. `is_open`: nobody has accepted it yet, and it is not as before."""

    name: str
    version: str
    code: str
    told: Sentence
    is_open: bool
    can_be_accepted: bool
    is_bad: bool


def ask_for_a_check() -> None:
    """Each worker looks as soon as it is free."""
    nudge(CHECK, cluster=settings.INFERENCE_CLUSTER)


def newest_checks() -> list[MorningCheck]:
    """The newest of each device of each machine that was checked lately. One in which no model could be asked knows no
    device: the machine's next check takes its place. So does a check of the same device elsewhere, once no worker of
    its machine lives any more: where each start has another name, it is the same one."""
    alive = {worker.machine for worker in Worker.objects.alive()}
    found: list[MorningCheck] = []
    for check in MorningCheck.objects.order_by("-pk")[:RECENT]:
        if not (found and check.at < found[0].at - FORGOTTEN_AFTER) and not _is_replaced(check, found, alive):
            found.append(check)
    return found


def _is_replaced(check: MorningCheck, newer: list[MorningCheck], alive: set[str]) -> bool:
    of_machine = [one for one in newer if one.host == check.host]
    if any(one.place == check.place for one in of_machine) or (of_machine and not check.place):
        return True
    is_gone = check.host.partition(" ")[0] not in alive
    return is_gone and any(not check.place or one.place == check.place for one in newer)


def lines_of(checks: list[MorningCheck]) -> dict[int, list[Line]]:
    """By the check's key. Two queries, however many checks there are. A model that votes no more has nothing open."""
    voting = set(DiagnosticModel.objects.voting().values_list("pk", flat=True))
    accepted: dict[tuple[int, str, str], Any] = {}
    taken = MorningBaseline.objects.filter(
        because=MorningBaseline.Because.ACCEPTED, place__in=[c.place for c in checks]
    )
    for model, host, place, at in taken.order_by("pk").values_list("model", "host", "place", "set_at"):
        accepted[model, host, place] = at
    return {
        check.pk: [
            _line(
                said,
                is_settled=said["model"] not in voting
                or (accepted.get((said["model"], check.host, check.place)) or check.at - TOO_LONG) > check.at,
            )
            for said in check.found
        ]
        for check in checks
    }


def _line(said: dict[str, Any], *, is_settled: bool) -> Line:
    code = said["code"]
    return Line(
        said["name"],
        said["version"],
        code,
        told(said),
        code not in QUIET and not is_settled,
        code not in (*QUIET, *CANNOT_BE_ACCEPTED),
        code not in (*QUIET, "library", "elsewhere"),
    )


def told(said: dict[str, Any]) -> Sentence:
    """One line of a check."""
    moved = {"apart": f"{said.get('apart') or 0:.2g}"}
    changed = {"changed": listed(told_of(name, f"{was} → {now}") for name, was, now in said.get("changed", []))}
    match said["code"]:
        case "same":
            return _("It answers as before, bit for bit.")
        case "first":
            return _("Its first answers on this device are what others are compared with from now on.")
        case "changed_here":
            return _("It was changed here, as its history tells: its answers are the new baseline.")
        case "tuned":
            ways = {"was": said["ways"][0], "now": said["ways"][1]}
            return (
                _("It is computed in another way since it was tuned (%(was)s → %(now)s), and no probability moved by "
                  "more than %(apart)s: the new baseline.")
                % (moved | ways)
            )  # fmt: skip
        case "library":
            return _("Something under it has changed (%(changed)s). No probability moved by more than %(apart)s.") % (
                moved | changed
            )
        case "bits":
            return _("Nothing that is known has changed, and yet it answers otherwise: a probability moved by %(apart)s.") % moved  # noqa: E501  # fmt: skip
        case "pictures":
            return _("The fixed pictures themselves are drawn otherwise here (%(changed)s): nothing can be compared.") % changed  # noqa: E501  # fmt: skip
        case "past_the_history":
            return _("Its weights or its description are others than its history tells of: who changed them is not known.")  # noqa: E501  # fmt: skip
        case "fails":
            return _("It could not be asked: %(error)s") % {"error": said["error"]}
    if said.get("apart") is None:
        return _("It answers otherwise: a diagnosis has changed (%(changed)s).") % _or_nothing(changed)
    return _("It answers otherwise: a probability moved by %(apart)s (%(changed)s).") % (moved | _or_nothing(changed))


def _or_nothing(changed: dict[str, str]) -> dict[str, Any]:
    return changed if str(changed["changed"]) else {"changed": _("nothing that is known has changed")}


def where(check: MorningCheck) -> str | Sentence:
    """The machine and its device."""
    told = [part for part in (check.host, check.place) if part]
    return " · ".join(told) if check.place else _("%(machine)s, no device") % {"machine": check.host or "–"}


def told_today() -> list[Sentence]:
    """What of the morning check a person should know now, in sentences that can be kept; none where all is well."""
    return list(_today())


def _today() -> Iterator[Sentence]:
    checks = newest_checks()
    lines = lines_of(checks)
    for check in checks:
        for line in lines[check.pk]:
            if line.is_open:
                yield _("%(model)s (%(place)s): %(told)s") % {
                    "model": line.name, "place": where(check), "told": line.told,
                }  # fmt: skip
    waits = Worker.objects.alive().filter(check_asked_at__lt=timezone.now() - BUSY)
    for machine in sorted({worker.machine for worker in waits}):
        yield _("%(machine)s answers, and has not found the time to check its models.") % {"machine": machine}
    if checks and max(check.at for check in checks) < timezone.now() - TOO_LONG:
        hours = int((timezone.now() - max(check.at for check in checks)).total_seconds() // 3600)
        yield _("No worker has looked for %(hours)d hours whether the models answer as before.") % {"hours": hours}


@transaction.atomic
def accept(check: MorningCheck, *, by: User, reason: str) -> int:
    """Let what a check found be the baseline from now on. Returns of how many models. Raises NothingToAcceptError."""
    # The lock makes two presses at once one after the other: the second finds nothing open.
    check = MorningCheck.objects.select_for_update().get(pk=check.pk)
    newest = MorningCheck.objects.filter(host=check.host, place=check.place).order_by("-pk").first()
    lines = lines_of([check])[check.pk]
    taken = [said for said, line in zip(check.found, lines, strict=True) if line.is_open and line.can_be_accepted]
    if newest != check or not taken:
        raise NothingToAcceptError
    for said in taken:
        MorningBaseline.objects.create(
            model_id=said["model"],
            host=check.host,
            place=check.place,
            because=MorningBaseline.Because.ACCEPTED,
            reason=reason,
            set_by=by,
            **said["now"],
        )
    return len(taken)
