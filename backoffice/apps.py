from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class BackofficeConfig(AppConfig):
    name = "backoffice"
    verbose_name = _("People and access")

    def ready(self):
        from django.contrib.auth.signals import user_logged_in
        from django.utils.module_loading import autodiscover_modules

        from backoffice.access.roles import sync_roles
        from backoffice.access.session_expiry import begin
        from backoffice.live.versions import tell_of_rows
        from backoffice.records.mixins import written_at_once

        # In every process, so that each tells of what it changes.
        autodiscover_modules("dashboard")
        written_at_once.connect(tell_of_rows, dispatch_uid="backoffice.live.versions")

        user_logged_in.connect(begin, dispatch_uid="backoffice.session_begins")
        post_migrate.connect(sync_roles, sender=self, dispatch_uid="backoffice.sync_roles")
        post_migrate.connect(schedule_mail, dispatch_uid="backoffice.schedule_mail")
        post_migrate.connect(schedule_imports, dispatch_uid="backoffice.schedule_imports")
        post_migrate.connect(schedule_purge, dispatch_uid="backoffice.schedule_purge")
        post_migrate.connect(schedule_planner, dispatch_uid="backoffice.schedule_planner")


def schedule_mail(sender, **kwargs) -> None:
    """Every minute, mails that waited for the mail server or for their next attempt go out."""
    if sender.label != "django_q":
        return
    from django.conf import settings

    from backoffice.jobs.nudges import every_minute

    every_minute("backoffice.jobs.mail.send_due", cluster=settings.DEFAULT_CLUSTER)


def schedule_imports(sender, **kwargs) -> None:
    """Every minute, files that a lost task or a dead worker left behind are taken up again."""
    if sender.label != "django_q":
        return
    from django.conf import settings

    from backoffice.jobs.nudges import every_minute

    every_minute("backoffice.imports.runs.look_for_waiting", cluster=settings.DEFAULT_CLUSTER)


def schedule_purge(sender, **kwargs) -> None:
    """At night, what has had its time goes."""
    if sender.label != "django_q":
        return
    from datetime import time

    from django.conf import settings

    from backoffice.jobs.nudges import daily

    daily("backoffice.jobs.registry.purge_all", cluster=settings.DEFAULT_CLUSTER, at=time(3, 30))


def schedule_planner(sender, **kwargs) -> None:
    """At night, SQLite learns how large its tables have become."""
    if sender.label != "django_q":
        return
    from datetime import time

    from django.conf import settings

    from backoffice.jobs.nudges import daily

    daily("backoffice.jobs.sqlite_analyze.renew_figures", cluster=settings.DEFAULT_CLUSTER, at=time(3, 50))


class SiteConfig(AdminConfig):
    """django.contrib.admin, with our site in the place of its own."""

    default_site = "backoffice.site.BackofficeSite"
