"""Names of records, lists of them and reasons of changes, for whoever reads the page."""

import re

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from backoffice.formats.kept import told
from backoffice.formats.lists import counted, listed, told_of
from backoffice.records.names import name_for

register = template.Library()
register.filter("name_for", name_for)
register.filter("listed", listed)
register.filter("counted", counted)
register.filter("told", told)


# Also where a tag ends after the sign, or begins before what follows.
BLANK_AFTER_A_SIGN = re.compile(r"(?<=[，。：；！？、])((?:</\w+>)*)\s+(?=(?:<[a-z][^>]*>)*[\u3400-\u9fff「（])")


class SentencesNode(template.Node):
    def __init__(self, nodelist: template.NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: template.Context) -> SafeString:
        return mark_safe(BLANK_AFTER_A_SIGN.sub(r"\1", self.nodelist.render(context)))  # noqa: S308 (it is a template)


@register.tag
def sentences(parser: template.base.Parser, token: template.base.Token) -> SentencesNode:
    """`{% sentences %}{% translate "One." %} {% translate "Two." %}{% endsentences %}`: as `in_turn` does."""
    nodelist = parser.parse(("endsentences",))
    parser.delete_first_token()
    return SentencesNode(nodelist)


@register.filter("told_of")
def told_of_in_html(name: object, what: object) -> str:
    return format_html(told_of("{}", "{}"), name, what)
