"""What a model sees of a picture: as it was trained, whoever trained it."""

import numpy as np
import pytest
from PIL import Image

from imaging import phantom
from imaging.pixels import enhance
from inference.models import DiagnosticModel
from inference.nn import backbones
from inference.nn.engine import Ensemble
from inference.nn.lungs import around_lungs, lung_box
from inference.nn.preprocessing import Fit, Interpolation, Preprocessing
from inference.tests import tiny_networks as tiny

SHAPES = [(300, 200), (90, 400), (50, 50), (8, 1000)]


def noise(shape):
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("interpolation", Interpolation)
@pytest.mark.parametrize("fit", Fit)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_model_sees_a_square_whatever_the_picture_is(shape, fit, interpolation):
    seen = Preprocessing(fit, interpolation, crop_share=0.875).model_input(noise(shape), 128)
    assert seen.shape == (128, 128)
    assert seen.dtype == np.uint8
    assert seen.flags.c_contiguous


def test_without_a_word_the_square_covers_the_whole_picture():
    """No letterbox and no crop: a bright corner stays in its corner."""
    picture = np.full((400, 200), 20, np.uint8)
    picture[-100:, -50:] = 220
    seen = Preprocessing().model_input(picture, 64)
    assert seen[-12:, -12:].min() > seen[:44, :44].max()


def test_a_letterbox_keeps_the_shape_and_is_black_beside_it():
    seen = Preprocessing(Fit.LETTERBOX, clahe=False).model_input(np.full((400, 200), 200, np.uint8), 64)
    assert (seen[:, 16:48] == 200).all()
    assert not seen[:, :16].any()
    assert not seen[:, 48:].any()


def test_a_crop_is_the_middle():
    picture = np.zeros((100, 300), np.uint8)
    picture[:, 100:200] = 200
    seen = Preprocessing(Fit.CROP, clahe=False).model_input(picture, 100)
    assert (seen == 200).all()


@pytest.mark.parametrize("shape", [(300, 211), (211, 300), (256, 256), (1000, 700)])
def test_imagenets_evaluation_is_torchvisions_pixel_for_pixel(shape):
    backbones.import_timm()  # which makes any build of torchvision importable
    from torchvision import transforms

    evaluation = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224)])
    picture = noise(shape)
    seen = Preprocessing(Fit.CROP, Interpolation.BILINEAR, clahe=False, crop_share=0.875).model_input(picture, 224)
    assert np.array_equal(seen, np.asarray(evaluation(Image.fromarray(picture))))


def test_clahe_comes_before_the_resizing_or_not_at_all():
    picture = noise((128, 128)) // 8
    assert np.array_equal(Preprocessing().model_input(picture, 128), enhance(picture))
    assert np.array_equal(Preprocessing(clahe=False).model_input(picture, 128), picture)


@pytest.mark.parametrize(
    "said", [{"fit": "stretch"}, {"interpolation": "sinc"}, {"crop_share": 0.0}, {"crop_share": 1.5}]
)
def test_what_no_pipeline_does_is_refused(said):
    with pytest.raises(ValueError, match=r"stretch|sinc|crop_share"):
        Preprocessing(**said)


@pytest.mark.parametrize("fit", [Fit.SQUASH, Fit.LETTERBOX, Fit.CROP])
@pytest.mark.parametrize("shape", [(400, 200), (200, 400), (300, 300)])
def test_a_heat_map_lies_where_the_model_saw_the_finding(fit, shape):
    """A spot of the picture, through the pipeline and back over the picture, is where it was."""
    picture = np.zeros(shape, np.uint8)
    middle = (round(0.55 * shape[0]), round(0.45 * shape[1]))
    picture[middle[0] - 10 : middle[0] + 10, middle[1] - 10 : middle[1] + 10] = 255
    way = Preprocessing(fit, clahe=False, crop_share=0.8)
    heat = way.over_the_picture(way.model_input(picture, 64), picture, 64)
    rows, columns = np.nonzero(heat > 60)
    assert rows.mean() / 64 == pytest.approx(0.55, abs=0.02)
    assert columns.mean() / 64 == pytest.approx(0.45, abs=0.02)


def test_what_a_crop_left_out_is_not_where_a_model_looked():
    way = Preprocessing(Fit.CROP)
    heat = way.over_the_picture(np.full((64, 64), 255, np.uint8), noise((100, 300)), 224)
    assert heat[:, 24:40].min() == 255
    assert not heat[:, :20].any()
    assert not heat[:, 44:].any()


def test_of_the_lungs_box_nothing_around_it_is_seen():
    """Letters, arms and the hospital's border cannot be answered by: no pixel of them is in the input."""
    film = np.pad(phantom.render("Normal", 3, 300), 60)
    top, bottom, left, right = lung_box(film)
    inside = Preprocessing(Fit.SQUASH).model_input(film[top:bottom, left:right], 96)
    assert np.array_equal(Preprocessing(Fit.LUNGS).model_input(film, 96), inside)
    assert max((bottom - top) / film.shape[0], (right - left) / film.shape[1]) < 0.7


@pytest.mark.parametrize("seed", range(4))
def test_the_lungs_box_holds_the_finding(seed):
    film, mask = phantom.render_with_mask("Lung Opacity", seed, 256)
    top, bottom, left, right = lung_box(film)
    assert mask[top:bottom, left:right].sum() > 0.85 * mask.sum()


@pytest.mark.parametrize(("fit", "box"), [(Fit.LUNGS, lung_box), (Fit.EVEN_LUNGS, around_lungs)])
def test_a_map_of_the_lungs_lies_over_the_lungs(fit, box):
    film = phantom.render("Normal", 3, 300)
    top, bottom, left, right = box(film)
    heat = np.zeros((64, 64), np.uint8)
    heat[:8, :8] = 255
    over = Preprocessing(fit).over_the_picture(heat, film, 96)
    rows, columns = np.nonzero(over > 120)
    down, across = np.array(film.shape) / 64
    assert rows.mean() * down == pytest.approx(top + (bottom - top) / 16, abs=8)
    assert columns.mean() * across == pytest.approx(left + (right - left) / 16, abs=8)


def test_models_of_several_pipelines_answer_side_by_side_as_they_do_alone(tmp_path):
    ways = [Preprocessing(), Preprocessing(clahe=False), Preprocessing(Fit.CROP, Interpolation.BICUBIC, crop_share=0.9)]
    specs = [tiny.spec(tmp_path, "ResNet-50", preprocessing=way) for way in ways]
    pictures = [noise((90, 140)), noise((120, 80))]
    together = Ensemble(specs, device="cpu").predict(pictures)
    alone = [Ensemble([spec], device="cpu").predict(pictures) for spec in specs]
    assert [[a.probabilities for a in row] for row in together] == [
        [answers[n][0].probabilities for answers in alone] for n in range(len(pictures))
    ]
    assert len({tuple(answer.probabilities.values()) for answer in together[0]}) == len(ways)


def test_a_model_that_is_registered_without_a_word_sees_what_one_that_is_trained_here_sees():
    registered, trained = DiagnosticModel(), Preprocessing()
    for name in ("fit", "interpolation", "clahe", "crop_share"):
        assert getattr(registered, name) == getattr(trained, name)
    assert [*DiagnosticModel.Fit.values] == [*Fit]
    assert [*DiagnosticModel.Interpolation.values] == [*Interpolation]
