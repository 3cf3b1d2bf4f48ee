"""The people who work here."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as LibraryUserAdmin
from django.forms import CheckboxSelectMultiple
from django.utils.translation import gettext_lazy as _

from backoffice.admin.base.auditing import AuditedAdmin
from backoffice.admin.base.exchange import ExchangeAdmin
from backoffice.admin.base.giving_back import GivesFormsBack
from backoffice.admin.base.history import HistoryAdmin
from backoffice.admin.registered.sign_in_help import SignInHelp
from backoffice.models import User
from backoffice.models.users import names_of
from backoffice.resources import UserResource


@admin.register(User)
class UserAdmin(GivesFormsBack, ExchangeAdmin, SignInHelp, AuditedAdmin, HistoryAdmin, LibraryUserAdmin):
    resource_class = UserResource
    history_leaves_out = {relation.get_accessor_name() for relation in User._meta.related_objects}  # others' records
    list_display = ["username", "name", "email", "roles", "is_active", "last_login"]
    list_filter = ["groups", "is_active"]
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        (_("Person"), {"fields": ["first_name", "last_name", "email"]}),
        (_("Access"), {"fields": ["is_active", "is_staff", "groups", "lockout", "second_factor"]}),
    ]
    readonly_fields = ["lockout", "second_factor"]
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

    def formfield_for_manytomany(self, db_field, request=None, **kwargs):
        """Roles are a few: a box to tick for each."""
        field = super().formfield_for_manytomany(db_field, request, widget=CheckboxSelectMultiple, **kwargs)
        field.label, field.help_text = _("Roles"), ""
        return field

    def save_model(self, request, obj, form, change):
        """Roles are no column of the person: the reason says what becomes of them."""
        if "groups" in form.changed_data:
            obj._change_reason = User.roles_changed(form.initial.get("groups"), form.cleaned_data["groups"])
        super().save_model(request, obj, form, change)

    @admin.display(description=_("name"), ordering="last_name")
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
