from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class BackofficeConfig(AppConfig):
    name = "backoffice"
    verbose_name = _("People and access")

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from backoffice import checks  # noqa: F401  (registers them)
        from backoffice.access import security_events
        from backoffice.access.kept_forms import forget_others
        from backoffice.access.roles import sync_roles
        from backoffice.access.session_expiry import begin
        from backoffice.backups import noticed  # noqa: F401  (registers what the bell says of them)
        from backoffice.jobs import nudges, scheduled_runs
        from backoffice.jobs.schedules import align
        from backoffice.live.blocks import blocks
        from backoffice.live.versions import tell_of_rows
        from backoffice.records.mixins import written_at_once

        nudges.connect()
        scheduled_runs.connect()
        security_events.connect()
        # In every process, so that each tells of what it changes.
        blocks.all()
        written_at_once.connect(tell_of_rows, dispatch_uid="backoffice.live.versions")

        user_logged_in.connect(begin, dispatch_uid="backoffice.session_begins")
        user_logged_in.connect(forget_others, dispatch_uid="backoffice.forget_others")
        post_migrate.connect(make_cache_table, sender=self, dispatch_uid="backoffice.make_cache_table")
        post_migrate.connect(close_files, sender=self, dispatch_uid="backoffice.close_files")
        post_migrate.connect(align, dispatch_uid="backoffice.align_schedules")
        post_migrate.connect(sync_roles, sender=self, dispatch_uid="backoffice.sync_roles")


def make_cache_table(using: str, **kwargs: object) -> None:
    """The cache's table, where the cache is one: `migrate` alone leaves an installation that works."""
    from django.core.cache import caches
    from django.core.management import call_command

    from backoffice.live.caches import JsonDatabaseCache

    call_command("createcachetable", database=using, verbosity=0)
    for cache in caches.all(initialized_only=False):
        if isinstance(cache, JsonDatabaseCache):
            cache.keep_out_of_the_log()


def close_files(**kwargs: object) -> None:
    """What an older installation left open to everybody on the machine."""
    from backoffice.files import modes

    modes.close()


class SiteConfig(AdminConfig):
    """django.contrib.admin, with our site in the place of its own."""

    default_site = "backoffice.site.BackofficeSite"
