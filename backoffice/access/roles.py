"""Who may do what, in one table. Permissions of every app are named here as strings; a test proves that each exists."""

from django.apps import apps
from django.utils.translation import gettext_noop

# Their names in the database and in tables. Pages tell them in the reader's language: models/roles.py.
ADMINISTRATORS = gettext_noop("Administrators")
FRONT_DESK = gettext_noop("Front desk")
CLINICIANS = gettext_noop("Clinicians")

CLINICAL_MODELS = [
    "clinic.patient",
    "clinic.appointment",
    "clinic.clinicsession",
    "clinic.openinghours",
    "clinic.closure",
    "clinic.symptom",
    "clinic.likertquestion",
    "clinic.numericquestion",
    "clinic.likertanswer",
    "clinic.numericanswer",
    "imaging.xrayimage",
    "inference.prediction",
    "inference.followup",
    "inference.diagnosticmodel",
    "inference.hold",
    "inference.referencestandard",
]

# What goes in and out as files: the models whose Meta says `default_permissions = EXCHANGED`.
EXCHANGED_MODELS = [
    "backoffice.user",
    "clinic.patient",
    "clinic.appointment",
    "clinic.openinghours",
    "clinic.symptom",
    "clinic.likertquestion",
    "clinic.numericquestion",
    "imaging.xrayimage",
]


def may(verbs: str, *models: str) -> set[str]:
    """`may("view change", "clinic.patient")` → {"clinic.view_patient", "clinic.change_patient"}"""
    return {
        f"{label}.{verb}_{name}" for label, name in (model.split(".") for model in models) for verb in verbs.split()
    }


ROLES: dict[str, set[str]] = {
    # Nobody deletes clinical data by a click, administrators included: there is no `delete` for it.
    ADMINISTRATORS: may("view add change", *CLINICAL_MODELS)
    | may("view", "inference.modelresult", "inference.calibration", "inference.reading")
    | may("view", "clinic.intakerecord", "backoffice.accessevent", "backoffice.dailysummary", "backoffice.backup")
    # Nobody else: who reads blind could learn what the models said of a case by looking before and after it is signed.
    | {"inference.watch_figures"}
    | may("view change", "backoffice.mail")  # change: have it sent again
    | may("export", "clinic.intakerecord", "inference.report")
    | may("view change", "inference.report")  # change: hide a draft, bring it back; clinicians write
    | may("merge", "clinic.patient")
    | {"clinic.reveal_national_id", "clinic.name_hidden_patient"}
    | may("view add change", "backoffice.user")
    | may("view", "backoffice.signin", "backoffice.failedsignin")
    | may("view change", "backoffice.role")
    | may("import export", *EXCHANGED_MODELS)
    | may("export", "backoffice.accessevent")
    | may("view change", "backoffice.tableimport")
    | may("view", "django_q.success", "django_q.failure", "django_q.schedule")
    | {"backoffice.run_schedule"},
    FRONT_DESK: may("view add change", "clinic.patient", "clinic.appointment")
    | may("merge", "clinic.patient")
    | {"clinic.reveal_national_id"}  # to compare it with the card; clinicians need no more than its last signs
    | may("view change", "clinic.clinicsession")
    | may("view add change", "clinic.likertanswer", "clinic.numericanswer")
    | may("view", "clinic.openinghours", "clinic.closure", "clinic.symptom", "clinic.intakerecord")
    | may("view", "clinic.likertquestion", "clinic.numericquestion"),
    CLINICIANS: may("view change", "clinic.patient", "clinic.appointment")
    | may("view", "clinic.clinicsession", "clinic.likertanswer", "clinic.numericanswer", "clinic.symptom")
    | may("view", "clinic.intakerecord", "clinic.likertquestion", "clinic.numericquestion")
    | may("view add change", "imaging.xrayimage", "inference.prediction", "inference.report", "inference.followup")
    | may("publish", "inference.report")
    | may("view add change", "inference.referencestandard")
    | may("sign", "inference.prediction")  # nobody else does: a signature says that a clinician looked
    | may("view", "inference.modelresult", "inference.diagnosticmodel", "inference.calibration", "inference.reading"),
}

# Who reads a film before they see what the models say, unless an administrator decides otherwise on the role's page.
READ_FIRST = {CLINICIANS}


def sync_roles(*, using: str = "default", **kwargs: object) -> None:
    """Make each role's group hold exactly the table's permissions. Runs after every migrate."""
    from django.contrib.auth.management import create_permissions
    from django.contrib.auth.models import Group, Permission

    from backoffice.models import Role

    # Django makes an app's permissions in that app's own turn; here all are needed, and ours is the first turn.
    for config in apps.get_app_configs():
        create_permissions(config, verbosity=0, using=using)

    known = {
        f"{label}.{codename}": pk
        for label, codename, pk in Permission.objects.using(using).values_list(
            "content_type__app_label", "codename", "pk"
        )
    }
    for role, permissions in ROLES.items():
        group, _made = Group.objects.using(using).get_or_create(name=role)
        group.permissions.set([known[name] for name in permissions])
        Role.objects.using(using).get_or_create(group=group, defaults={"reads_first": role in READ_FIRST})
