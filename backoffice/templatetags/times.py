"""How long ago, as people say it."""

from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def ago(moment: datetime) -> str:
    """The largest unit alone (“2 hours”); “just now” within the first minute."""
    if timezone.now() - moment < timedelta(minutes=1):
        return _("just now")
    return timesince(moment, depth=1)
