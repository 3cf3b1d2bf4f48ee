"""What the day's summary says of the second opinion: answers, waits, failures, what is to be followed up, and whether
the models are as they were."""

from collections.abc import Iterator

from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext_noop

from backoffice.formats.kept import gettext as _
from backoffice.formats.lists import in_turn
from backoffice.jobs.summary import Day, Figure, section, waits
from backoffice.web.admin_urls import admin_url
from inference.figures import drift_words, mornings
from inference.models import DriftCheck, FollowUp, MorningCheck, Prediction

Status = Prediction.Status


@section(gettext_noop("Second opinions"), order=30)
def second_opinions(day: Day) -> Iterator[Figure]:
    rows, url = Prediction.objects.visible().order_by(), admin_url(Prediction, "changelist")
    asked = rows.filter(**day.within("created_at"))
    yield Figure(_("films asked about"), asked.count(), f"{url}?{day.in_a_list()}")
    ended, finished = rows.filter(**day.within("finished_at")), day.in_a_list(by="finished")
    yield Figure(
        _("answered"), ended.filter(status=Status.COMPLETED).count(), f"{url}?status__exact=completed&{finished}"
    )
    failed = ended.filter(status=Status.FAILED).count()
    yield Figure(_("failed"), failed, f"{url}?status__exact=failed&{finished}", is_bad=bool(failed))
    signed = rows.filter(is_validated=True, **day.within("reviewed_at"))
    yield Figure(_("signed"), signed.count(), f"{url}?is_validated__exact=1&{day.in_a_list(by='signed')}")
    # Not what needs review: who reads it may read films first, in which case this is the answer of a day with one film.
    waiting = Prediction.objects.to_read().count()
    yield Figure(_("waiting for a clinician now"), waiting, reverse("worklist:list"))


@section(gettext_noop("Waits"), order=40)
def how_long(day: Day) -> Iterator[Figure]:
    """Of what came to its end on that day: in the queue, until the answer, and from there to the signature."""
    rows, url = Prediction.objects.visible().order_by(), admin_url(Prediction, "changelist")
    answered = rows.filter(status=Status.COMPLETED, **day.within("finished_at"))
    of_answers = f"{url}?status__exact=completed&{day.in_a_list(by='finished')}"
    queued = answered.exclude(started_at=None).annotate(span=F("started_at") - F("created_at"))
    yield Figure(_("in the queue"), waits(queued.values_list("span", flat=True)), of_answers)
    spans = answered.values_list(F("finished_at") - F("created_at"), flat=True)
    yield Figure(_("until the answer"), waits(spans), of_answers)
    signed = rows.filter(is_validated=True, **day.within("reviewed_at")).exclude(finished_at=None)
    spans = signed.values_list(F("reviewed_at") - F("finished_at"), flat=True)
    of_signatures = f"{url}?is_validated__exact=1&{day.in_a_list(by='signed')}"
    yield Figure(_("until the signature"), waits(spans), of_signatures)


@section(gettext_noop("Follow-ups"), order=45)
def follow_ups(day: Day) -> Iterator[Figure]:
    """As they stand when it is made; what was asked for and closed, of that day."""
    lists, url = FollowUp.objects.on_lists(), admin_url(FollowUp, "changelist")
    yield Figure(
        _("follow-ups asked for"),
        FollowUp.objects.visible().filter(**day.within("created_at")).count(),
        f"{url}?state=all&{day.in_a_list(by='asked')}",
    )
    yield Figure(
        _("follow-ups closed"),
        FollowUp.objects.visible().filter(**day.within("closed_at")).count(),
        f"{url}?state=closed&{day.in_a_list(by='closed')}",
    )
    yield Figure(_("follow-ups open"), lists.count(), url)
    watched = [
        (_("overdue"), lists.overdue(), "state=overdue"),
        (_("to be decided"), lists.to_decide(), "state=to_decide"),
        (_("whose owner has left"), lists.whose_owner_left(), "state=left"),
        (_("on hidden records"), FollowUp.objects.on_hidden_records(), "state=on_hidden_records&hidden=all"),
    ]
    for name, rows, query in watched:
        n = rows.count()
        yield Figure(name, n, f"{url}?{query}", is_bad=bool(n))


@section(gettext_noop("Models"), order=50)
def models(day: Day) -> Iterator[Figure]:
    """As things stand when it is made: whether films or answers drift, and whether the models answer as they did."""
    said = {
        "inference_figures:drift": (_("drift"), drift_words.told_today(), DriftCheck),
        "inference_figures:morning": (_("morning check"), mornings.told_today(), MorningCheck),
    }
    for page, (name, told, looks) in said.items():
        otherwise = _("as before") if looks._default_manager.exists() else _("not looked at yet")
        yield Figure(name, in_turn(told) if told else otherwise, reverse(page), is_bad=bool(told))
