"""After a record is saved, its list is where it was, and the record's row glows once."""

from urllib.parse import urlsplit, urlunsplit

from django.contrib import admin
from django.contrib.admin.views.main import SEARCH_VAR
from django.db import models
from django.http import HttpRequest, HttpResponseRedirect, QueryDict

from backoffice.web.admin_urls import admin_url

SEARCHED = "_list_search"
"""The hidden input that forms.js adds: what the list was searched for, which no record's address repeats."""


def row_id(key: object) -> str:
    return f"row-{key}"


class LeadsBackToTheList(admin.ModelAdmin):
    def response_post_save_add(self, request: HttpRequest, obj: models.Model) -> HttpResponseRedirect:
        return self._to_its_row(super().response_post_save_add(request, obj), request, obj)

    def response_post_save_change(self, request: HttpRequest, obj: models.Model) -> HttpResponseRedirect:
        return self._to_its_row(super().response_post_save_change(request, obj), request, obj)

    def _to_its_row(
        self, response: HttpResponseRedirect, request: HttpRequest, obj: models.Model
    ) -> HttpResponseRedirect:
        parts = urlsplit(response.url)
        if parts.path != admin_url(self.model, "changelist"):
            return response
        query = QueryDict(parts.query, mutable=True)
        if searched := request.POST.get(SEARCHED):
            query[SEARCH_VAR] = searched
        return HttpResponseRedirect(urlunsplit(parts._replace(query=query.urlencode(), fragment=row_id(obj.pk))))
