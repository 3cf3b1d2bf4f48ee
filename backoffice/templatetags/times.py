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
    return _("just now") if _is_new(moment) else timesince(moment, depth=1)


@register.filter
def span_since(moment: datetime) -> str:
    """The same within a sentence, as in “waits for 2 hours”; “less than a minute” within the first."""
    return _("less than a minute") if _is_new(moment) else timesince(moment, depth=1)


def _is_new(moment: datetime) -> bool:
    return timezone.now() - moment < timedelta(minutes=1)
