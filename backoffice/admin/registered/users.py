"""The people who work here."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as LibraryUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.db import models
from django.db.models import ManyToManyField, Model, QuerySet
from django.db.models.fields.related import RelatedField
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from backoffice.access.people import StaffRequest
from backoffice.access.second_factor import rules
from backoffice.access.second_factor.views import ask_and_go_on_to
from backoffice.admin.base.auditing import AuditedAdmin
from backoffice.admin.base.concurrent_changes import MergesWhatWasShown
from backoffice.admin.base.exchange import ExchangeAdmin
from backoffice.admin.base.giving_back import GivesFormsBack
from backoffice.admin.base.history import HistoryAdmin
from backoffice.admin.base.import_pages import CANCEL, import_of
from backoffice.admin.registered.sign_in_help import SignInHelp, asking_for_the_code
from backoffice.lazy import LazyText
from backoffice.models import User
from backoffice.models.roles import name_of, names_of
from backoffice.records.fields import EmailField
from backoffice.resources import UserResource


class PasswordForm(AdminPasswordChangeForm):
    # Django's own is joined from two texts when it is imported, in whatever language that is.
    usable_password_help_text = _("Without a password nobody can sign in as this person; the one they have is lost.")  # type: ignore[assignment]  # the stubs know no lazy text here


class RoleFilter(admin.RelatedFieldListFilter):
    def field_choices(
        self, field: RelatedField, request: HttpRequest, model_admin: admin.ModelAdmin
    ) -> list[tuple[str, LazyText]]:
        """By their names in the reader's language."""
        return [(pk, gettext(str(name))) for pk, name in super().field_choices(field, request, model_admin)]


@admin.register(User)
class UserAdmin(
    GivesFormsBack, MergesWhatWasShown, ExchangeAdmin, SignInHelp, AuditedAdmin, HistoryAdmin, LibraryUserAdmin
):
    resource_class = UserResource
    change_password_form = PasswordForm
    formfield_overrides = {models.EmailField: {"form_class": EmailField}}
    history_leaves_out = {str(one.get_accessor_name()) for one in User._meta.related_objects}  # others' records
    list_display = ["username", "name", "email", "roles", "is_active", "last_login"]
    list_filter = [("groups", RoleFilter), "is_active"]
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        (_("Person"), {"fields": ["first_name", "last_name", "email", "language"]}),
        (_("Access"), {"fields": ["is_active", "is_staff", "groups", "lockout", "second_factor"]}),
    ]
    own_fieldsets = [
        *fieldsets[:2],
        (_("Access"), {"fields": ["is_active", "is_staff", "roles", "own_second_factor"]}),
    ]
    readonly_fields = ["lockout", "second_factor", "own_second_factor", "roles"]
    add_fieldsets = [
        (
            None,
            {
                "classes": ["wide"],
                "fields": ["username", "first_name", "last_name", "usable_password", "password1", "password2"],
            },
        ),
        (_("Access"), {"fields": ["is_staff", "groups"]}),
    ]

    filter_horizontal = []

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).prefetch_related("groups")

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> list[Any]:
        return [*(self.own_fieldsets if obj == request.user else super().get_fieldsets(request, obj))]

    def get_form(  # type: ignore[override]  # as the library has it
        self, request: HttpRequest, obj: User | None = None, **kwargs: Any
    ) -> type[forms.ModelForm]:
        return asking_for_the_code(super().get_form(request, obj, **kwargs), request)

    def process_import_view(self, request: StaffRequest) -> HttpResponse:
        """A file gives roles, too."""
        row, _shown = import_of(request.POST.get("key", ""))
        if row and request.POST.get("decision") != CANCEL and rules.must_ask_again(request):
            return ask_and_go_on_to(self.exchange_url("import_result", row.pk))
        return super().process_import_view(request)

    def formfield_for_manytomany(
        self, db_field: ManyToManyField, request: HttpRequest, **kwargs: Any
    ) -> forms.ModelMultipleChoiceField | None:
        """Roles are a few: a box to tick for each."""
        field = super().formfield_for_manytomany(db_field, request, widget=CheckboxSelectMultiple, **kwargs)
        if field:
            field.label, field.help_text, field.label_from_instance = _("Roles"), "", name_of  # type: ignore[method-assign, assignment]  # as Django's documentation says
        return field

    def save_model(self, request: HttpRequest, obj: User, form: forms.ModelForm, change: bool) -> None:
        """Roles are no column of the person: the reason says what becomes of them."""
        if "groups" in form.changed_data:
            obj._change_reason = User.roles_changed(form.initial.get("groups"), form.cleaned_data["groups"])
        super().save_model(request, obj, form, change)

    @admin.display(description=_("full name"), ordering="last_name")
    def name(self, person: User) -> str:
        return person.get_full_name()

    @admin.display(description=_("roles"))
    def roles(self, person: User) -> str:
        return names_of(person.groups.all())

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # a person's name stays on what they did: take their access away instead

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        # Only a superuser decides over a superuser, or an administrator could take the account over.
        is_above = obj is not None and obj.is_superuser and not request.user.is_superuser
        return not is_above and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        fields = [*super().get_readonly_fields(request, obj)]
        # Nobody shuts themselves out, nor gives themselves what nobody else decided on.
        return [*fields, "is_active", "is_staff", "groups"] if obj == request.user else fields
