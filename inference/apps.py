from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class InferenceConfig(AppConfig):
    name = "inference"
    verbose_name = _("Second opinion")

    def ready(self) -> None:
        from inference import checks  # noqa: F401  (registers it)
        from inference.follow_ups import films_gone
        from inference.reports import unchangeable, withdrawing
        from inference.review import withdrawal

        withdrawal.connect()
        withdrawing.connect()
        films_gone.connect()
        post_migrate.connect(unchangeable.watch, sender=self, dispatch_uid="inference.unchangeable_reports")
