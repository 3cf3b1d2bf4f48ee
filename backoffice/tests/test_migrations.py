"""While a release is put in, the one before it still serves, on the tables of the new one: each migration since the
last release leaves it everything that it reads and writes. How that is done is in docs/growing.md, “Without a pause”.

This asks the operations, not the code: that the old code is content with what it finds is tried by
`benchmarks/growing/old_code.py`.
"""

from collections.abc import Iterator

import pytest
from django.db import migrations, models
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import fields

# The newest migration of the last release, of each app: what came before it, the old code knows. At a release these
# move on.
RELEASED = {
    "backoffice": "0006_visitors_in_the_trail",
    "clinic": "0002_second_texts",
    "imaging": "0004_older_films_and_their_lists",
    "inference": "0013_morning_checks",
}
# (app, migration): why the old code can live with it all the same, or why everything has to be stopped for it.
STOPPED = (
    "Everything is stopped for it: what the old code wrote meanwhile would lie open, and it cannot read what is sealed."
)
REASONS: dict[tuple[str, str], str] = {
    (
        "backoffice",
        "0009_backup_codes_are_hashed",
    ): "Where the old code asks for a backup code, a phone's code is taken.",
    ("backoffice", "0011_sealed_columns"): STOPPED,
    ("backoffice", "0012_sealed"): STOPPED,
    ("backoffice", "0014_phone_secrets_sealed"): "By the old code a backup code lets in, and none from a phone.",
    ("clinic", "0003_sealed_columns"): STOPPED,
    ("clinic", "0004_sealed"): STOPPED,
    ("clinic", "0005_found_by_index"): STOPPED,
    ("imaging", "0005_sealed_columns"): STOPPED,
    ("imaging", "0006_sealed"): STOPPED,
    ("imaging", "0007_found_by_index"): STOPPED,
}

ADDED = (
    migrations.CreateModel,
    migrations.AddIndex,
    migrations.RemoveIndex,
    migrations.RenameIndex,
    migrations.RemoveConstraint,
    migrations.AlterModelOptions,
    migrations.AlterModelManagers,
    migrations.AlterModelTableComment,
)


def objection(operation: Operation, app: str, before: ProjectState) -> str | None:
    """Why code that knows the tables as they were `before` stumbles over what this leaves; None where it does not."""
    if isinstance(operation, ADDED):
        return None
    if isinstance(operation, migrations.AddField):
        return objection_to_new(operation.field)
    if isinstance(operation, migrations.AlterField):
        known = before.models[app, operation.model_name_lower].fields[operation.name]
        return objection_to_change(known, operation.field)
    if isinstance(operation, migrations.AddConstraint):
        return "the old code may write what the constraint refuses"
    return f"{type(operation).__name__} takes something away, or does what this cannot know"


def objection_to_new(field: models.Field) -> str | None:
    if field.many_to_many or field.null or field.db_default is not fields.NOT_PROVIDED:
        return None
    if isinstance(field, models.GeneratedField):
        return None
    return "the old code writes rows without it: give it null=True or a db_default; `default` is Python's alone"


def objection_to_change(known: models.Field, now: models.Field) -> str | None:
    if known.null and not now.null:
        return "the old code may still write NULL there"
    if type(known) is not type(now):
        return "its type becomes another"
    if known.max_length and now.max_length and now.max_length < known.max_length:
        return "the old code may write longer texts"
    if known.db_column != now.db_column or now.unique > known.unique:
        return "its column is named otherwise, or becomes unique"
    return None


def newest(loader: MigrationLoader, app: str) -> tuple[str, str]:
    return loader.graph.leaf_nodes(app)[-1]  # where nothing is replaced, what would replace it is a leaf as well


def objections(loader: MigrationLoader, released: dict[str, str]) -> Iterator[str]:
    for app, last in released.items():
        chain = [key for key in loader.graph.forwards_plan(newest(loader, app)) if key[0] == app]
        for key in chain[chain.index((app, last)) + 1 :]:
            if key in REASONS:
                continue
            state = loader.project_state(key, at_end=False)
            for operation in loader.graph.nodes[key].operations:
                if why := objection(operation, app, state):
                    yield f"{app} {key[1]}: {operation.describe()}: {why}"
                operation.state_forwards(app, state)


@pytest.fixture
def loader(settings) -> MigrationLoader:
    """With migrations, which tests are spared; each by itself, as they came."""
    settings.MIGRATION_MODULES = {}
    return MigrationLoader(None, replace_migrations=False)


def test_a_new_installation_is_what_an_old_one_becomes(loader):
    step_by_step, at_once = (
        of.project_state([newest(of, app) for app in RELEASED]) for of in (loader, MigrationLoader(None))
    )
    for before, after in [(step_by_step, at_once), (at_once, step_by_step)]:
        assert MigrationAutodetector(before, after).changes(loader.graph) == {}


def test_every_migration_since_the_last_release_leaves_the_old_code_what_it_needs(loader):
    found = list(objections(loader, RELEASED))
    assert not found, "\n".join([*found, "Split it (docs/growing.md), or say in REASONS why it is no harm."])


def test_it_would_object_to_what_came_before(loader):
    """Before the first release nobody ran older code, and migrations were made without this in mind."""
    found = "\n".join(objections(loader, dict.fromkeys(RELEASED, "0001_initial")))
    assert "the old code writes rows without it" in found


BEFORE = ProjectState()
BEFORE.add_model(
    ModelState(
        "clinic",
        "Thing",
        [("id", models.AutoField(primary_key=True)), ("name", models.CharField(max_length=20, null=True))],
    )
)


@pytest.mark.parametrize(
    "operation",
    [
        migrations.CreateModel("Other", [("id", models.AutoField(primary_key=True))]),
        migrations.AddField("Thing", "note", models.TextField(null=True)),
        migrations.AddField("Thing", "note", models.TextField(db_default="")),
        migrations.AlterField("Thing", "name", models.CharField(max_length=40, null=True)),
    ],
)
def test_what_is_only_added_is_no_harm(operation):
    assert objection(operation, "clinic", BEFORE) is None


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("Thing", "note", models.TextField(default="")),
        migrations.RemoveField("Thing", "name"),
        migrations.RenameField("Thing", "name", "title"),
        migrations.DeleteModel("Thing"),
        migrations.AlterField("Thing", "name", models.CharField(max_length=20)),
        migrations.AlterField("Thing", "name", models.CharField(max_length=10, null=True)),
        migrations.AlterField("Thing", "name", models.IntegerField(null=True)),
        migrations.AddConstraint("Thing", models.UniqueConstraint(fields=["name"], name="one_name")),
        migrations.RunPython(migrations.RunPython.noop),
    ],
)
def test_what_the_old_code_would_stumble_over_is_told(operation):
    assert objection(operation, "clinic", BEFORE)
