from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class InferenceConfig(AppConfig):
    name = "inference"
    verbose_name = _("Second opinion")

    def ready(self):
        post_migrate.connect(schedule_nudges, dispatch_uid="inference.schedule_nudges")


def schedule_nudges(sender, **kwargs) -> None:
    """A nudge every minute finds what a lost task or a dead worker left behind."""
    if sender.label != "django_q":
        return
    from django.conf import settings

    from backoffice.jobs.nudges import every_minute

    every_minute("inference.tasks.answer_waiting", cluster=settings.INFERENCE_CLUSTER)
