"""What a tick or a cross in a list is called for those who do not see it: Django says “True”, in every language."""

from django.contrib.admin.templatetags import admin_list
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.translation import gettext as _


def icon(value: bool | None) -> str:
    name, said = {True: ("yes", _("yes")), False: ("no", _("no")), None: ("unknown", _("unknown"))}[value]
    return format_html('<img src="{}" alt="{}">', static(f"admin/img/icon-{name}.svg"), said)


setattr(admin_list, "_boolean_icon", icon)  # noqa: B010 — Django looks it up there at each use, and offers no other door
