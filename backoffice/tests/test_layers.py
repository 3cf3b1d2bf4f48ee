"""inference → imaging → clinic → backoffice: import-linter checks the imports, this checks the foreign keys. And of the
classes that meet in one admin none takes another's private step for its own."""

from django.apps import apps
from django.contrib import admin

ORDER = ["backoffice", "clinic", "imaging", "inference"]


def test_no_relation_points_upwards():
    upward = [
        f"{model._meta.label}.{field.name} → {field.related_model._meta.label}"
        for level, label in enumerate(ORDER)
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if (field.many_to_one or field.one_to_one or field.many_to_many) and not field.auto_created
        if field.related_model and field.related_model._meta.app_label in ORDER[level + 1 :]
    ]
    assert upward == []


def test_no_class_of_an_admin_hides_a_private_step_of_another():
    hidden = {
        f"{owner.__qualname__}.{name} is hidden by {others[0].__qualname__}"
        for model_admin in admin.site._registry.values()
        for owner in type(model_admin).__mro__
        for name, step in vars(owner).items()
        if name.startswith("_") and not name.startswith("__") and callable(step) and is_ours(owner)
        if (others := [one for one in ours_above(type(model_admin), owner) if name in vars(one)])
    }
    assert hidden == set()


def is_ours(one: type) -> bool:
    return one.__module__.split(".")[0] in ORDER


def ours_above(whole: type, owner: type) -> list[type]:
    """Our classes that are asked before `owner`."""
    return [one for one in whole.__mro__[: whole.__mro__.index(owner)] if is_ours(one)]
