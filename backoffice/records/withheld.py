"""What somebody is not told yet, although they may see the record: a clinician reads a film before they learn what the
models say of it. The app whose models these are gives the rule; histories and timelines ask it here."""

from collections.abc import Callable
from typing import Any

from django.db.models import Model, QuerySet

from backoffice.readers import Reader

Rule = Callable[[QuerySet, Reader], QuerySet]
_rules: dict[type[Model], Rule] = {}


def withholds(*models: type[Model]) -> Callable[[Rule], Rule]:
    """Decorates `(versions, user)`, which leaves out what this person is not told of versions of these models."""

    def keep(rule: Rule) -> Rule:
        _rules.update(dict.fromkeys(models, rule))
        return rule

    return keep


def told_to(user: Reader, model: type[Model], versions: Any) -> Any:
    """Those of a model's versions that this person is told."""
    rule = _rules.get(model)
    return rule(versions, user) if rule else versions
