"""Records that may be one person's, twice on file."""

from django.db.models import Q, QuerySet

from clinic.models import Patient


def lookalikes(patient: Patient) -> QuerySet:
    """The other visible records on which two of name, date of birth and phone are the same.

    Two national IDs are two people.
    """
    same_name, born, same_phone = (
        Q(full_name=patient.full_name),
        Q(date_of_birth=patient.date_of_birth),
        Q(phone_key=patient.phone_key, phone_key__gt=""),
    )
    spelled_alike = Q(full_name__iexact=patient.full_name)  # no index has it: beside a day of birth it needs none
    others = Patient.objects.visible().exclude(pk=patient.pk)
    if patient.national_id:
        others = others.filter(national_id="")
    return others.filter(born & (spelled_alike | same_phone) | same_name & same_phone)
