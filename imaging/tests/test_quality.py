"""What is said of a doubtful picture, and that nothing is said of a good one."""

import datetime
import json
import re

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.urls import reverse
from PIL import Image, ImageDraw, ImageFont, ImageOps

from imaging import chest, codec, jpeg, phantom, quality, sides
from imaging.ingest import read
from imaging.models import XRayImage
from imaging.quality import ADVICE, QualityIssue
from imaging.storing import receive
from imaging.tests.pictures import encoded
from imaging.tests.realfiles import manifest, needs_real_files
from imaging.tests.test_dicom import film

ABOUT_THE_PICTURE = {"inverted", "turned", "mirrored", "several_films", "burnt_in_text"}


def a_chest(seed: int = 1, edge: int = 600) -> Image.Image:
    return Image.fromarray(phantom.render("Normal", seed, edge))


def beside(one: Image.Image, other: Image.Image) -> Image.Image:
    return Image.fromarray(np.hstack([np.asarray(one), np.asarray(other.resize(one.size))]))


def named(picture: Image.Image) -> Image.Image:
    ImageDraw.Draw(picture).text((20, 540), "CHEN WEI-TING 1972", fill=230, font=ImageFont.load_default(size=14))
    return picture


@pytest.mark.parametrize(
    ("change", "issues"),
    [
        (lambda picture: picture, set()),
        (ImageOps.invert, {"inverted"}),
        (lambda picture: picture.rotate(90, expand=True), {"turned"}),
        (lambda picture: picture.rotate(180), {"turned"}),
        (ImageOps.mirror, {"mirrored"}),
        (lambda picture: beside(picture, a_chest(2)), {"several_films"}),
        (named, {"burnt_in_text"}),
    ],
)
def test_what_is_wrong_with_the_picture_is_said(change, issues):
    found = read(encoded(change(a_chest())), "film.png").quality_issues
    assert ABOUT_THE_PICTURE & set(found) == issues


@pytest.mark.parametrize("part", [0.4, 0.9])
def test_a_file_that_was_cut_off_and_closed_is_said_to_be_so(part):
    """Decoders fill up what is missing, and say nothing."""
    whole = encoded(a_chest(), "JPEG", quality=90)
    assert "cut_off" not in read(whole, "film.jpg").quality_issues
    assert "cut_off" in read(whole[: int(len(whole) * part)] + b"\xff\xd9", "film.jpg").quality_issues


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize(
    ("damage", "issues"),
    [
        (lambda data: data, set()),
        (lambda data: data[:-40] + data[-2:], {"cut_off"}),
        (lambda data: data[:-2] + bytes(range(1, 200)) + data[-2:], {"damaged"}),
        (lambda data: data[:-900] + data[-700:], {"cut_off"}),
    ],
)
def test_a_jpeg_whose_data_do_not_fit_it_is_said_to_be_so(mode, damage, issues):
    """Its last block is all that shows it, or nothing at all."""
    found = read(damage(encoded(a_chest(edge=320).convert(mode), "JPEG")), "film.jpg").quality_issues
    assert {"cut_off", "damaged"} & set(found) == issues


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("which", [0, 1, -1])
@pytest.mark.parametrize(
    "damage",
    [
        lambda data, scan: data[: scan.end] + data[-2:],
        lambda data, scan: data[: (scan.start + scan.end) // 2] + data[-2:],
        lambda data, scan: data[: (scan.start + scan.end) // 2] + data[scan.end :],
        lambda data, scan: data[: header_of(data, scan)] + data[scan.end :],
        lambda data, scan: data[: scan.end] + data[header_of(data, scan) :],
        lambda data, scan: data[: scan.end] + bytes(range(1, 200)) * 9 + data[scan.end :],
    ],
)
def test_a_progressive_jpeg_whose_scans_are_not_what_they_have_to_be_is_said_to_be_damaged(mode, which, damage):
    """Each of them is one of the whole picture: what is missing of one is missing everywhere, and hardly seen."""
    whole = encoded(a_chest(edge=320).convert(mode), "JPEG", progressive=True)
    damaged = damage(whole, list(jpeg.scans(whole))[which])
    for data in (whole, damaged):
        found = {"cut_off", "damaged"} & set(read(data, "film.jpg").quality_issues)
        assert bool(found) == (data != whole)


def header_of(data: bytes, scan: jpeg.Scan) -> int:
    return data.rindex(b"\xff\xda", 0, scan.start)


@pytest.mark.parametrize(
    ("damage", "issues"),
    [
        (lambda parts: [*parts[:3], *parts[4:]], {"damaged"}),
        (lambda parts: [*parts[:3], parts[4], parts[3], *parts[5:]], {"damaged"}),
        (lambda parts: [*parts[:3], parts[3][:-30], *parts[4:]], {"cut_off"}),
    ],
)
def test_a_jpeg_with_restarts_is_said_to_be_damaged_between_them(damage, issues):
    data = encoded(a_chest(edge=320), "JPEG", restart_marker_rows=2)
    parts = re.split(rb"(?=\xff[\xd0-\xd7])", data)
    assert len(parts) == 20
    found = read(b"".join(damage(parts)), "film.jpg").quality_issues
    assert {"cut_off", "damaged"} & set(found) == issues


@pytest.mark.parametrize("levels", [20, -9, 3])
@pytest.mark.parametrize(("mode", "block"), [("L", 8), ("RGB", 16)])
def test_a_jpeg_that_is_brighter_from_one_block_on_is_said_to_be_damaged(levels, mode, block):
    """As one is of which a bit is wrong, with as many blocks as there have to be."""
    sound = np.clip(np.asarray(a_chest(edge=480), int), 30, 220)
    shifted = sound.copy()
    shifted[208 : 208 + block, 256:] += levels
    shifted[208 + block :] += levels
    for picture, issues in ((sound, set()), (shifted, {"damaged"})):
        film = encoded(Image.fromarray(picture.astype(np.uint8)).convert(mode), "JPEG", quality=90)
        assert {"cut_off", "damaged"} & set(read(film, "film.jpg").quality_issues) == issues


@needs_real_files
def test_no_sound_film_is_said_to_be_damaged_however_it_is_coded():
    for row in manifest("films")[::30]:
        with Image.open(row["path"]) as film:
            codings = [film, film.convert("RGB").crop((0, 0, film.width - 7, film.height - 11))]
            for options in ({}, {"progressive": True}, {"restart_marker_blocks": 7}, {"quality": 30}):
                for picture in codings:
                    coded = codec.decode_jpeg(encoded(picture, "JPEG", **options))
                    doubts = coded.end_early, coded.do_not_fit, coded.probably_shifted
                    assert not any(doubts), (row["file"], options)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"optimize": True}, {"restart_marker_rows": 2}])
def test_a_sound_jpeg_that_ends_in_middle_grey_is_not_cut_off(options):
    film = encoded(ImageOps.expand(a_chest(edge=319), 8, 128), "JPEG", **options)
    assert not {"cut_off", "damaged"} & set(read(film, "film.jpg").quality_issues)


def test_a_film_on_grey_paper_is_not_cut_off():
    assert "cut_off" not in read(encoded(ImageOps.expand(a_chest(), 40, 128)), "film.png").quality_issues


def test_a_picture_of_nearly_nothing_is_said():
    grain = np.random.default_rng(0).integers(100, 105, (400, 400)).astype(np.uint8)
    assert "nearly_blank" in read(encoded(grain), "film.png").quality_issues


@pytest.mark.parametrize(
    ("tags", "issue"),
    [
        ({"BodyPartExamined": "HAND"}, "no_chest"),
        ({"ViewPosition": "LL"}, "lateral_view"),
        ({"PatientAge": "004Y", "PatientBirthDate": "19720304"}, "child"),
        ({"BurnedInAnnotation": "YES"}, "burnt_in_text"),
    ],
)
def test_what_the_file_says_is_shown_with_what_to_do(client, clinician, patient, tags, issue):
    file = ContentFile(film(np.asarray(a_chest()), **tags), name="film.dcm")
    xray = receive(file, patient, by=clinician).xray
    assert xray.quality_issues == [issue]
    client.force_login(clinician)
    page = client.get(reverse("admin:imaging_xrayimage_change", args=[xray.pk])).text
    assert str(QualityIssue(issue).label) in page
    assert str(ADVICE[issue]) in page


def test_a_childs_film_is_one_as_long_as_the_record_says_so(xray, patient, django_capture_on_commit_callbacks):
    patient.date_of_birth = datetime.date.today() - datetime.timedelta(days=2000)
    XRayImage.objects.update(taken_on=datetime.date.today())
    with django_capture_on_commit_callbacks(execute=True):
        patient.save()
    xray.refresh_from_db()
    assert "child" in xray.quality_issues


def test_each_issue_says_what_to_do():
    assert set(ADVICE) == set(QualityIssue)


@needs_real_files
def test_at_most_two_of_the_real_films_are_doubted_for_whatever_reason():
    doubted = [row["file"] for row in manifest("cxr") if issues_of(row["path"])]
    assert len(doubted) <= 2


@needs_real_files
def test_of_a_hospital_that_was_not_learned_from_half_of_the_mirrored_films_are_found_and_few_sound_ones():
    """`fit_sides --without bimcv` made the weights."""
    films = [row["path"] for row in manifest("films") if row["source"] == "bimcv"][::3]
    said, found = (
        sum(map(is_said_to_be_mirrored, films, [turn] * len(films))) for turn in (Image.Image.copy, ImageOps.mirror)
    )
    assert len(films) == 300
    assert said <= 0.01 * len(films)
    assert found >= 0.5 * len(films)


def is_said_to_be_mirrored(path, turn) -> bool:
    with Image.open(path) as film:
        return "mirrored" in quality.as_it_lies(turn(film.convert("L")))


def test_a_mirror_image_scores_the_opposite():
    picture = a_chest(3)
    assert sides.score(ImageOps.mirror(picture)) == pytest.approx(
        -sides.score(picture), rel=0.01
    )  # but for how it is made smaller


def test_weights_are_learned_from_upright_films_and_tried_on_sources_that_they_do_not_know(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(sides, "NUMBERS", tmp_path / "sides.json")
    rows = [(f"{number}.png", "one" if number % 2 else "other") for number in range(16)]
    for number, (name, _source) in enumerate(rows):
        a_chest(number, 320).save(tmp_path / name)
    (tmp_path / "manifest.csv").write_text("file,source\n" + "".join(f"{name},{source}\n" for name, source in rows))
    call_command("fit_sides", tmp_path, "--without", "other")
    assert (
        "one: 8 films, 0.00% falsely said to be mirrored; of their mirror images 100% found" in capsys.readouterr().out
    )
    assert json.loads(sides.NUMBERS.read_text())["bound"] < 10
    with pytest.raises(CommandError, match="No film is left"):
        call_command("fit_sides", tmp_path, "--without", "other", "--without", "one")


def issues_of(path) -> list[str]:
    return read(path.read_bytes(), path.name).quality_issues


@pytest.mark.slow
def test_the_mean_chest_is_that_of_the_phantoms(tmp_path, monkeypatch):
    kept = chest.NUMBERS.read_text()
    monkeypatch.setattr(chest, "NUMBERS", tmp_path / "chest.json")
    call_command("fit_chest")
    assert np.allclose(np.array(values_in(chest.NUMBERS.read_text())), np.array(values_in(kept)), atol=0.01)


def values_in(text: str) -> list[float]:

    numbers = json.loads(text)
    return [value for row in numbers["template"] for value in row]
