"""What a cell holds: the text that people type, and the value that it means."""

import csv
import datetime
import io
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import cached_property

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export.widgets import Widget

from backoffice.formats.lists import listed
from backoffice.records.dates import parse_day
from backoffice.records.numbers import parse_number, parse_whole
from backoffice.records.text import tidy_line, tidy_text


class Cell(Widget):
    """One kind of cell. `clean` reads a text that is not empty, and raises ValidationError; `render` writes a value.

    Plain numbers are written as numbers; everything else is text that `clean` reads back, in whatever language.
    """

    example: str = ""
    leaves_no_doubt = False
    """Whether a value that `clean` has read needs no further check by the model."""

    def what(self) -> str:
        """What to write, as a sentence: the remedy for every text that `clean` refuses."""
        raise NotImplementedError

    def refuse(self, problem: str):
        raise ValidationError(problem, code="cell")


def plain(text: str) -> str:
    """Full-width digits and signs, as some keyboards write them, become plain ones."""
    return unicodedata.normalize("NFKC", text) if not text.isascii() else text


class TextCell(Cell):
    def __init__(
        self,
        longest: int | None = None,
        normalise: Callable[[str], str] | None = None,
        example: str = "",
        remedy: str = "",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.longest, self.normalise, self.example, self.remedy = longest, normalise, example, remedy

    def clean(self, value, row=None, **kwargs) -> str:
        return self.normalise(value) if self.normalise else tidy_text(value)

    def what(self):
        if self.remedy:
            return str(self.remedy)
        return _("Text of up to %(longest)d characters.") % {"longest": self.longest} if self.longest else _("Text.")


class DayCell(Cell):
    leaves_no_doubt = True
    example = "2026-11-23"

    def clean(self, value, row=None, **kwargs) -> datetime.date:
        return parse_day(value)

    def render(self, value, **kwargs) -> str:
        return value.isoformat() if value else ""

    def what(self):
        return _("A day, the year first, such as 2026-11-23.")


class MomentCell(Cell):
    leaves_no_doubt = True
    example = "2026-11-23 09:30"

    def clean(self, value, row=None, **kwargs) -> datetime.datetime:
        try:
            moment = datetime.datetime.fromisoformat(plain(value))
        except ValueError:
            self.refuse(_("This is not a day and a time."))
        return moment if timezone.is_aware(moment) else timezone.make_aware(moment)

    def render(self, value, **kwargs) -> str:
        return timezone.localtime(value).isoformat(" ") if value else ""

    def what(self):
        return _("A day and a time, such as 2026-11-23 09:30.")


class WholeCell(Cell):
    example = "12"

    def clean(self, value, row=None, **kwargs) -> int:
        return parse_whole(value)

    def render(self, value, **kwargs) -> int | str:
        return "" if value is None else value

    def what(self):
        return _("A whole number, such as %(example)s.") % {"example": self.example}


class DecimalCell(Cell):
    example = "1.5"

    def clean(self, value, row=None, **kwargs) -> Decimal:
        return parse_number(value)

    def render(self, value, **kwargs) -> int | float | str:
        """2, not 2.00."""
        if value is None:
            return ""
        return int(value) if value == value.to_integral_value() else float(value)

    def what(self):
        return _("A number, such as %(example)s.") % {"example": self.example}


class YesNoCell(Cell):
    leaves_no_doubt = True
    example = "yes"

    def clean(self, value, row=None, **kwargs) -> bool:
        word = plain(value).casefold()
        if word in {"yes", "y", "true", "1", "是", _("yes").casefold()}:
            return True
        if word not in {"no", "n", "false", "0", "否", _("no").casefold()}:
            self.refuse(_("This is neither yes nor no."))
        return False

    def render(self, value, **kwargs) -> str:
        return {True: "yes", False: "no"}.get(value, "")

    def what(self):
        return _("yes or no.")


_also_read: dict[tuple, dict[str, object]] = {}


def also_read(choices: type[models.Choices], words: Mapping[str, object]) -> None:
    """Words that mean one of the choices beside its value and its names, such as 男 or M."""
    _also_read[tuple(choices.values)] = {plain(word).casefold(): value for word, value in words.items()}


class ChoiceCell(Cell):
    """One of a few values; read by the value, by its name in any language of the site, or by a word also in use."""

    leaves_no_doubt = True

    def __init__(self, choices: Iterable[tuple], **kwargs):
        super().__init__(**kwargs)
        self.choices = list(choices)

    @property
    def example(self) -> str:
        return self.render(self.choices[0][0])

    @cached_property
    def _values(self) -> dict[str, object]:
        words = _also_read.get(tuple(value for value, _label in self.choices), {})
        named = words | {str(value).casefold(): value for value, _label in self.choices}
        for language, _name in settings.LANGUAGES:
            with translation.override(language):
                named |= {str(label).casefold(): value for value, label in self.choices}
        return named

    def clean(self, value, row=None, **kwargs):
        try:
            return self._values[plain(value).casefold()]
        except KeyError:
            self.refuse(_("This is none of the values that are possible here."))

    def render(self, value, **kwargs) -> str:
        """The value; in place of one that is only a number, its English name."""
        return self._english.get(value, value) if isinstance(value, int) else value or ""

    @cached_property
    def _english(self) -> dict:
        with translation.override("en"):
            return {value: str(label) for value, label in self.choices}

    def what(self):
        """By their names in the reader's language, which are read as well; in English by what a table holds."""
        is_english = (translation.get_language() or "en").startswith("en")
        words = [self.render(value) if is_english else str(label) for value, label in self.choices]
        return _("One of: %(values)s.") % {"values": listed(words)}


class NamesCell(Cell):
    """Some records of another table by their names, with commas between; a name with a comma stands in quotes."""

    def __init__(self, model: type[models.Model], field: str, **kwargs):
        super().__init__(**kwargs)
        self.model, self.field = model, field

    @cached_property
    def _by_name(self) -> dict[str, models.Model]:
        return {getattr(row, self.field): row for row in self.model._base_manager.all()}

    def clean(self, value, row=None, **kwargs) -> list[models.Model]:
        names = next(csv.reader(io.StringIO(value, newline=""), skipinitialspace=True), [])
        names = dict.fromkeys(tidy_line(name) for name in names if name.strip())
        if unknown := [name for name in names if name not in self._by_name]:
            self.refuse(_("“%(name)s” is not known here.") % {"name": "”, “".join(unknown)})
        return sorted((self._by_name[name] for name in names), key=lambda row: row.pk)

    def render(self, value, **kwargs) -> str:
        """`value` is the related manager, or rows of it."""
        rows = value.all() if hasattr(value, "all") else value or []
        text = io.StringIO(newline="")
        csv.writer(text).writerow(sorted(getattr(row, self.field) for row in rows))
        return text.getvalue().removesuffix("\r\n")

    def what(self):
        return _("Names with commas between, such as %(example)s.") % {"example": self.example or "A, B"}


def cell_for(field: models.Field) -> Cell:
    """The kind of cell that holds this field's values."""
    if field.choices:
        return ChoiceCell(field.choices)
    if isinstance(field, models.BooleanField):
        return YesNoCell()
    if isinstance(field, models.DateTimeField):
        return MomentCell()
    if isinstance(field, models.DateField):
        return DayCell()
    if isinstance(field, models.DecimalField):
        return DecimalCell()
    if isinstance(field, models.IntegerField):
        return WholeCell()
    if isinstance(field, models.EmailField):
        return TextCell(
            field.max_length, normalise=tidy_line, remedy=gettext_lazy("An e-mail address, such as lin@example.org.")
        )
    return TextCell(field.max_length, normalise=tidy_line if isinstance(field, models.CharField) else None)
