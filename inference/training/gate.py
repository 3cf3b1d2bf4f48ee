"""Fits the gate (nn/gate.py): phantoms on one side, on the other drawn pictures of other things. No Django.

The threshold is not fitted but chosen, since real films look less like phantoms than phantoms do: see THRESHOLD.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from imaging import phantom
from inference.nn import gate
from inference.training.non_films import EDGE, KINDS

# Chosen on 600 real films: of those that keep out fewer than one in a hundred of them, about the highest.
THRESHOLD = 0.04
UNITS, STEPS, RATE, DECAY = 32, 500, 3e-3, 0.1
NOISE, HIDDEN = 0.4, 0.2  # of what is seen while fitting: real films look less alike than phantoms
UNSEEN = 1  # what pictures are drawn from that are measured on
OFTEN = {"noise": 2, "photograph": 3, "sheet": 2}  # the kinds that are most various


def train(pictures_per_kind: int = 24, seed: int = 0) -> dict:
    """The gate's numbers, as its file holds them."""
    template = mean_chest(seed)
    rng = np.random.default_rng(seed)
    others = [kind(rng) for kind in KINDS for _ in range(pictures_per_kind * OFTEN.get(kind.__name__, 1))]
    films = list(_films(rng, len(others) // 2))
    seen = np.array([gate.measures(picture, template) for picture in (*films, *others)])
    is_film = np.array([1.0] * len(films) + [0.0] * len(others))
    mean, scale = seen.mean(0), seen.std(0) + 1e-6
    units, unit_bias, weights, bias = fit((seen - mean) / scale, is_film, seed)
    return {
        "threshold": THRESHOLD,
        "bias": round(float(bias[0]), 4),
        "weights": weights[0].round(4).tolist(),
        "unit_bias": unit_bias.round(4).tolist(),
        "units": units.round(3).tolist(),
        "mean": mean.round(4).tolist(),
        "scale": scale.round(4).tolist(),
        "template": template.round(2).tolist(),
    }


def mean_chest(seed: int, each: int = 40) -> np.ndarray:
    """The mean of phantoms, made symmetric: a heart's side is not what tells a chest from a hand."""
    drawn = (phantom.render(diagnosis, seed + n, EDGE) for n in range(each) for diagnosis in phantom.DIAGNOSES)
    mean = np.mean([gate.standard(gate.small(picture)) for picture in drawn], axis=0)
    return (mean + mean[:, ::-1]) / 2


def _films(rng: np.random.Generator, count: int) -> Iterator[np.ndarray]:
    """Phantoms, framed, exposed and shaded more variously than the camera of phantom.py does: as unlike their mean as
    real films are."""
    for n in range(count):
        film = phantom.render(phantom.DIAGNOSES[n % len(phantom.DIAGNOSES)], 1_000_000 + n, EDGE)
        height, width = film.shape
        top, bottom, left, right = (int(rng.uniform(0, 0.16) * edge) for edge in (height, height, width, width))
        film = film[top : height - bottom, left : width - right] / 255
        clouds = cv2.GaussianBlur(rng.normal(size=film.shape), (0, 0), EDGE / 10)
        shaded = film ** rng.uniform(0.6, 1.7) + rng.uniform(0, 0.2) * clouds / clouds.std()
        film = (255 * np.clip(shaded, 0, 1)).astype(np.uint8)
        if rng.random() < 0.3:
            film = np.pad(film, int(rng.integers(4, 24)), constant_values=int(rng.choice((0, 255), p=(0.8, 0.2))))
        yield film


def fit(seen: np.ndarray, is_film: np.ndarray, seed: int) -> list[np.ndarray]:
    """Units, their bias, the weights and the bias of a network of one hidden layer, by AdamW."""
    torch.manual_seed(seed)
    given, wanted = torch.from_numpy(seen).float(), torch.from_numpy(is_film).float()
    network = nn.Sequential(nn.Linear(seen.shape[1], UNITS), nn.ReLU(), nn.Linear(UNITS, 1))
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    for _ in range(STEPS):
        blurred = (given + NOISE * torch.randn_like(given)) * (torch.rand_like(given) > HIDDEN)
        loss = F.binary_cross_entropy_with_logits(network(blurred)[:, 0], wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return [parameter.detach().numpy() for parameter in network.parameters()]


def kept_out(folder: Path) -> tuple[list[Path], int]:
    """The pictures in a folder, and below it, that the gate keeps out, and how many there are."""
    judge = gate.Gate.read()
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".png", ".jpg", ".jpeg"))
    read = ((path, cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)) for path in paths)
    return [path for path, grey in read if grey is None or judge.likeness(grey) < judge.threshold], len(paths)


def let_in(each: int, seed: int = UNSEEN) -> dict[str, tuple[int, int]]:
    """How many newly drawn pictures of each kind the gate lets in, and of how many: nothing was fitted to these."""
    judge = gate.Gate.read()
    counts = {}
    for place, kind in enumerate(KINDS):
        rng = np.random.default_rng([seed, place])
        drawn = [kind(rng) for _ in range(each * OFTEN.get(kind.__name__, 1))]
        counts[kind.__name__] = sum(judge.likeness(picture) >= judge.threshold for picture in drawn), len(drawn)
    return counts


def write(numbers: dict, path: Path) -> None:
    path.write_text(json.dumps(numbers) + "\n")
