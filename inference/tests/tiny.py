"""Networks so small that a test need not wait for them. Random weights: what they say does not matter here."""

from pathlib import Path

from inference.models import Diagnosis, DiagnosticModel
from inference.registration import register

TINY = {
    "Tiny ResNet": ("resnet18", {"layers": [1, 1, 1, 1], "channels": [4, 8, 8, 8]}),
    "Tiny ViT": ("vit_tiny_patch16_224", {"img_size": 32, "embed_dim": 12, "depth": 1, "num_heads": 2}),
}


def register_tiny_models(folder: Path, **fields) -> list[DiagnosticModel]:
    """Write random weights into a folder and register them as models that vote."""
    import torch

    from inference.backbones import build
    from inference.model_files import write_weights

    torch.manual_seed(0)
    models = []
    for name, (architecture, options) in TINY.items():
        network = build(architecture, options, classes=len(Diagnosis), channels=1)
        file, _sha256 = write_weights(folder, name, network)
        models.append(
            register(
                folder / file,
                name=name,
                architecture=architecture,
                options=options,
                labels=Diagnosis.values,
                input_size=32,
                mean=[0.5],
                std=[0.25],
                **fields,
            )
        )
    return models
