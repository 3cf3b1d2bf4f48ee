"""The menu beside every page."""

from typing import cast

from django import template
from django.contrib import admin
from django.template import Context
from django.utils.safestring import SafeString

from backoffice.site import BackofficeSite

register = template.Library()


@register.simple_tag(takes_context=True)
def menu(context: Context) -> SafeString:
    return cast(BackofficeSite, admin.site).menu(context["request"])
