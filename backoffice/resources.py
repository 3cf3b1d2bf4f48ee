"""The people who work here, as files. Passwords are in none: somebody new is given one on the person's page."""

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.exchange.cells import NamesCell
from backoffice.exchange.columns import ChosenField
from backoffice.models import User

ACCESS = {"is_active", "is_staff", "roles"}


class RolesCell(NamesCell):
    example = "Front desk"

    def __init__(self):
        super().__init__(Group, "name")

    def what(self):
        return _("Names of roles with commas between, such as Front desk.")


class UserResource(ExchangeResource):
    """A person is known by the user name."""

    roles = ChosenField("groups", "roles", RolesCell(), title=gettext_lazy("roles"))

    class Meta(ExchangeResource.Meta):
        model = User
        fields = ["username", "first_name", "last_name", "email", "is_active", "is_staff", "roles"]
        import_id_fields = ["username"]

    examples = {"username": "mlin", "first_name": "Mei-ling", "last_name": "Lin", "email": "mlin@example.org"}

    def init_instance(self, row=None):
        person = super().init_instance(row)
        person.set_unusable_password()
        return person

    def check(self, person: User, excluded):
        super().check(person, excluded)
        if person.is_superuser and not (self.by and self.by.is_superuser):
            raise ValidationError({"username": _("Only a superuser may change a superuser. Take this line out.")})
        changed = {field.column_name for field in self._differing} & ACCESS
        if changed and self.by and person.pk == self.by.pk:
            raise ValidationError(
                {name: _("This is your own access: somebody else must change it.") for name in changed}
            )
