"""Films to train on: from folders and manifests, divided by patient, weighed by class and source."""

from collections import Counter

import pytest

from inference.training import films
from inference.training.data import TrainingDataError


def never_read(path):
    raise AssertionError("splitting must not read pictures")


@pytest.fixture
def folder(tmp_path):
    for name, count in (("COVID", 10), ("Normal", 20)):
        (tmp_path / name / "images").mkdir(parents=True)
        (tmp_path / name / "masks").mkdir()
        for n in range(count):
            (tmp_path / name / "images" / f"{n}.png").touch()
            (tmp_path / name / "masks" / f"{n}.png").touch()
        (tmp_path / name / "readme.txt").touch()
    return tmp_path


def test_a_folder_s_labels_are_its_folders_and_its_parts_share_no_file(folder):
    found = films.find(folder, never_read)
    assert found.labels == ("COVID", "Normal")
    split = films.parts(found, 0)
    names = [s.name for part in (split.train, split.validation, split.held_out) for s in part]
    assert len(set(names)) == len(names) == 30
    assert not any("masks" in name for name in names)


def test_every_class_is_in_every_part_by_the_same_share(folder):
    split = films.parts(films.find(folder, never_read), 0)
    counts = [[[s.label for s in part].count(n) for n in (0, 1)] for part in (split.train, split.held_out)]
    assert counts == [[7, 14], [2, 3]]


def test_another_seed_splits_the_folder_otherwise(folder):
    held_out = [{s.name for s in films.parts(films.find(folder, never_read), seed).held_out} for seed in (0, 0, 1)]
    assert held_out[0] == held_out[1] != held_out[2]


def test_a_folder_without_classes_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(TrainingDataError, match="at least two into a folder each"):
        films.find(tmp_path, never_read)
    with pytest.raises(TrainingDataError, match="is not a folder"):
        films.find(tmp_path / "gone", never_read)


def test_a_class_with_too_few_pictures_is_named(folder):
    (folder / "Rare").mkdir()
    (folder / "Rare" / "1.png").touch()
    with pytest.raises(TrainingDataError, match="Rare has only 1 pictures"):
        films.find(folder, never_read)


IN_TWO_PARTS = [f"{n}.jpg,{'AB'[n % 2]},p,{'val' if n else 'train'}" for n in range(8)]
HEAD = "file,label,patient,source,view,age,split\n"


def manifest(folder, lines, head=HEAD):
    path = folder / "manifest.csv"
    path.write_text(head + "\n".join(lines) + "\n")
    return path


def of_two_hospitals(held_out=""):
    """Twenty patients with three films each; COVID at one hospital alone."""
    return [
        f"{n}-{k}.jpg,{'Normal' if n < 10 else 'COVID'},p{n},{'east' if n >= 10 or n % 2 else 'west'},PA,{30 + n},"
        f"{held_out if n % 5 == 0 else 'train'}"
        for n in range(20)
        for k in range(3)
    ]


def test_a_manifest_says_whose_each_film_is_and_where_it_comes_from(tmp_path):
    found = films.find(manifest(tmp_path, of_two_hospitals()), never_read)
    first = found.samples[0]
    assert (found.labels[first.label], first.patient, first.source, first.view, first.age) == (
        "Normal", "p0", "west", "PA", 30.0
    )  # fmt: skip
    assert found.sources == ["east", "west"]


@pytest.mark.parametrize("seed", range(5))
def test_no_patient_is_in_two_parts(tmp_path, seed):
    split = films.parts(films.find(manifest(tmp_path, of_two_hospitals()), never_read), seed)
    patients = [{s.patient for s in part} for part in (split.train, split.validation, split.held_out)]
    assert all(patients)
    assert len(set.union(*patients)) == sum(map(len, patients)) == 20


def test_what_a_manifest_keeps_back_is_held_out(tmp_path):
    split = films.parts(films.find(manifest(tmp_path, of_two_hospitals("val")), never_read), 0)
    assert {s.patient for s in split.held_out} == {"p0", "p5", "p10", "p15"}


def test_every_class_is_drawn_alike_and_in_it_every_source(tmp_path):
    found = films.find(manifest(tmp_path, of_two_hospitals()), never_read)
    shares = Counter()
    for sample, weight in zip(found.samples, films.balance(found.samples), strict=True):
        shares[found.labels[sample.label], sample.source] += weight
    assert shares == pytest.approx({("COVID", "east"): 0.5, ("Normal", "east"): 0.25, ("Normal", "west"): 0.25})


def test_a_class_that_one_source_alone_has_is_named(tmp_path):
    assert films.told_by_source(films.find(manifest(tmp_path, of_two_hospitals()), never_read)) == ["COVID"]


@pytest.mark.parametrize(
    ("lines", "head", "complaint"),
    [
        (["a.jpg,Normal"], "file,class\n", "no column label"),
        (["a.jpg,Normal", "b.jpg,"], "file,label\n", "line 3: file and label"),
        (["a.jpg,Normal", "a.jpg,COVID"] * 3, "file,label\n", "names a.jpg more than once"),
        (IN_TWO_PARTS, "file,label,patient,split\n", "patient p are both"),
    ],
)
def test_a_manifest_that_cannot_be_right_is_refused_with_the_line(tmp_path, lines, head, complaint):
    with pytest.raises(TrainingDataError, match=complaint):
        films.find(manifest(tmp_path, lines, head), never_read)


def test_sources_of_one_hospital_are_left_out_together(tmp_path):
    found = films.find(manifest(tmp_path, of_two_hospitals()), never_read)
    assert films.groups(found, []) == [("east",), ("west",)]
    assert films.groups(found, [["west", "east"]]) == [("east", "west")]
    with pytest.raises(TrainingDataError, match=r"unknown sources: north; known: east, west"):
        films.groups(found, [["north"]])
