"""The people who work here."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as LibraryUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.db import models
from django.forms import CheckboxSelectMultiple
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from backoffice.admin.base.auditing import AuditedAdmin
from backoffice.admin.base.concurrent_changes import MergesWhatWasShown
from backoffice.admin.base.exchange import ExchangeAdmin
from backoffice.admin.base.giving_back import GivesFormsBack
from backoffice.admin.base.history import HistoryAdmin
from backoffice.admin.registered.sign_in_help import SignInHelp, asking_for_the_code
from backoffice.models import User
from backoffice.models.roles import name_of, names_of
from backoffice.records.fields import EmailField
from backoffice.resources import UserResource


class PasswordForm(AdminPasswordChangeForm):
    # Django's own is joined from two texts when it is imported, in whatever language that is.
    usable_password_help_text = _("Without a password nobody can sign in as this person; the one they have is lost.")


class RoleFilter(admin.RelatedFieldListFilter):
    def field_choices(self, field, request, model_admin):
        """By their names in the reader's language."""
        return [(pk, gettext(name)) for pk, name in super().field_choices(field, request, model_admin)]


@admin.register(User)
class UserAdmin(
    GivesFormsBack, MergesWhatWasShown, ExchangeAdmin, SignInHelp, AuditedAdmin, HistoryAdmin, LibraryUserAdmin
):
    resource_class = UserResource
    change_password_form = PasswordForm
    formfield_overrides = {models.EmailField: {"form_class": EmailField}}
    history_leaves_out = {relation.get_accessor_name() for relation in User._meta.related_objects}  # others' records
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

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("groups")

    def get_fieldsets(self, request, obj=None):
        return self.own_fieldsets if obj == request.user else super().get_fieldsets(request, obj)

    def get_form(self, request, obj=None, **kwargs):
        form = super().get_form(request, obj, **kwargs)
        return asking_for_the_code(form, request) if obj == request.user else form

    def formfield_for_manytomany(self, db_field, request=None, **kwargs):
        """Roles are a few: a box to tick for each."""
        field = super().formfield_for_manytomany(db_field, request, widget=CheckboxSelectMultiple, **kwargs)
        field.label, field.help_text, field.label_from_instance = _("Roles"), "", name_of
        return field

    def save_model(self, request, obj, form, change):
        """Roles are no column of the person: the reason says what becomes of them."""
        if "groups" in form.changed_data:
            obj._change_reason = User.roles_changed(form.initial.get("groups"), form.cleaned_data["groups"])
        super().save_model(request, obj, form, change)

    @admin.display(description=_("full name"), ordering="last_name")
    def name(self, person):
        return person.get_full_name()

    @admin.display(description=_("roles"))
    def roles(self, person):
        return names_of(person.groups.all())

    def has_delete_permission(self, request, obj=None):
        return False  # a person's name stays on what they did: take their access away instead

    def has_change_permission(self, request, obj=None):
        # Only a superuser decides over a superuser, or an administrator could take the account over.
        is_above = obj is not None and obj.is_superuser and not request.user.is_superuser
        return not is_above and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request, obj=None):
        fields = super().get_readonly_fields(request, obj)
        # Nobody shuts themselves out, nor gives themselves what nobody else decided on.
        return [*fields, "is_active", "is_staff", "groups"] if obj == request.user else fields
