"""Models so small that a test need not wait for them. Random weights: what they say does not matter here."""

from pathlib import Path

from inference.models import DiagnosticModel
from inference.registry.registration import register

FAMILIES = {"Tiny ResNet": "ResNet-50", "Tiny ViT": "ViT-B/16"}


def register_tiny_models(folder: Path, **fields) -> list[DiagnosticModel]:
    """Write random weights into a folder and register them as models that vote."""
    from inference.tests import tiny_networks  # torch

    models = []
    for name, family in FAMILIES.items():
        spec = tiny_networks.spec(folder, family)
        model = register(
            spec.weights,
            name=name,
            architecture=spec.architecture,
            options=spec.options,
            labels=list(spec.labels),
            input_size=spec.input_size,
            mean=list(spec.mean),
            std=list(spec.std),
            **fields,
        )
        models.append(model)
    return models
