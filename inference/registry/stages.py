"""A model's way: into the shadow, to the vote, out of it, and back.

Every change locks all versions of the name first, in the order of their keys: at any moment one of them votes at most,
and it is one moment from one to the other. What was answered keeps pointing at the version that answered.
"""

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.models import User
from backoffice.records.mixins import REASON_LENGTH
from backoffice.records.seen import last_to_change
from inference.figures import of_models
from inference.models import DiagnosticModel
from inference.requests import wake_a_worker

Stage = DiagnosticModel.Stage


class StageError(Exception):
    """Nothing was changed. The message says why, and what to do."""


@transaction.atomic
def accept(model: DiagnosticModel, *, by: User, seen: str = "") -> None:
    """Let a model vote that was in the shadow, in place of the version that votes; its figures are frozen as they are.

    `seen` is `of_models.version_of` as the page showed it. Raises StageError.
    """
    versions, model = _locked(model)
    _expect(model, Stage.SHADOW)
    _expect_usable(model)
    figures = of_models.of(model)
    if seen and seen != of_models.version_of(model, figures):
        raise StageError(_("The figures have changed since you opened this page. Look at them again, then decide."))
    model.acceptance = of_models.frozen(model, figures)
    _let_vote(model, versions, by, gettext_noop("Accepted"))


@transaction.atomic
def go_back(model: DiagnosticModel, *, by: User) -> None:
    """Let a version vote again that another one has replaced. Raises StageError."""
    versions, model = _locked(model)
    _expect(model, Stage.RETIRED)
    _expect_usable(model)
    _let_vote(model, versions, by, gettext_noop("Votes again"))


@transaction.atomic
def reject(model: DiagnosticModel, *, by: User, reason: str) -> None:
    """End its time in the shadow. Raises StageError."""
    _versions, model = _locked(model)
    _expect(model, Stage.SHADOW)
    model.stage = Stage.REJECTED
    _save(model, by, _("Rejected: %(reason)s") % {"reason": reason})


@transaction.atomic
def into_the_shadow(model: DiagnosticModel, *, by: User) -> None:
    """Have it answer silently: what was set aside, or rejected and is to be looked at again. Raises StageError."""
    _versions, model = _locked(model)
    _expect(model, Stage.ASIDE, Stage.REJECTED)
    model.stage = Stage.SHADOW
    _save(model, by, gettext_noop("Into the shadow"))
    wake_a_worker()


def _locked(model: DiagnosticModel) -> tuple[list[DiagnosticModel], DiagnosticModel]:
    """All versions of the name as they are behind their locks, and this one of them."""
    versions = list(model.versions.order_by("pk").select_for_update(of=("self",), no_key=True))
    return versions, next(version for version in versions if version.pk == model.pk)


def _expect(model: DiagnosticModel, *stages: str) -> None:
    if model.is_hidden:
        raise StageError(_("This version is hidden. Restore it first."))
    if model.stage not in stages:
        told = {"who": last_to_change(DiagnosticModel, [model.pk]), "stage": model.get_stage_display()}
        raise StageError(_("Nothing was changed: this version is %(stage)s. %(who)s was the last to change it.") % told)


def _expect_usable(model: DiagnosticModel) -> None:
    if model.check_error or model.checked_at is None:
        raise StageError(_("No worker has tried this version with success. Have it tried again first."))


def _let_vote(model: DiagnosticModel, versions: list[DiagnosticModel], by: User, reason: str) -> None:
    for other in versions:
        if other.pk != model.pk and other.stage == Stage.ACCEPTED:
            other.stage, other.is_active = Stage.RETIRED, False
            _save(other, by, _("Replaced by version %(version)s") % {"version": model.version})
    model.stage, model.is_active = Stage.ACCEPTED, True
    _save(model, by, reason)


def _save(model: DiagnosticModel, by: User, reason: str) -> None:
    model._history_user, model._change_reason = by, reason[:REASON_LENGTH]
    model.save()
