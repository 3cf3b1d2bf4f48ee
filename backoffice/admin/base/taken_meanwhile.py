"""Of two who give one value that only one record may have, such as a national ID, the later is told by the form.

A form looks whether a value is taken before it writes. Where somebody writes it in between, the database refuses, and
the whole save is undone; asked once more, the form finds it taken and says so.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse

from backoffice.admin.base.history import HistoryAdmin


def asked_once_more(save: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A view that writes all or nothing. What the database refuses a second time, no form has an answer to."""

    @wraps(save)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return save(request, *args, **kwargs)
        except IntegrityError:
            return save(request, *args, **kwargs)

    return page


class TellsWhatIsTaken(HistoryAdmin):
    """Mixin of an admin whose forms check what only one record may have."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return asked_once_more(super().changeform_view)(request, *args, **kwargs)

    def history_form_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return asked_once_more(super().history_form_view)(request, *args, **kwargs)
