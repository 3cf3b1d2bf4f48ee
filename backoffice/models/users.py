"""The people who work here."""

from django.contrib.auth.models import AbstractUser
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from backoffice.records.mixins import EXCHANGED


class User(AbstractUser):
    """Somebody who works in the clinic. What they may do comes from their roles: see roles.py."""

    history = HistoricalRecords(excluded_fields=["password", "last_login"])

    class Meta(AbstractUser.Meta):
        default_permissions = EXCHANGED
        verbose_name = _("person")
        verbose_name_plural = _("people")

    def save(self, *args, **kwargs):
        if self._password is not None and not self._state.adding:
            self._change_reason = _("Password set")  # its history keeps no password, and would say nothing
        if kwargs.get("update_fields") != ["last_login"]:
            return super().save(*args, **kwargs)
        # Django notes each sign-in on the row. Those are a list of their own, and no change of the person.
        self.skip_history_when_saving = True
        try:
            return super().save(*args, **kwargs)
        finally:
            del self.skip_history_when_saving

    def __str__(self):
        return self.get_full_name() or self.username

    def note_in_history(self, reason: str, *, by: "User") -> None:
        """Something about this person changed that is no column of theirs, such as how they sign in."""
        person = User.objects.get(pk=self.pk)
        person._change_reason, person._history_user = reason, User.objects.get(pk=by.pk)
        person.save(update_fields=["username"])
