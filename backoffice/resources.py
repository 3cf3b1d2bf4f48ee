"""The people who work here, as files. Passwords are in none: somebody new is given one on the person's page."""

from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils import translation
from django.utils.translation import gettext_lazy

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.exchange.cells import NamesCell
from backoffice.exchange.columns import ChosenField, Row
from backoffice.formats.kept import gettext as _
from backoffice.models import User
from backoffice.models.roles import name_of


class RolesCell(NamesCell):
    example = "Front desk"

    def __init__(self) -> None:
        super().__init__(Group, "name")

    def name_in(self, language: str, row: Any) -> str:
        with translation.override(language):
            return name_of(row)

    def what(self) -> str:
        return _("Names of roles with commas between, such as Front desk.")


class UserResource(ExchangeResource):
    """A person is known by the user name."""

    roles = ChosenField("groups", "roles", RolesCell(), title=gettext_lazy("roles"))

    class Meta(ExchangeResource.Meta):
        model = User
        fields = ["username", "first_name", "last_name", "email", "is_active", "is_staff", "roles"]
        import_id_fields = ["username"]

    examples = {"username": "mlin", "first_name": "Mei-ling", "last_name": "Lin", "email": "mlin@example.org"}

    def init_instance(self, row: Row | None = None) -> User:
        person = super().init_instance(row)
        person.set_unusable_password()
        return person

    def _note_roles(self, person: User) -> None:
        """The history keeps no roles: the reason of this version says what becomes of them, and where it is from."""
        roles = self.fields["roles"]
        if roles in self.row.differing:
            before: Any = None if self.row.before is None else self.row.before[roles]
            person._change_reason = User.roles_changed(before, roles.get_value(person), why=self.reason)

    def bulk_create(self, *args: Any, **kwargs: Any) -> None:
        people = list(self.create_instances)
        super().bulk_create(*args, **kwargs)
        for person in people:
            if person.pk and (reason := getattr(person, "_change_reason", "")):
                person.history.update(history_change_reason=reason)

    def check(self, person: User, excluded: set[str]) -> None:
        super().check(person, excluded)
        if person.is_superuser and not (self.by and self.by.is_superuser):
            raise ValidationError({"username": _("Only a superuser may change a superuser. Take this line out.")})
        self._note_roles(person)
        if self.row.differing and self.by and person.pk == self.by.pk:
            told = _("This is your own record, which you do not change by a file. Use its page, or ask somebody else.")
            raise ValidationError({field.column_name: told for field in self.row.differing})
