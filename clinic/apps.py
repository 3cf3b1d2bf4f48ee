import datetime

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class ClinicConfig(AppConfig):
    name = "clinic"
    verbose_name = _("Clinic")

    def ready(self):
        from clinic.intake import sync

        sync.connect()
        post_migrate.connect(schedule_reminders, dispatch_uid="clinic.schedule_reminders")


REMINDED_AT = datetime.time(17)  # the day before: late enough to be remembered, early enough to give the place back


def schedule_reminders(sender, **kwargs) -> None:
    if sender.label != "django_q":
        return
    from django.conf import settings

    from backoffice.jobs.nudges import daily

    daily("clinic.reminders.remind", cluster=settings.DEFAULT_CLUSTER, at=REMINDED_AT)
