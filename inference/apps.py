from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InferenceConfig(AppConfig):
    name = "inference"
    verbose_name = _("Second opinion")

    def ready(self) -> None:
        from inference.follow_ups import films_gone
        from inference.review import withdrawal

        withdrawal.connect()
        films_gone.connect()
