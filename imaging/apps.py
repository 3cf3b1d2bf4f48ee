from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ImagingConfig(AppConfig):
    name = "imaging"
    verbose_name = _("X-rays")

    def ready(self) -> None:
        from imaging import compared_anew, settling

        compared_anew.connect()
        settling.connect()
