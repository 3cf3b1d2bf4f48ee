"""What reading blind brings and costs: readings that are kept (models/readings.py), beside what is known of the film.

What is known is the reference standard of the film. Where there is none, a second reader's own answer counts, given
blind and by somebody else than the reader: told apart, for two readers may be wrong alike.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from backoffice.live.plain import plain
from inference.figures.helped import Helped, Ratio, Took, helped, times_as_long, took
from inference.figures.signed_cases import Question, between, once
from inference.models import Reading, ReferenceStandard


@plain
@dataclass(frozen=True)
class ReadBlind:
    """`by_reference` and `by_second_reader` are of cases whose truth is known by the one or only by the other."""

    by_reference: Helped
    by_second_reader: Helped
    blind: Took
    open: Took
    ratio: Ratio | None


def read_blind(question: Question) -> ReadBlind:
    """Three queries, asked once for everybody."""
    return once("read-blind", question, lambda: _counted(question))


def _counted(question: Question) -> ReadBlind:
    readings = Reading.objects.visible().filter(between(question, "signed_at"), signed_at__isnull=False)
    rows = list(
        readings.order_by().values_list(
            "prediction__xray", "reader", "is_blind", "own_diagnosis", "final_diagnosis", "seconds"
        )
    )
    films = {film for film, *_rest in rows}
    known = _known(films)
    second = _own_answers(films)
    by_reference, by_second_reader = [], []
    for film, reader, is_blind, own, final, _seconds in rows:
        if not (is_blind and own and final):
            continue
        if film in known:
            by_reference.append((own, final, known[film]))
        elif truth := _of_others(second.get(film, {}), reader):
            by_second_reader.append((own, final, truth))
    blind = [seconds for *_case, is_blind, _own, _final, seconds in rows if is_blind and seconds]
    shown = [seconds for *_case, is_blind, _own, _final, seconds in rows if not is_blind and seconds]
    return ReadBlind(
        helped(by_reference), helped(by_second_reader), took(blind), took(shown), times_as_long(blind, shown)
    )


def _known(films: Iterable[int]) -> dict[int, str]:
    rows = ReferenceStandard.objects.visible().order_by().values_list("xray", "diagnosis")
    wanted = set(films)
    return {film: diagnosis for film, diagnosis in rows.iterator() if film in wanted}


def _own_answers(films: Iterable[int]) -> dict[int, dict[int, str]]:
    """{film: {reader: what they saw by themselves}}"""
    wanted = set(films)
    found: dict[int, dict[int, str]] = {}
    rows = Reading.objects.visible().filter(is_blind=True).exclude(own_diagnosis="").order_by()
    for film, reader, own in rows.values_list("prediction__xray", "reader", "own_diagnosis").iterator():
        if film in wanted:
            found.setdefault(film, {})[reader] = own
    return found


def _of_others(answers: dict[int, str], reader: int) -> str:
    """What all others saw by themselves; blank where there are none, or they differ."""
    said = {own for other, own in answers.items() if other != reader}
    return said.pop() if len(said) == 1 else ""
