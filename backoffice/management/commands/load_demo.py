import logging
from importlib import import_module
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from django.utils.module_loading import module_has_submodule
from django.utils.translation import gettext as _

from backoffice.demo import ACCOUNTS, password_of
from backoffice.formats.terminal import in_column


class Command(BaseCommand):
    help = "Fills an empty installation with a clinic to look at. Run again, it adds and changes nothing."

    def handle(self, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError(
                _("The demo's passwords are public: load it only where DJANGO_DEBUG=1 says that no clinic works here.")
            )
        logging.disable(logging.INFO)  # hundreds of bookings that nobody has made
        try:
            self.load()
        finally:
            logging.disable(logging.NOTSET)
        self.tell_where()

    def load(self) -> None:
        # Installed from the ground up, and each app's demo builds on those below it.
        for config in apps.get_app_configs():
            is_ours = Path(config.path).parent == settings.BASE_DIR
            if is_ours and module_has_submodule(config.module, "demo"):
                import_module(f"{config.name}.demo").load(self.stdout)

    def tell_where(self) -> None:
        self.stdout.write("")
        for what, path in {_("Book"): "/book/", _("Board"): "/now/", _("Back office"): reverse("admin:index")}.items():
            self.stdout.write(f"  {in_column(what, 12)} {settings.SERVED_AT}{path}")
        self.stdout.write("")
        password = _("password")
        for username, (_first, _last, role) in ACCOUNTS.items():
            self.stdout.write(f"  {username:<12} {password} {password_of(username):<16} {_(role)}")
