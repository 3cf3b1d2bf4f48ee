"""The second opinion on the admin's first page: what waits for a clinician, what runs, what failed, and the answers."""

from datetime import timedelta

from django.db.models import Avg, Count, Q
from django.utils import timezone

from backoffice.live.blocks import block
from backoffice.models import User
from clinic.models import Patient
from imaging.models import XRayImage
from inference.figures import drift_words, mornings
from inference.figures.per_week import diagnoses_per_week
from inference.models import (
    DiagnosticModel,
    DriftCheck,
    DriftReference,
    FollowUp,
    MorningBaseline,
    MorningCheck,
    Prediction,
    Worker,
)
from inference.review import worklist

Trouble = Worker.Trouble
SHOWN = 5
FAILED_SHOWN = 3
SOON = timedelta(days=7)


@block(order=5, permission="inference.view_prediction", template="inference/dashboard_workers.html", every=10)
def workers(user: User) -> dict | None:
    """What is not as it should be with those who answer; None where all is well. Workers beat without a signal, so this
    is asked at each look."""
    alive = list(Worker.objects.alive().order_by("pk"))
    if not alive:
        newest = Worker.objects.order_by("-beat_at").first()
        if newest or Prediction.objects.visible().unfinished().exists():
            return {"silent_since": newest and newest.beat_at, "troubles": []}
        return None
    # A machine without a GPU is as its owner wanted it, for all that is known: that is said to who may change it, and
    # nobody is alarmed.
    quiet = set() if user.has_perm("inference.change_diagnosticmodel") else {Trouble.NO_GPU}
    amiss = [one for one in alive if one.trouble and one.trouble not in quiet]
    found = {(one.get_trouble_display(), one.detail, one.trouble == Trouble.NO_GPU) for one in amiss}
    return {"troubles": sorted(found)} if found else None


@block(
    order=6,
    permission="inference.watch_figures",
    models=[DriftCheck, DriftReference, MorningCheck, MorningBaseline, DiagnosticModel],
    template="inference/dashboard_watch.html",
    every=60,
)
def not_as_they_were() -> dict | None:
    """What the morning check and the look for drift found; None where all is as it was."""
    found = {"mornings": list(map(str, mornings.told_today())), "drift": list(map(str, drift_words.told_today()))}
    return found if any(found.values()) else None


@block(
    order=20,
    permission="inference.change_prediction",
    models=[Prediction, XRayImage, Patient],
    template="inference/dashboard_review.html",
    columns=7,
)
def waiting_for_a_clinician() -> dict:
    """What the worklist begins with. Everybody sees the same, so nothing of what the models say is in it: some of those
    who look have yet to read the film."""
    keys = worklist.for_everybody(SHOWN)
    fields = ("pk", "xray_id", "xray__patient__full_name", "xray__view", "is_urgent", "created_at")
    rows = {row["pk"]: row for row in Prediction.objects.filter(pk__in=keys).values(*fields)}
    return {"count": worklist.count(Prediction.objects.to_read()), "rows": [rows[key] for key in keys if key in rows]}


@block(order=18, permission="inference.change_followup", template="inference/dashboard_follow_ups.html", every=30)
def follow_ups(user: User) -> dict | None:
    """What is overdue or due soon, one's own and nobody's first; for who may restore, also what is on hidden records.
    Asked for each user: a day that comes makes no signal, nor does who leaves."""
    lists = FollowUp.objects.on_lists().order_by("due_on", "pk")
    soon = lists.filter(due_on__lte=timezone.localdate() + SOON).with_records().with_told(user)
    own = list(soon.filter(Q(pk__in=soon.of(user).values("pk")) | Q(pk__in=soon.of_nobody().values("pk")))[:SHOWN])
    others = soon.overdue().exclude(pk__in=[row.pk for row in own])[: SHOWN - len(own)] if len(own) < SHOWN else []
    found = {
        "rows": [*own, *others],
        "overdue": lists.overdue().count(),
        "to_decide": lists.to_decide().count(),
        "left": lists.whose_owner_left().count(),
        "on_hidden": FollowUp.objects.on_hidden_records().count() if user.has_perm("clinic.change_patient") else 0,
    }
    return found if any(found.values()) else None


@block(
    order=30,
    permission="inference.view_prediction",
    models=[Prediction, XRayImage, Patient, User],
    template="inference/dashboard_running.html",
    columns=5,
    every=5,
)
def running() -> dict:
    """Unfinished predictions by who asked."""
    batches = (
        Prediction.objects.visible()
        .unfinished()
        .values("requested_by", "requested_by__first_name", "requested_by__last_name", "requested_by__username")
        .annotate(
            pictures=Count("pk"),
            progress=Avg("progress"),
            running=Count("pk", Q(status="processing")),
            urgent=Count("pk", Q(is_urgent=True)),
        )
        .order_by("requested_by")
    )
    return {"batches": list(batches)}


@block(
    order=35,
    permission="inference.change_prediction",
    models=[Prediction, XRayImage, Patient],
    template="inference/dashboard_failed.html",
    columns=7,
)
def failed() -> dict | None:
    """What failed and was not tried again, each with its reason; None where there is nothing."""
    failures = Prediction.objects.visible().filter(status=Prediction.Status.FAILED)
    fields = ["pk", "xray_id", "xray__patient__full_name", "error", "finished_at"]
    rows = list(failures.order_by("-pk").values(*fields)[:FAILED_SHOWN])
    return {"count": failures.count(), "rows": rows} if rows else None


@block(
    order=55,
    permission="inference.view_prediction",
    models=[Prediction, XRayImage, Patient],
    template="inference/dashboard_diagnoses.html",
    columns=5,
    every=30,
)
def diagnoses_each_week() -> dict:
    return {"chart": diagnoses_per_week(timezone.localdate())}
