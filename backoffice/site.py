"""The admin site, and what every page knows about the clinic."""

from django.conf import settings
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from backoffice.dashboard import rendered_blocks


class BackofficeSite(admin.AdminSite):
    site_title = "Collimator"
    site_header = "Collimator"
    index_title = _("Today")
    password_change_template = "admin/password_change_form.html"  # noqa: S105  (a file name)
    logout_template = "admin/logged_out.html"
    enable_nav_sidebar = False  # jazzmin has its own

    def index(self, request, extra_context=None):
        return super().index(request, {"blocks": rendered_blocks(request), **(extra_context or {})})


def clinic_name(request) -> dict[str, str]:
    """Context processor: the clinic's name, for every template."""
    return {"clinic_name": settings.CLINIC_NAME}
