"""Which galaxies take part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from zoo_files import write_csv

from galaxynet.data.classes import Division
from galaxynet.errors import DataError
from galaxynet_galaxy_zoo.labels import Labels
from galaxynet_galaxy_zoo.selection import select


def labels(names: dict[int, str], classes: tuple[str, ...] = ("a", "b", "c"), fixed: bool = False) -> Labels:
    return Labels(classes, {id_: classes.index(name) for id_, name in names.items()}, "the table", fixed)


def division(
    names: dict[int, str], images: list[int], test: float | Path = 0.3, **settings: bool
) -> Division:
    return select(images, labels(names, **settings), test=test, validation=0.2, seed=0)


HALF = {id_: "ab"[id_ % 2] for id_ in range(40)}


def test_images_and_labels_are_joined_and_the_rest_is_counted() -> None:
    """Images without a label and labels without an image are counted, reported and left out."""
    selected = division(HALF, list(range(30, 60)))
    assert (
        selected.counts["labelled"],
        selected.counts["without_label"],
        selected.counts["without_image"],
    ) == (
        10,
        20,
        30,
    )
    assert "20 images have no label, 30 labels no image" in selected.notes[0]
    rows = np.concatenate(selected.parts)
    assert sorted(rows.tolist()) == list(range(10))
    assert (selected.targets[10:] == -1).all()
    assert [selected.classes[target] for target in selected.targets[:10]] == ["a", "b"] * 5


def test_a_class_of_one_galaxy_is_left_out_and_said() -> None:
    """A class that cannot be both learnt and tested is named, counted, and no longer a class."""
    selected = division({**HALF, 99: "c"}, [*range(40), 99])
    assert selected.classes == ("a", "b")
    assert selected.counts["classes_left_out"] == ["c"]
    assert selected.targets[40] == -1
    assert 40 not in np.concatenate(selected.parts)
    assert any("single galaxy" in line and line.endswith(": c") for line in selected.notes)


def test_classes_of_a_rule_stay_even_without_a_galaxy() -> None:
    """Networks trained on parts of the data have the same outputs, because the rule has five classes."""
    selected = division({**HALF, 99: "c"}, [*range(40), 99], fixed=True)
    assert selected.classes == ("a", "b", "c")
    assert selected.counts["classes"] == {"a": 20, "b": 20, "c": 0}


def test_classes_without_an_image_are_no_classes_of_ones_own_table() -> None:
    """A label that only absent galaxies have makes no output; the others keep their names."""
    names = {**{id_: "ac"[id_ % 2] for id_ in range(20)}, **dict.fromkeys(range(100, 110), "b")}
    selected = division(names, list(range(20)))
    assert selected.classes == ("a", "c")
    assert [selected.classes[target] for target in selected.targets.tolist()] == ["a", "c"] * 10


def test_test_ids_are_the_test_part_exactly(tmp_path: Path) -> None:
    """The test part is what the file names, as far as it can be; how many are missing is said."""
    path = write_csv(tmp_path / "test.csv", "GalaxyID", ["3", "5", "4", "777", "55"])
    selected = division(HALF, list(range(60)), path)
    assert selected.parts.test.tolist() == [3, 4, 5]
    assert selected.counts["test_ids_missing"] == 2
    assert any("2 of the 5 galaxies of test.csv" in line for line in selected.notes)


def test_a_test_class_that_training_lacks_stays_in_the_test(tmp_path: Path) -> None:
    """Test galaxies of a class that is missing in training still count, so no accuracy is flattered."""
    path = write_csv(tmp_path / "test.csv", "GalaxyID", ["3", "99"])
    selected = division({**HALF, 99: "c"}, [*range(40), 99], path)
    assert selected.parts.test.tolist() == [3, 40]
    assert selected.classes == ("a", "b", "c")
    assert any("1 test galaxies" in line and line.endswith(": c") for line in selected.notes)


def test_a_single_training_galaxy_takes_part_where_the_test_is_given(tmp_path: Path) -> None:
    """With a given test part a class of one galaxy can be learnt from, so it is."""
    path = write_csv(tmp_path / "test.csv", "GalaxyID", ["3"])
    selected = division({**HALF, 99: "c"}, [*range(40), 99], path)
    assert 40 in selected.parts.train
    assert selected.classes == ("a", "b", "c")


def test_nothing_to_learn_is_one_sentence(tmp_path: Path) -> None:
    """No match, one class, or a test part that takes everything: each is said with the way out."""
    with pytest.raises(DataError, match="None of the 40 galaxies of the table has an image"):
        division(HALF, [1000, 1001])
    with pytest.raises(DataError, match="one class only, a"):
        division(dict.fromkeys(range(10), "a") | {99: "b"}, [*range(10), 99])
    everything = write_csv(tmp_path / "all.csv", "GalaxyID", map(str, range(40)))
    with pytest.raises(DataError, match="training part has no galaxies"):
        division(HALF, list(range(40)), everything)
    nobody = write_csv(tmp_path / "none.csv", "GalaxyID", ["5000"])
    with pytest.raises(DataError, match="None of the 1 galaxies"):
        division(HALF, list(range(40)), nobody)
