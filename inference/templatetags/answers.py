"""What was signed, in a template: `{{ prediction|signed_as }}`."""

from django import template

from inference import wording

register = template.Library()
register.filter("signed_as", wording.signed_as)
