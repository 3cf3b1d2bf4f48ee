"""What a choice is called, for lists that say so in each of their rows."""

from django.db.models import TextChoices


def label_of(choices: type[TextChoices], value: str) -> str:
    """The value's label in the language of this moment; the value itself where it is none of the choices.

    A model's own `get_…_display` translates and hashes the labels of all choices, each time that it is asked for one.
    """
    try:
        return str(choices(value).label)
    except ValueError:
        return value
