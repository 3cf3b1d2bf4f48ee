"""What the clinic types and people read: in one language, or in two.

One text is enough, and is read by everybody. Where a second is given, who reads Chinese is shown the one of the two
that is Chinese, and everybody else the other. Which is which their signs tell, not a setting and not their order: a
clinic types first what comes first to it, and nobody turns round what it has typed.

A field keeps the same text for every reader, as histories, natural keys of files and searches want it; only
`shown_…` differs. That is why no library for translated models is used: there the field itself would.
"""

import re
from typing import Self, overload

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import get_language, gettext_lazy

from backoffice.formats.kept import gettext as _
from backoffice.lazy import LazyText
from backoffice.records.relations import field_of

OTHER = "_other"
CHINESE = "zh"  # how the codes of its kinds begin
HAN = re.compile("[\u2e80-\u2fdf\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")

READ_BY = gettext_lazy("The same in Chinese or in English, for who reads that. May stay empty.")


def other_text(title: LazyText, longest: int) -> models.CharField:
    """The field beside `<name>`, to be called `<name>_other`."""
    return models.CharField(title, max_length=longest, blank=True, help_text=READ_BY)


def in_language(first: str, other: str, language: str | None = None) -> str:
    """The one of two texts for who reads this language: by default, that of this moment."""
    if not first or not other:
        return first or other
    chinese, western = (first, other) if share_of_han(first) > share_of_han(other) else (other, first)
    return chinese if is_chinese(language) else western


def is_chinese(language: str | None = None) -> bool:
    """Whether this language, or that of this moment, is a kind of Chinese."""
    return (language or get_language() or "").startswith(CHINESE)


def share_of_han(text: str) -> float:
    """How much of a text's letters is Chinese: from 0 to 1. An English sentence may quote a Chinese name, and the other
    way round."""
    letters = sum(map(str.isalpha, text))
    return len(HAN.findall(text)) / letters if letters else 0.0


BETWEEN = " / "


def both(record: models.Model, field: str) -> str:
    """The text and its second one, for a line that is kept and may be read by anybody."""
    return BETWEEN.join(filter(None, [getattr(record, field), getattr(record, field + OTHER, "")]))


def shown_of_both(text: str) -> str:
    """Of what `both` made, the one for who reads now."""
    first, _between, other = text.partition(BETWEEN)
    return in_language(first, other) if share_of_han(first) != share_of_han(other) else text


class Shown:
    """`shown_name = Shown("name")`: the text for whoever reads now. It can be a column of a list."""

    def __init__(self, field: str) -> None:
        self.field = self.admin_order_field = field

    def __set_name__(self, owner: type[models.Model], name: str) -> None:
        self.owner = owner

    @overload
    def __get__(self, record: None, owner: type[models.Model]) -> Self: ...
    @overload
    def __get__(self, record: models.Model, owner: type[models.Model]) -> str: ...
    def __get__(self, record: models.Model | None, owner: type[models.Model]) -> Self | str:
        return self if record is None else shown(record, self.field)

    @property
    def short_description(self) -> LazyText:
        return field_of(self.owner, self.field).verbose_name


def shown(record: models.Model, field: str, language: str | None = None) -> str:
    """The text of a field that may have a second one, for who reads this language."""
    return in_language(getattr(record, field), getattr(record, field + OTHER, ""), language)


class InTwoLanguages(models.Model):
    """Refuses two texts of which nobody could say which one is Chinese. The same twice does no harm."""

    class Meta:
        abstract = True

    def clean(self) -> None:
        super().clean()
        errors = {}
        for name in (field.name for field in self._meta.concrete_fields if hasattr(self, f"{field.name}{OTHER}")):
            first, other = getattr(self, name), getattr(self, f"{name}{OTHER}")
            if first and other and first != other and share_of_han(first) == share_of_han(other):
                errors[f"{name}{OTHER}"] = _(
                    "Of the two texts one must be Chinese and the other not. Leave this empty otherwise."
                )
        if errors:
            raise ValidationError(errors)
