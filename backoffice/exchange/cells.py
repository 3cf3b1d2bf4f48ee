"""What a cell holds: the text that people type, and the value that it means."""

import csv
import datetime
import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import cache, cached_property
from itertools import chain
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy
from import_export.widgets import Widget

from backoffice.formats.kept import gettext as _
from backoffice.formats.lists import listed
from backoffice.lazy import LazyText
from backoffice.records.dates import moment_in, parse_day
from backoffice.records.numbers import parse_number, parse_whole
from backoffice.records.text import plain_figures, tidy_line, tidy_text
from backoffice.records.two_languages import shown

CHINESE_COMMAS = re.compile("[、，；]")


def readers_language() -> str | None:
    """In which language names are told to who reads now; None in English, where the stable names are."""
    language = translation.get_language() or "en"
    return None if language.startswith("en") else language


class Cell(Widget):
    """One kind of cell. `clean` reads a text that is not empty, and raises ValidationError; `render` writes a value.

    Plain numbers are written as numbers; everything else is text that `clean` reads back, in whatever language it is
    written: what has a name in a `language` is written by it, and where that is None by its stable one.
    """

    example: str = ""
    leaves_no_doubt = False
    """Whether a value that `clean` has read needs no further check by the model."""

    def what(self) -> str:
        """What to write, as a sentence: the remedy for every text that `clean` refuses."""
        raise NotImplementedError

    def refuse(self, problem: str) -> NoReturn:
        raise ValidationError(problem, code="cell")


class TextCell(Cell):
    def __init__(
        self,
        longest: int | None = None,
        normalise: Callable[[str], str] | None = None,
        example: str = "",
        remedy: LazyText = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.longest, self.normalise, self.example, self.remedy = longest, normalise, example, remedy

    def clean(self, value: str, row: Mapping[str, str] | None = None, **kwargs: Any) -> str:
        return self.normalise(value) if self.normalise else tidy_text(value)

    def what(self) -> str:
        if self.remedy:
            return str(self.remedy)
        return _("Text of up to %(longest)d characters.") % {"longest": self.longest} if self.longest else _("Text.")


class DayCell(Cell):
    leaves_no_doubt = True
    example = "2026-11-23"

    def clean(self, value: str, row: Mapping[str, str] | None = None, **kwargs: Any) -> datetime.date:
        return parse_day(value)

    def render(self, value: datetime.date | None, **kwargs: Any) -> str:
        return value.isoformat() if value else ""

    def what(self) -> str:
        return _("A day, the year first, such as 2026-11-23.")


class MomentCell(Cell):
    leaves_no_doubt = True
    example = "2026-11-23 09:30"

    def clean(self, value: str, row: Mapping[str, str] | None = None, **kwargs: Any) -> datetime.datetime:
        moment = moment_in(plain_figures(value))
        if moment is None:
            self.refuse(_("This is not a day and a time."))
        return moment

    def render(self, value: datetime.datetime | None, **kwargs: Any) -> str:
        return timezone.localtime(value).isoformat(" ") if value else ""

    def what(self) -> str:
        return _("A day and a time, such as 2026-11-23 09:30.")


class WholeCell(Cell):
    example = "12"

    def clean(self, value: str, row: Mapping[str, str] | None = None, **kwargs: Any) -> int:
        return parse_whole(value)

    def render(self, value: int | None, **kwargs: Any) -> int | str:
        return "" if value is None else value

    def what(self) -> str:
        return _("A whole number, such as %(example)s.") % {"example": self.example}


class DecimalCell(Cell):
    example = "1.5"

    def clean(self, value: str, row: Mapping[str, str] | None = None, **kwargs: Any) -> Decimal:
        return parse_number(value)

    def render(self, value: Decimal | None, **kwargs: Any) -> int | float | str:
        """2, not 2.00."""
        if value is None:
            return ""
        return int(value) if value == value.to_integral_value() else float(value)

    def what(self) -> str:
        return _("A number, such as %(example)s.") % {"example": self.example}


@cache
def yes_and_no(language: str | None) -> dict[bool | None, str]:
    with translation.override(language or "en"):
        return {True: str(_("yes")), False: str(_("no"))}


class YesNoCell(Cell):
    leaves_no_doubt = True
    YES = {"yes", "y", "true", "t", "on", "1", "是", "有", "✓", "✔", "√"}
    NO = {"no", "n", "false", "f", "off", "0", "否", "無", "沒有", "不是", "✗", "✘", "×"}

    def clean(self, value: str, row: Mapping[str, str] | None = None, **kwargs: Any) -> bool:
        word = plain_figures(value).casefold()
        if word in self.YES:
            return True
        if word not in self.NO:
            self.refuse(_("This is neither yes nor no."))
        return False

    @property
    def example(self) -> str:  # type: ignore[override]  # nobody sets this one
        return self.render(True, readers_language())

    def render(self, value: bool | None, language: str | None = None, **kwargs: Any) -> str:
        return yes_and_no(language).get(value, "")

    def what(self) -> str:
        return _("yes or no.")


_also_read: dict[tuple, dict[str, object]] = {}


def also_read(choices: type[models.Choices], words: Mapping[str, object]) -> None:
    """Words that mean one of the choices beside its value and its names, such as 男 or M."""
    _also_read[tuple(choices.values)] = {plain_figures(word).casefold(): value for word, value in words.items()}


class ChoiceCell(Cell):
    """One of a few values; read by the value, by its name in any language of the site, or by a word also in use."""

    leaves_no_doubt = True

    def __init__(self, choices: Iterable[tuple], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.choices = list(choices)
        self._labels_in: dict[str, dict] = {}

    @property
    def example(self) -> str:  # type: ignore[override]  # nobody sets this one
        return self.render(self.choices[0][0], readers_language())

    @cached_property
    def _values(self) -> dict[str, Any]:
        words = _also_read.get(tuple(value for value, _label in self.choices), {})
        # A number says nothing: 1 is Monday to some, and Tuesday or Sunday to others.
        named = words | {value.casefold(): value for value, _label in self.choices if isinstance(value, str)}
        for language, _name in settings.LANGUAGES:
            named |= {plain_figures(label).casefold(): value for value, label in self._labels(language).items()}
        return named

    def _labels(self, language: str) -> dict[object, str]:
        if language not in self._labels_in:
            with translation.override(language):
                self._labels_in[language] = {value: str(label) for value, label in self.choices}
        return self._labels_in[language]

    def clean(self, value: str, row: Mapping[str, str] | None = None, **kwargs: Any) -> str | int:
        try:
            return self._values[plain_figures(value).casefold()]
        except KeyError:
            self.refuse(_("This is none of the values that are possible here."))

    def render(self, value: str | int | None, language: str | None = None, **kwargs: Any) -> str:
        """Its name in the language. The stable one is the value, or of one that is only a number its English name."""
        if language is None and not isinstance(value, int):
            return value or ""
        return self._labels(language or "en").get(value, str(value or ""))

    def what(self) -> str:
        """By their names in the reader's language, which are read as well; in English by what a table holds."""
        words = [self.render(value, readers_language()) for value, _label in self.choices]
        return _("One of: %(values)s.") % {"values": listed(words)}


class NamesCell(Cell):
    """Some records of another table by their names, with commas between; a name with a comma stands in quotes."""

    def __init__(self, model: type[models.Model], field: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model, self.field = model, field
        self._names_in: dict[str, dict[int, str]] = {}

    def name_in(self, language: str, row: models.Model) -> str:
        """What a record is called in a language."""
        return shown(row, self.field, language)

    @cached_property
    def _by_name(self) -> dict[str, models.Model]:
        """By the stable names, and by those in each language that mean one record only."""
        meant: dict[str, set[models.Model]] = defaultdict(set)
        for language, _name in settings.LANGUAGES:
            for row in self._rows:
                meant[self.name_in(language, row)].add(row)
        in_languages = {name: found.pop() for name, found in meant.items() if len(found) == 1}
        return in_languages | {getattr(row, self.field): row for row in self._rows}

    @cached_property
    def _rows(self) -> list[models.Model]:
        return list(self.model._base_manager.all())

    def _names(self, language: str) -> dict[int, str]:
        """What each record is called in the language, by key; where that means another too, by its stable name."""
        if language not in self._names_in:
            names = {row.pk: (row, self.name_in(language, row)) for row in self._rows}
            self._names_in[language] = {
                pk: name if self._by_name.get(name) == row else getattr(row, self.field)
                for pk, (row, name) in names.items()
            }
        return self._names_in[language]

    def clean(self, value: str, row: Mapping[str, str] | None = None, **kwargs: Any) -> list[models.Model]:
        names: Iterable[str] = next(csv.reader(io.StringIO(value, newline=""), skipinitialspace=True), [])
        names = [tidy_line(name) for name in names if name.strip()]
        pieces = ([name] if name in self._by_name else filter(None, CHINESE_COMMAS.split(name)) for name in names)
        names = dict.fromkeys(tidy_line(name) for name in chain.from_iterable(pieces))
        if unknown := [name for name in names if name not in self._by_name]:
            self.refuse(_("“%(name)s” is not known here.") % {"name": "”, “".join(unknown)})
        return sorted((self._by_name[name] for name in names), key=lambda row: row.pk)

    def render(
        self, value: models.Manager | Iterable[models.Model] | None, language: str | None = None, **kwargs: Any
    ) -> str:
        """`value` is the related manager, or rows of it."""
        rows = value.all() if isinstance(value, models.Manager) else value or []
        text = io.StringIO(newline="")
        names = self._names(language) if language else {}
        csv.writer(text).writerow(sorted(names.get(row.pk) or getattr(row, self.field) for row in rows))
        return text.getvalue().removesuffix("\r\n")

    def what(self) -> str:
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
    spelled = getattr(field.model, "spellings", {}).get(field.name)
    return TextCell(field.max_length, normalise=spelled or (tidy_line if isinstance(field, models.CharField) else None))
