"""The six full-size networks for a benchmark, with random weights written once, and films to ask them about."""

import hashlib
import json
from pathlib import Path
from typing import Any

ARCHITECTURES = {
    "ResNet-50": ("resnet50", 224),
    "DenseNet-121": ("densenet121", 224),
    "EfficientNet-B0": ("efficientnet_b0", 224),
    "ViT-B/16": ("vit_base_patch16_224", 224),
    "Swin-T": ("swin_tiny_patch4_window7_224", 224),
    "CrossViT-Tiny": ("crossvit_tiny_240", 240),
}
LABELS = ("COVID", "Normal", "Viral Pneumonia", "Lung Opacity")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FILM_EDGE, LOGITS_SPREAD = 1024, 1.5


def films(count: int) -> list[bytes]:
    """Canonical pictures, as they lie in storage: grey PNG files."""
    from imaging import phantom, pixels

    return [pixels.encode(phantom.render(LABELS[n % len(LABELS)], 100 + n, FILM_EDGE)) for n in range(count)]


def write(folder: Path) -> None:
    """Weights, their hashes and the networks' operations, unless they lie there already."""
    described = folder / "models.json"
    if not described.exists():
        described.write_text(json.dumps([_written(folder, name, *known) for name, known in ARCHITECTURES.items()]))
    for number, film in enumerate(films(32)):
        (folder / f"film-{number:02}.png").write_bytes(film)


def _written(folder: Path, name: str, architecture: str, edge: int) -> dict[str, Any]:
    import torch
    from safetensors.torch import save
    from torch.utils.flop_counter import FlopCounterMode

    from inference.nn import backbones

    torch.manual_seed(0)
    network = backbones.build(architecture, {}, len(LABELS), len(MEAN))
    _make_lively(network, edge)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, len(MEAN), edge, edge))
    content = save({key: tensor.contiguous() for key, tensor in network.state_dict().items()})
    file = f"{architecture}.safetensors"
    (folder / file).write_bytes(content)
    return {
        "name": name,
        "architecture": architecture,
        "options": {},
        "weights": file,
        "sha256": hashlib.sha256(content).hexdigest(),
        "input_size": edge,
        "flops": counter.get_total_flops(),
    }


def _make_lively(network: Any, edge: int) -> None:
    """As training would: norms that know their inputs, and answers that differ. Fresh from timm's initialisers, an
    EfficientNet says the same of everything to six digits."""
    import torch

    from imaging import phantom, pixels

    shown = [pixels.enhance(phantom.render(label, seed, edge)) for label in LABELS for seed in (1, 2)]
    inputs = torch.stack([torch.from_numpy(picture[:edge, :edge]) for picture in map(_square(edge), shown)])
    inputs = ((inputs.float() / 255 - 0.45) / 0.225).unsqueeze(1).expand(-1, len(MEAN), -1, -1)
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = None
    with torch.no_grad():
        network.train()(inputs)
        spread = network.eval()(inputs).std()
        classifier = network.get_classifier()
        for head in classifier if isinstance(classifier, torch.nn.ModuleList) else [classifier]:
            head.weight.mul_(LOGITS_SPREAD / spread)
            head.bias.mul_(LOGITS_SPREAD / spread)


def _square(edge: int) -> Any:
    import cv2

    return lambda picture: cv2.resize(picture, (edge, edge), interpolation=cv2.INTER_AREA)


def specs(folder: Path) -> list[Any]:
    """As the engine takes them."""
    from inference.nn.specs import ModelSpec

    return [
        ModelSpec(
            name=one["name"],
            architecture=one["architecture"],
            options={},
            weights=folder / one["weights"],
            sha256=one["sha256"],
            labels=LABELS,
            input_size=one["input_size"],
            mean=MEAN,
            std=STD,
        )
        for one in described(folder)
    ]


def described(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / "models.json").read_text())
