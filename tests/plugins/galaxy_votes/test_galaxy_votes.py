"""The network galaxy_votes, from training to figures and catalogues."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from zoo_files import jpeg, make_zoo, picture, write_votes

import galaxynet
from galaxynet.errors import UsageError
from galaxynet.evaluation.votes import rmse
from galaxynet.images.votes import check_votes
from galaxynet.plugin import DataInfo
from galaxynet.runs import Run
from galaxynet.runs.votes import VOTES, Votes
from galaxynet_galaxy_votes import GalaxyVotesOptions
from galaxynet_galaxy_votes.model import GalaxyNetwork, GalaxyVotes
from galaxynet_galaxy_zoo.tree import TREE
from galaxynet_galaxy_zoo.votes import COLUMNS

pytestmark = pytest.mark.xdist_group("galaxy_votes")  # one run for all of them

ROUND = {"Class1.1": 0.9, "Class1.2": 0.1, "Class2.1": 0.1, "Class6.1": 0.1, "Class6.2": 0.9, "Class7.1": 0.9}
ROUND |= {"Class8.1": 0.1, "Class9.1": 0.1}
ODD = {"Class1.1": 0.5, "Class1.2": 0.5, "Class2.1": 0.5, "Class6.1": 1.0, "Class7.2": 0.5, "Class8.6": 1.0}
ODD |= {"Class9.3": 0.5}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small galaxy_votes, trained for an epoch on forty pictures."""
    folder = tmp_path_factory.mktemp("trained")
    galaxies = range(100, 140)
    make_zoo(folder / "data" / "galaxy-zoo", galaxies, width=32)
    (folder / "data" / "galaxy-zoo" / "training_solutions_rev1.zip").unlink()
    write_votes(
        folder / "data" / "galaxy-zoo" / "training_solutions_rev1.zip",
        {galaxy: (ROUND, ODD)[galaxy % 2] for galaxy in galaxies},
    )
    return galaxynet.train(
        "galaxy_votes",
        width=8,
        stem_stride=1,
        size=16,
        crop=24,
        epochs=1,
        batch_size=8,
        threads=1,
        precision="float32",
        name="small",
        runs_dir=folder / "runs",
        data_dir=folder / "data",
    )


def test_it_has_the_parameters_it_says() -> None:
    """1.2 million without equivariance and in colour, for images of any size."""
    network = GalaxyNetwork((3, 64, 64), 37, GalaxyVotesOptions(width=32, equivariant=False))
    assert sum(p.numel() for p in network.parameters()) == 1_235_909
    assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 37)
    options = GalaxyVotesOptions(width=8, depth=2, stem_stride=1, equivariant=False, dropout=0.5)
    deep = GalaxyNetwork((1, 33, 40), 5, options)
    assert [len(stage) for stage in deep.backbone.stages.children()] == [2, 2, 2, 2]
    assert deep(torch.zeros(1, 1, 33, 40)).shape == (1, 5)


def test_the_classifier_shares_its_backbone(trained: Run) -> None:
    """galaxy_classifier learns classes of the same galaxies with the same layers below its head."""
    run = galaxynet.train(
        "galaxy_classifier",
        width=8,
        stem_stride=1,
        size=16,
        crop=24,
        epochs=1,
        batch_size=8,
        threads=1,
        precision="float32",
        runs_dir=trained.path.parent.parent / "classifiers",
        data_dir=trained.path.parent.parent / "data",
    )
    assert run.record.metrics["test/accuracy"] is not None
    below = [
        {name: tensor.shape for name, tensor in weights.items() if "backbone." in name}
        for weights in (
            galaxynet.load(run).network.state_dict(),
            galaxynet.load(trained).network.state_dict(),
        )
    ]
    assert below[0]
    assert below[0] == below[1]


def test_images_too_small_are_refused() -> None:
    """An image of which the last stage would see a single pixel is refused, with the smallest size."""
    options = GalaxyVotesOptions(width=4, equivariant=False)
    with pytest.raises(UsageError, match="too small") as caught:
        GalaxyNetwork((3, 16, 16), 37, options)
    assert "at least 17 pixels" in str(caught.value.hint)
    network = GalaxyNetwork((3, 17, 17), 37, options)
    assert network.train()(torch.zeros(1, 3, 17, 17)).shape == (1, 37)


def test_it_learns(trained: Run) -> None:
    """A few steps on eight images bring the loss far down: every layer takes part."""
    torch.manual_seed(0)
    info = DataInfo("toy", (3, 16, 16), extra={"vote_tree": TREE.to_dict()})
    task = GalaxyVotes(GalaxyVotesOptions(width=8, stem_stride=1), info)
    images = torch.randn(8, 3, 16, 16)
    targets = task.fractions(3 * torch.randn(8, 37, generator=torch.Generator().manual_seed(1)))
    optimizer = torch.optim.AdamW(task.parameters(), lr=2e-2)
    losses = []
    for _ in range(60):
        loss = task.loss(task(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in task.parameters())


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_classes_beside_the_votes_are_learnt_by_their_weight(weight: float) -> None:
    """The head has logits for the classes, which `--label-weight` gives a part in the loss."""
    extra = {"vote_tree": TREE.to_dict(), "also": {"five": ["a", "b", "c"]}}
    task = GalaxyVotes(
        GalaxyVotesOptions(width=8, label_weight=weight), DataInfo("toy", (3, 32, 32), extra=extra)
    )
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    targets = torch.cat(
        [task.fractions(torch.randn(4, 37)), torch.tensor([[0.0], [1.0], [2.0], [0.0]])], dim=1
    )
    task.loss(task(images), targets).backward()
    gradient = task.network.head.weight.grad
    assert gradient.shape[0] == 40
    assert bool(gradient[:37].any())
    assert bool(gradient[37:].any()) is (weight > 0)


def test_a_training_takes_what_the_network_asks_for(trained: Run) -> None:
    """Colour, votes and augmentation are defaults of the network; what is given wins over them."""
    options = trained.record.options.dataset
    assert (options["channels"], options["labels"], options["augment"]) == ("rgb", "votes", True)
    assert (options["size"], options["crop"]) == (16, 24)


def test_a_run_keeps_what_it_predicted(trained: Run) -> None:
    """`votes.csv` gives back the recorded error; intervals, questions and derived classes are recorded."""
    record = trained.record
    votes = Votes.read(trained.path / VOTES)
    observed, predicted = np.array(votes.observed), np.array(votes.predicted)
    error = record.metrics["test/rmse"]
    low, high = record.metrics["test/rmse_low"], record.metrics["test/rmse_high"]
    assert error is not None
    assert low is not None
    assert high is not None
    assert len(votes.ids) == record.splits["test"]
    assert error == pytest.approx(rmse(observed, predicted), rel=1e-4)
    assert low <= error <= high
    check_votes(TREE, predicted, tolerance=1e-4)
    assert not np.isnan(predicted).any()
    assert record.metrics["test/rmse_odd"] == pytest.approx(
        rmse(observed[:, 13:15], predicted[:, 13:15]), rel=1e-4
    )
    assert record.metrics["test/plurality/samples"] == record.splits["test"]
    assert record.metrics["best/val/rmse"] == record.metrics["val/rmse"]
    assert record.baseline is not None
    assert record.baseline.label == "the mean row"


def test_a_comparison_shows_error_interval_and_mean_row(
    trained: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table has the error with its bootstrap interval, and the mean row below it."""
    from galaxynet.cli.main import main

    with pytest.raises(SystemExit):
        main(["compare", "--runs-dir", str(trained.path.parent)])
    shown = capsys.readouterr().out
    assert "test rmse" in shown
    assert f"{trained.record.metrics['test/rmse']:.4g}" in shown
    assert f"{trained.record.metrics['test/rmse_low']:.4g} to" in shown
    assert trained.record.baseline is not None
    assert f"always the mean row {trained.record.baseline.accuracy:.4g}" in " ".join(shown.split())
    (row,) = galaxynet.compare(trained)
    assert (row["low"], row["high"]) == (
        trained.record.metrics["test/rmse_low"],
        trained.record.metrics["test/rmse_high"],
    )


def test_its_figure_is_drawn(trained: Run) -> None:
    """Predicted over observed fractions, written with the run's figures; several runs have no joint one."""
    from galaxynet.report.figures import draw, names, write_joint_figures

    assert "votes" in names(trained)
    assert trained.figures / "votes.png" in galaxynet.figures(trained)
    assert (trained.figures / "votes.png").read_bytes().startswith(b"\x89PNG")
    figure = draw(trained, "votes")
    assert len([axes for axes in figure.axes if axes.axison]) == 11
    written = write_joint_figures([trained, trained], trained.path / "joint", "x", formats=["png"])
    assert [path.name for path in written] == ["x-learning-curves.png"]


def test_it_predicts_a_catalogue(trained: Run, tmp_path: Path) -> None:
    """Each image has a label and fractions whose sums hold; a damaged one has a reason and NaN."""
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        for number in range(3):
            archive.writestr(f"{number}.jpg", jpeg(picture(number, 32)))
        archive.writestr("3.jpg", b"\xff\xd8\xff")
    table = galaxynet.load(trained).predict(tmp_path / "images.zip")
    fractions = np.stack([table[column] for column in COLUMNS], axis=1)
    check_votes(TREE, fractions[:3], tolerance=1e-5)
    assert not np.isnan(fractions[:3]).any()
    assert np.isnan(fractions[3]).all()
    assert set(table["label"][:3]) <= {"Class1.1", "Class1.2", "Class1.3", "Class6.1", "Class6.2"}
    assert (table["flag"][:3] == 0).all()
    led = table["Class2.2"] >= 0.5
    assert np.isnan(table["t03_bar_a06_bar_fraction"]).tolist() == (~led).tolist()
