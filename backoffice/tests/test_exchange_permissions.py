"""Whole tables go in and out only through administrators."""

from django.apps import apps

from backoffice.access.roles import ADMINISTRATORS, EXCHANGED_MODELS, ROLES, may
from backoffice.records.mixins import EXCHANGED


def test_the_roles_speak_of_every_table_that_is_exchanged():
    exchanged = {model._meta.label_lower for model in apps.get_models() if model._meta.default_permissions == EXCHANGED}
    assert exchanged == set(EXCHANGED_MODELS)


def test_administrators_take_tables_in_and_out_and_nobody_else_does():
    whole_tables = may("import export", *EXCHANGED_MODELS)
    assert {role for role, permissions in ROLES.items() if permissions & whole_tables} == {ADMINISTRATORS}
    assert whole_tables <= ROLES[ADMINISTRATORS]
