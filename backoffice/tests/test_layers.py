"""inference → imaging → clinic → backoffice: import-linter checks the imports, this checks the foreign keys."""

from django.apps import apps

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
