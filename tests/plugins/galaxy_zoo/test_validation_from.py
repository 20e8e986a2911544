"""A validation part that is drawn from some galaxies: `--validation-from CSV`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from zoo_files import make_zoo, write_csv

from galaxynet.errors import DataError
from galaxynet_galaxy_zoo.datamodule import GalaxyZooData
from galaxynet_galaxy_zoo.options import GalaxyZooOptions


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty galaxies, and lists of ids."""
    folder = tmp_path_factory.mktemp("zoo")
    make_zoo(folder / "galaxy-zoo", range(100, 160), width=32)
    write_csv(folder / "fair.csv", "GalaxyID", [str(g) for g in range(130, 170)])
    write_csv(folder / "test.csv", "GalaxyID", [str(g) for g in range(125, 140)])
    write_csv(folder / "few.csv", "GalaxyID", ["100", "101", "126"])
    write_csv(folder / "elsewhere.csv", "GalaxyID", ["5"])
    return folder


def opened(zoo: Path, validation: float = 0.2, **options: Any) -> GalaxyZooData:
    values = {"size": 16, "test_ids": zoo / "test.csv", **options}
    module = GalaxyZooData(GalaxyZooOptions(**values), data_dir=zoo, validation=validation)
    module.prepare_data()
    return module


@pytest.mark.parametrize("labels", ["plurality", "votes", "own"])
def test_the_rest_of_the_list_is_trained_on(
    zoo: Path, labels: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Classes and votes alike: the part is as large as ever, of the list, and never of the test part."""
    if labels == "own":
        rows = [f"{g},{'ab'[g % 2]}" for g in range(100, 160)]
        labels = str(write_csv(zoo / "labels.csv", "GalaxyID,label", rows))
    options: dict[str, Any] = {"labels": labels}
    if labels == "votes":
        rows = [f"{g},{g % 2},{(g + 1) % 2},0" for g in range(100, 160)]
        options["votes"] = write_csv(zoo / "votes.csv", "GalaxyID,Class1.1,Class1.2,Class1.3", rows)
    module = opened(zoo, **options, validation_from=zoo / "fair.csv")
    train, validated, tested = ({int(module.ids[row]) for row in rows} for rows in (module.data.split))
    assert tested == set(range(125, 140))
    assert validated < set(range(140, 160))
    assert train == set(range(100, 160)) - tested - validated
    assert len(validated) == opened(zoo, **options).sizes["validation"] == 9
    assert module.summary["validation_ids"] == 30
    assert "30 of its 40 galaxies have image and" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("ids", "validation", "words"),
    [
        ("few.csv", 0.2, "needs 9 samples, and only 2 can be drawn from"),
        ("elsewhere.csv", 0.2, "None of the 1 galaxies of .*elsewhere.csv has an image and a label"),
        ("fair.csv", 0.0, "--validation 0 asks for none"),
        ("missing.csv", 0.2, "missing.csv"),
    ],
)
def test_a_list_that_cannot_serve_is_refused(zoo: Path, ids: str, validation: float, words: str) -> None:
    """Too few galaxies, none with an image, no validation part, no file: one sentence."""
    with pytest.raises(DataError, match=words):
        opened(zoo, validation, validation_from=zoo / ids)
