"""The admin site, and what every page knows about the clinic."""

from django.conf import settings
from django.contrib import admin
from django.utils.translation import gettext_lazy as _


class BackofficeSite(admin.AdminSite):
    site_title = "Collimator"
    site_header = "Collimator"
    index_title = _("Today")
    password_change_template = "admin/password_change_form.html"
    logout_template = "admin/logged_out.html"
    enable_nav_sidebar = False  # jazzmin has its own


def clinic_name(request) -> dict[str, str]:
    """Context processor: the clinic's name, for every template."""
    return {"clinic_name": settings.CLINIC_NAME}
