"""A confidence in a template: `{{ prediction.confidence|as_told }}`."""

from django import template

from inference.confidences import confidence_told

register = template.Library()


@register.filter
def as_told(confidence: float | None) -> str:
    return "" if confidence is None else confidence_told(confidence)
