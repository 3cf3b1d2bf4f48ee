"""Random networks of the six families, small enough to build in a test, and their files. No Django."""

import torch

from inference.nn import backbones
from inference.nn.engine import ModelSpec
from inference.nn.model_files import write_weights

LABELS = ("COVID", "Normal", "Viral Pneumonia", "Lung Opacity")
INPUT_SIZE = 64

ARCHITECTURES = {
    "ResNet-50": ("resnet50", {"layers": [1, 1, 1, 1], "channels": [8, 8, 16, 16]}),
    "DenseNet-121": ("densenet121", {"growth_rate": 4, "block_config": [2, 2]}),
    "EfficientNet-B0": ("efficientnet_b0", {}),
    "ViT-B/16": ("vit_base_patch16_224", {"embed_dim": 24, "depth": 2, "num_heads": 2, "img_size": INPUT_SIZE}),
    "Swin-T": (
        "swin_tiny_patch4_window7_224",
        {"embed_dim": 16, "depths": [1, 1], "num_heads": [2, 2], "window_size": 4, "img_size": INPUT_SIZE},
    ),
    "CrossViT-Tiny": (
        "crossvit_tiny_240",
        {"embed_dim": [12, 24], "img_scale": [1.0, 1.0], "patch_size": [8, 16], "img_size": INPUT_SIZE},
    ),
}


def network(name, seed=0, channels=1):
    torch.manual_seed(seed)
    architecture, options = ARCHITECTURES[name]
    return backbones.build(architecture, options, len(LABELS), channels).eval().requires_grad_(False)


def spec(folder, name, seed=0, **changes):
    """Write a tiny network's weights into the folder; return how to use them."""
    architecture, options = ARCHITECTURES[name]
    channels = len(changes.get("mean", (0.5,)))
    file, sha256 = write_weights(folder, f"{name} {seed}", network(name, seed, channels))
    fields = {
        "name": name,
        "architecture": architecture,
        "options": options,
        "weights": folder / file,
        "sha256": sha256,
        "labels": LABELS,
        "input_size": INPUT_SIZE,
        "mean": (0.5,),
        "std": (0.25,),
    }
    return ModelSpec(**fields | changes)
