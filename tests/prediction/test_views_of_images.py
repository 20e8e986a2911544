"""`--views`: outputs are means over exact reflections and rotations of an image."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import galaxynet
from galaxynet.catalogue.reading import read_table
from galaxynet.cli.main import main
from galaxynet.errors import OptionError, UsageError
from galaxynet.evaluation.conformal import CONFORMAL, ConformalSets
from galaxynet.evaluation.restore import restore
from galaxynet.plugin import DataInfo, OptimizerOptions
from galaxynet.prediction.network_of_run import applied_network
from galaxynet.runs import Run
from galaxynet.tasks import Classifier, Reconstructor
from galaxynet.tasks.views import views_of

pytestmark = pytest.mark.xdist_group("views")  # one run for all of them


@pytest.fixture(scope="module")
def viewed(trained: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same training, tested with eight views."""
    run = galaxynet.train(
        "galaxy_alexnet",
        like=trained,
        views=8,
        runs_dir=tmp_path_factory.mktemp("viewed"),
        data_dir=trained.path.parent.parent / "data",
    )
    run.record.calibration = {"temperature": 1.5}  # none is fitted where all are right
    run.save()
    return run


def classifier(*shape: int) -> Classifier:
    network = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), 3))
    info = DataInfo(input_shape=shape, classes=("a", "b", "c"), dataset="toys")
    return Classifier(network, OptimizerOptions(), info).eval()


@pytest.mark.parametrize(("count", "shape"), [(1, (5, 3)), (2, (5, 3)), (4, (5, 3)), (8, (4, 4))])
def test_views_are_different_and_hold_the_same_pixels(count: int, shape: tuple[int, int]) -> None:
    """The views of an image are all different, of its shape and pixels, and the image is among them."""
    image = torch.arange(shape[0] * shape[1]).view(1, 1, *shape)
    views = list(views_of(image, count))
    assert len(views) == count
    assert {view.shape for view in views} == {image.shape}
    assert all(torch.equal(view.flatten().sort().values, image.flatten()) for view in views)
    assert not any(torch.equal(*pair) for pair in itertools.combinations(views, 2))
    assert torch.equal(views[-1], image)


@pytest.mark.parametrize("count", [2, 4, 8])
def test_a_view_has_the_output_of_the_image(count: int) -> None:
    """With views, a mirrored image has the output of the image; with eight, a turned one has it too."""
    task = classifier(2, 4, 4)
    image = torch.rand(3, 2, 4, 4)
    single = task(image)
    task.views = count
    mean = task(image)
    torch.testing.assert_close(mean, task(image.flip(3)))
    assert not torch.allclose(mean, single)
    turned = torch.allclose(mean, task(image.rot90(1, (2, 3))), atol=1e-6)
    assert turned == (count == 8)
    by_hand = [task.network(view) for view in views_of(image, count)]
    torch.testing.assert_close(mean, torch.stack(by_hand).mean(0))
    task.train()
    assert torch.equal(task(image), single), "training has one view"


def test_what_has_no_views_is_refused() -> None:
    """Views of what is no image, is not square, or has images as outputs are refused with the way out."""
    with pytest.raises(UsageError, match=r"toys holds no images.*Leave it out"):
        classifier(7).check_views(2)
    with pytest.raises(UsageError, match=r"not square \(6 x 4\).*--views 4"):
        classifier(1, 4, 6).check_views(8)
    classifier(1, 4, 6).check_views(4)
    info = DataInfo(input_shape=(1, 4, 4), classes=(), dataset="toys")
    with pytest.raises(UsageError, match="a network for reconstruction has no output"):
        Reconstructor(nn.Identity(), OptimizerOptions(), info).check_views(2)


def test_the_test_of_a_run_uses_its_views(trained: Run, viewed: Run) -> None:
    """A run trains and validates as with one view, tests with its own number, and repeats that later."""
    assert viewed.metrics() == trained.metrics()
    assert viewed.record.options.training["views"] == 8
    assert viewed.record.metrics["test/loss"] != trained.record.metrics["test/loss"]
    data = trained.path.parent.parent / "data"
    assert galaxynet.evaluate(viewed, data_dir=data).repeats
    single = galaxynet.evaluate(viewed, data_dir=data, views=1)
    assert single.metrics["test/loss"] == trained.record.metrics["test/loss"]
    assert single.notes == ("with 1 view of an image; those of run.json are with 8",)
    assert single.classification is not None
    assert single.classification.temperature is None
    assert single.classification.coverage == ()


def test_a_prediction_is_calibrated_for_its_views(trained: Run, viewed: Run) -> None:
    """Temperature and sets are fitted to the mean over the views that they are applied to."""
    scores = [ConformalSets.read(run.path / CONFORMAL).scores.tolist() for run in (trained, viewed)]
    assert scores[0] != scores[1]
    assert applied_network(viewed).task.views == 8
    assert applied_network(viewed).task.temperature == 1.5
    assert applied_network(viewed, views=2).task.temperature is None
    with pytest.raises(UsageError, match=r"are for --views 8.*Leave --views out"):
        applied_network(viewed, sets=0.8, views=2)


def test_a_prediction_says_its_views(
    trained: Run, viewed: Run, cutouts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`predict` uses the views of the run unless another number is given; the catalogue has their number."""
    tables: dict[str, Any] = {}
    for name, run, flags in (
        ("plain", trained, []),
        ("own", viewed, []),
        ("given", trained, ["--views", "8"]),
        ("one", viewed, ["--views", "1"]),
    ):
        output = tmp_path / f"{name}.ecsv"
        with pytest.raises(SystemExit) as end:
            main(["predict", str(run.path), str(cutouts), "-o", str(output), *flags])
        assert not end.value.code
        tables[name] = read_table(output)
        noted = "not calibrated for --views" in " ".join(capsys.readouterr().err.split())
        assert noted == (name == "one")
    counts = {name: int(table.parameters["views"]) for name, table in tables.items()}
    assert counts == {"plain": 1, "own": 8, "given": 8, "one": 1}
    assert list(tables["own"]["novelty"]) == list(tables["plain"]["novelty"])
    assert list(tables["given"]["label"]) == list(tables["own"]["label"])
    assert list(tables["own"]["p_flat"]) != list(tables["plain"]["p_flat"])


@pytest.mark.promise("Strangers' files")
def test_a_strange_number_of_views_counts_as_one(trained: Run, tmp_path: Path) -> None:
    """A record with a number of views that does not exist is applied with one; a call with it is refused."""
    copied = Run.open(shutil.copytree(trained.path, tmp_path / "copied"))
    copied.record.options.training["views"] = 10**9
    copied.save()
    assert restore(copied).views == 1
    with pytest.raises(OptionError, match="--views 3"):
        galaxynet.train("galaxy_alexnet", views=3)
