"""Where films are chosen, dropped or photographed, and told of one by one: the same on each page that takes them."""

from typing import Any

from django import template
from django.template.context import RequestContext

from clinic.models import Patient
from imaging.reading import ACCEPTED, MAX_DICOM_BYTES, MAX_PICTURE_BYTES

register = template.Library()


@register.inclusion_tag("imaging/dropzone.html", takes_context=True)
def dropzone(context: RequestContext, patient: Patient | None = None) -> dict[str, Any]:
    """Films of `patient`; without one, of whom the form around it names, which is sent with each file."""
    return {
        "by": context["request"].user.pk,
        "patient": patient,
        "accepted": ACCEPTED,
        "most": MAX_DICOM_BYTES,
        "most_of_a_picture": MAX_PICTURE_BYTES,
    }
