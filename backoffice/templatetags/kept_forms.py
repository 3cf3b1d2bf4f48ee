"""The mark of a form that comes back after signing in again."""

from django import template
from django.template import Context
from django.utils.html import format_html

from backoffice.access import kept_forms

register = template.Library()


@register.simple_tag(takes_context=True)
def comes_back(context: Context) -> str:
    """Stands beside `csrf_token` in a form whose page gives back what was typed."""
    mark = kept_forms.mark_for(context["request"].user)
    return format_html('<input type="hidden" name="{}" value="{}">', kept_forms.MARK, mark)
