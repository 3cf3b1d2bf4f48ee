"""How a follow-up stands, for the section on other pages."""

from django import template
from django.utils.safestring import SafeString

from inference.follow_ups.section import Line
from inference.follow_ups.wording import state_chip, what_is_to_be_done

register = template.Library()


register.simple_tag(what_is_to_be_done)


@register.simple_tag
def state_of(line: Line) -> SafeString:
    return state_chip(line.follow_up, must_be_decided=line.must_be_decided)
