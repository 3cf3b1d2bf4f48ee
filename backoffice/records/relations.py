"""What hangs on a record, found at run time: an app below never has to name the apps above it."""

from collections.abc import Iterator

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, ForeignObjectRel, Model
from simple_history.manager import HistoryManager

from backoffice.readers import Reader

HISTORY = "simple_history_manager_attribute"  # where simple-history notes the manager of a model's versions


def has_history(model: type[Model]) -> bool:
    return hasattr(model._meta, HISTORY)


def history_of(model: type[Model]) -> HistoryManager:
    """The manager of all versions of all its records."""
    return getattr(model, getattr(model._meta, HISTORY))


def field_of(model: type[Model], name: str) -> Field:
    """A column of its own. Raises FieldDoesNotExist, also for what only points at it."""
    field = model._meta.get_field(name)
    if not isinstance(field, Field):
        raise FieldDoesNotExist(f"{model.__name__}.{name} is no column of its own.")
    return field


def pointing_at(model: type[Model]) -> Iterator[ForeignObjectRel]:
    """The relations by which models with a history point at this one."""
    for relation in model._meta.related_objects:
        if (relation.one_to_many or relation.one_to_one) and has_history(relation.related_model):
            yield relation


def may_view(user: Reader, model: type[Model]) -> bool:
    label, name = model._meta.app_label, model._meta.model_name
    return user.has_perm(f"{label}.view_{name}") or user.has_perm(f"{label}.change_{name}")


def may_change(user: Reader, model: type[Model]) -> bool:
    """Whoever may change a record may hide it, and bring it back."""
    return user.has_perm(f"{model._meta.app_label}.change_{model._meta.model_name}")
