"""The menu beside every page of the admin."""

from typing import Any

from django.contrib import admin
from django.template import Context, Library
from jazzmin.templatetags.jazzmin import get_side_menu

register = Library()


@register.simple_tag(takes_context=True)
def side_menu(context: Context) -> list[dict[str, Any]]:
    """jazzmin's, which copies its settings and every entry, and puts them in order: kept, to read only."""
    site: Any = admin.site
    return site.kept_menu(context["request"], "beside", lambda: get_side_menu(context))
