"""Where a network looked."""

import pytest
import torch
import torch.nn.functional as F

from inference.nn import backbones
from inference.nn.heatmaps import HEAT_SIZE, answer_with_heat
from inference.tests import tiny_networks as tiny

BY_GRADIENT = ("ViT-B/16", "CrossViT-Tiny")
EXACT = tuple(name for name in tiny.ARCHITECTURES if name not in BY_GRADIENT)


@pytest.fixture
def pictures():
    torch.manual_seed(1)
    return torch.randn(3, 1, tiny.INPUT_SIZE, tiny.INPUT_SIZE)


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_a_map_covers_the_picture_and_peaks_at_one(name, pictures):
    _, heat = answer_with_heat(tiny.network(name), pictures)
    assert heat.shape == (3, HEAT_SIZE, HEAT_SIZE)
    assert heat.min() >= 0
    assert torch.allclose(heat.amax((1, 2)), torch.ones(3))


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_being_explained_changes_no_answer_and_leaves_nothing_behind(name, pictures):
    network = tiny.network(name)
    with torch.no_grad():
        before = network(pictures)
        logits, _ = answer_with_heat(network, pictures)
        assert torch.allclose(logits, before, atol=1e-5)
        assert torch.equal(network(pictures), before)
    assert not logits.requires_grad


@pytest.mark.parametrize("name", EXACT)
def test_an_exact_map_is_the_answer_spread_over_the_grid(name, pictures):
    """Pooled, the evidence for each class is its logit; the map shows where it is above its average."""
    network = tiny.network(name)
    with torch.no_grad():
        features = network.forward_features(pictures)
        classifier = network.get_classifier()
        if features.shape[1] != classifier.in_features:
            features = features.permute(0, 3, 1, 2)
        evidence = torch.einsum("nchw,kc->nkhw", features, classifier.weight)
        logits, heat = answer_with_heat(network, pictures)
    assert torch.allclose(evidence.mean((2, 3)) + classifier.bias, logits, atol=1e-4)
    top = logits.argmax(1)
    mine = (evidence - evidence.mean(1, keepdim=True))[torch.arange(3), top]
    mine = (mine - mine.mean((1, 2), keepdim=True)).relu()
    enlarged = F.interpolate(mine[:, None], (HEAT_SIZE, HEAT_SIZE), mode="bilinear")[:, 0]
    assert torch.allclose(heat, enlarged / enlarged.amax((1, 2), keepdim=True), atol=1e-3)


@pytest.mark.parametrize("name", BY_GRADIENT)
def test_a_gradient_map_of_one_picture_does_not_depend_on_the_others(name, pictures):
    network = tiny.network(name)
    _, together = answer_with_heat(network, pictures)
    _, alone = answer_with_heat(network, pictures[1:2])
    assert torch.allclose(together[1:2], alone, atol=1e-3)


def test_a_head_that_is_no_mean_and_linear_layer_gets_no_false_map(pictures):
    """ConvNeXt normalises between the mean and the linear layer: its map would not add up to its answer."""
    torch.manual_seed(0)
    network = backbones.build("convnext_atto", {"depths": [1, 1, 1, 1], "dims": [8, 16, 16, 16]}, 4, 1).eval()
    with torch.no_grad():
        network.head.norm.weight.mul_(3)
    logits, heat = answer_with_heat(network.requires_grad_(False), pictures)
    assert heat is None
    assert torch.allclose(logits, network(pictures), atol=1e-5)
