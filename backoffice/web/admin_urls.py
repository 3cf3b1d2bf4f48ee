"""Addresses in the admin."""

from django.db import models
from django.urls import reverse


def admin_url(model: models.Model | type[models.Model], page: str, *arguments: object) -> str:
    """The address of a model's `page`, such as `changelist`, or a record's `change` with its key in `arguments`."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)
