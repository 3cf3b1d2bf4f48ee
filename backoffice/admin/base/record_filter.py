"""The trail of one record, and of what belongs to it: of a patient, also who saw the visits and the films."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import reduce
from operator import or_

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.admin.base.auditing import AuditedAdmin
from backoffice.records.numbers import number_in

MOST = 2000  # records of one kind that belong to a record: far beyond any patient's


def trailed_models(site: admin.AdminSite) -> dict[type[Model], admin.ModelAdmin]:
    """The models of which it is noted who looks at them, with their admins."""
    return {
        model: model_admin for model, model_admin in site._registry.items() if isinstance(model_admin, AuditedAdmin)
    }


def with_all_below(
    model: type[Model], keys: list[int], models: Mapping[type[Model], admin.ModelAdmin]
) -> dict[type[Model], set[int]]:
    """The keys by model, with those of every record in `models` that hangs on them, however far down and by whichever
    way: but for what its history leaves out too, such as all that a person ever wrote."""
    found: dict[type[Model], set[int]] = defaultdict(set)
    new = {model: set(keys)}
    while new:
        below: dict[type[Model], set[int]] = defaultdict(set)
        for above, above_keys in new.items():
            found[above] |= above_keys
            for kind, kind_keys in _directly_below(above, above_keys, models):
                below[kind] |= kind_keys
        new = {kind: rest for kind, kind_keys in below.items() if (rest := kind_keys - found[kind])}
    return {kind: kind_keys for kind, kind_keys in found.items() if kind_keys}


def _directly_below(
    model: type[Model], keys: set[int], models: Mapping[type[Model], admin.ModelAdmin]
) -> Iterator[tuple[type[Model], set[int]]]:
    left_out = getattr(models[model], "history_leaves_out", ())
    for relation in model._meta.related_objects:
        below, is_of_it = relation.related_model, relation.one_to_many or relation.one_to_one
        if is_of_it and below in models and relation.get_accessor_name() not in left_out:
            own = below._base_manager.filter(**{f"{relation.field.name}__in": keys})
            yield below, set(own.values_list("pk", flat=True)[:MOST])


class RecordFilter(admin.ListFilter):
    """`of=<content type>-<key>`, as the pages of records link it."""

    title = _("record")
    parameter_name = "of"

    def __init__(
        self, request: HttpRequest, params: dict[str, list[str]], model: type[Model], model_admin: admin.ModelAdmin
    ) -> None:
        super().__init__(request, params, model, model_admin)
        self.models = trailed_models(model_admin.admin_site)
        self.record = self._record(params.pop(self.parameter_name)[-1]) if self.parameter_name in params else None

    def _record(self, text: str) -> Model:
        kind, key = map(number_in, text.partition("-")[::2])
        if kind is None or key is None:
            raise IncorrectLookupParameters
        content_type = ContentType.objects.filter(pk=kind).first()
        model = content_type and content_type.model_class()
        record = model._base_manager.filter(pk=key).first() if model in self.models else None
        if record is None:
            raise IncorrectLookupParameters
        return record

    def expected_parameters(self) -> list[str | None]:
        return [self.parameter_name]

    def has_output(self) -> bool:
        return self.record is not None

    def choices(self, changelist: ChangeList) -> Iterator[Mapping[str, object]]:
        everything = changelist.get_query_string(remove=[self.parameter_name])
        yield {"selected": False, "query_string": everything, "display": _("All")}
        yield {"selected": True, "query_string": changelist.get_query_string(), "display": self.record}

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.record is None:
            return queryset
        found = with_all_below(type(self.record), [self.record.pk], self.models)
        return queryset.filter(
            reduce(
                or_,
                (Q(content_type=ContentType.objects.get_for_model(m), object_id__in=keys) for m, keys in found.items()),
            )
        )
