"""Small coloured words that say how something stands. Amber waits, red is bad, green is good; the word says it too."""

from django.db.models import TextChoices
from django.utils.html import format_html
from django.utils.safestring import SafeString

from backoffice.lazy import LazyText


class Tone(TextChoices):
    """The class names that the style sheets know."""

    PLAIN = ""
    QUIET = "quiet"
    WAIT = "wait"
    BAD = "bad"
    GOOD = "good"


def chip(word: LazyText, tone: str = Tone.PLAIN) -> SafeString:
    return format_html('<span class="chip {}">{}</span>', tone, word)
