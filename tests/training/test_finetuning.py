"""Trainings that begin with the weights of another run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from zoo_files import jpeg, make_zoo, picture, write_csv, write_votes

import galaxynet
from galaxynet.errors import RunError, UsageError
from galaxynet.evaluation.restore import restore
from galaxynet.plugin import DataInfo
from galaxynet.runs import Run
from galaxynet.tasks.optimizers import build_optimizer, build_scheduler, parameter_groups
from galaxynet.tasks.transfer import copy_weights
from galaxynet.training.config import Components
from galaxynet_galaxy_votes import GalaxyClassifierOptions
from galaxynet_galaxy_votes.model import GalaxyClassifier
from galaxynet_mnist_cnn.model import MnistCnn
from galaxynet_mnist_cnn.options import MnistCnnOptions

pytestmark = pytest.mark.xdist_group("finetuning")  # two runs for all of them

ROUND = {"Class1.1": 0.9, "Class1.2": 0.1, "Class2.1": 0.1, "Class6.1": 0.1, "Class6.2": 0.9, "Class7.1": 0.9}
ROUND |= {"Class8.1": 0.1, "Class9.1": 0.1}
ODD = {"Class1.1": 0.5, "Class1.2": 0.5, "Class2.1": 0.5, "Class6.1": 1.0, "Class7.2": 0.5, "Class8.6": 1.0}
ODD |= {"Class9.3": 0.5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty galaxies in `data`, and in `runs` the run `votes`: a small galaxy_votes, trained for an epoch."""
    folder = tmp_path_factory.mktemp("finetuning")
    galaxies = make_zoo(folder / "data" / "galaxy-zoo", range(100, 140), width=32)
    write_votes(galaxies / "training_solutions_rev1.zip", {n: (ROUND, ODD)[n % 2] for n in range(100, 140)})
    train(folder, "galaxy_votes", width=8, stem_stride=1, size=16, crop=24, name="votes")
    return folder


@pytest.fixture(scope="module")
def frozen(folder: Path) -> Run:
    """A classifier on the backbone of the run `votes`, which stays as it is."""
    return train(folder, weights="votes", freeze=["backbone"], name="frozen", epochs=2)


def train(folder: Path, model: str = "galaxy_classifier", **options: Any) -> Run:
    settings = {"epochs": 1, "batch_size": 8, "threads": 1, "precision": "float32", **options}
    return galaxynet.train(model, runs_dir=folder / "runs", data_dir=folder / "data", **settings)


def weights_of(run: Run) -> dict[str, torch.Tensor]:
    return restore(run).network.state_dict()


def source_of(folder: Path) -> Run:
    return galaxynet.find_run("votes", folder / "runs")


def classifier(classes: str, size: int = 16) -> GalaxyClassifier:
    options = GalaxyClassifierOptions(width=8, stem_stride=1)
    return GalaxyClassifier(options, DataInfo("galaxy-zoo", (3, size, size), tuple(classes)))


def test_a_frozen_backbone_does_not_change(folder: Path, frozen: Run) -> None:
    """Frozen modules keep their weights and batch statistics to the last digit; the head learns."""
    before, after = weights_of(source_of(folder)), weights_of(frozen)
    backbone = [name for name in after if name.startswith("backbone.")]
    assert len(backbone) == len(after) - 2
    assert all(torch.equal(before[name], after[name]) for name in backbone)
    assert after["head.weight"].abs().max() > 0


def test_what_was_taken_is_recorded(folder: Path, frozen: Run) -> None:
    """The record names the run, its weights, what was taken and what is new, and what is trained."""
    record, weights = frozen.record, frozen.record.weights
    source = source_of(folder).record
    assert weights is not None
    assert (weights.run, weights.name, weights.model) == (source.id, "votes", "galaxy_votes")
    assert (weights.taken, weights.tensors) == (72, 74)
    assert (weights.modules, weights.new) == (["backbone"], ["head"])
    assert len(weights.digest) == 16
    assert record.options.training["weights"] == source.id
    assert record.parameters - record.frozen_parameters == sum(
        tensor.numel() for name, tensor in weights_of(frozen).items() if name.startswith("head.")
    )


def test_size_crop_channels_normalization_and_shape_come_with_the_weights(folder: Path, frozen: Run) -> None:
    """None of these need be repeated, and the images are normalised as those of the weights."""
    source = source_of(folder).record
    assert frozen.record.preprocessing == source.preprocessing
    assert frozen.record.options.model["width"] == 8
    assert frozen.record.options.model["stem_stride"] == 1
    assert frozen.record.options.model["lr"] == GalaxyClassifierOptions().lr


def test_your_own_images_are_normalised_as_those_of_the_weights(folder: Path, tmp_path: Path) -> None:
    """Images of another size and brightness: the same share of them, the same means; a test repeats it."""
    images = tmp_path / "images"
    images.mkdir()
    for number in range(24):
        (images / f"{number}.jpg").write_bytes(jpeg(picture(number, 48) // 2))
    labels = write_csv(tmp_path / "mine.csv", "name,label", [f"{n},{'ab'[n % 2]}" for n in range(24)])
    run = train(folder, dataset="images", images=images, labels=labels, weights="votes")
    theirs, ours = source_of(folder).record.preprocessing, run.record.preprocessing
    for name in ("height", "width", "channels", "crop", "frame", "mean", "std"):
        assert ours[name] == theirs[name]
    again = galaxynet.evaluate(run, data_dir=folder / "data")
    assert again.metrics["test/loss"] == run.record.metrics["test/loss"]


def test_ten_labels_are_enough(folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """With ten labelled images the training works; it warns of a validation part of one."""
    images = tmp_path / "images"
    images.mkdir()
    for number in range(10):
        (images / f"{number}.jpg").write_bytes(jpeg(picture(number, 48)))
    labels = write_csv(tmp_path / "ten.csv", "name,label", [f"{n},{'ab'[n % 2]}" for n in range(10)])
    data: dict[str, Any] = {"dataset": "images", "images": images, "labels": labels}
    run = train(folder, **data, weights="votes", freeze=["backbone"])
    assert run.status == "finished"
    assert run.record.splits == {"train": 6, "validation": 1, "test": 3}
    assert "chosen by 1 validation sample" in " ".join(capfd.readouterr().err.split())


def test_a_finetuning_is_resumed_without_the_run_that_it_began_with(
    folder: Path, frozen: Run, tmp_path: Path
) -> None:
    """Once it has a checkpoint, an interrupted run needs the earlier one no more."""
    runs = tmp_path / "runs"
    shutil.copytree(folder / "runs", runs)
    settings: dict[str, Any] = {"runs_dir": runs, "data_dir": folder / "data"}
    before = galaxynet.train(
        "galaxy_classifier", like=frozen.record.name, epochs=1, schedule="constant", name="cut", **settings
    )
    before.record.status = "interrupted"
    before.record.options.training["epochs"] = 2
    before.save()
    shutil.rmtree(galaxynet.find_run("votes", runs).path)
    resumed = galaxynet.train("galaxy_classifier", resume="cut", **settings)
    assert (resumed.status, resumed.record.epochs) == ("finished", 2)
    assert resumed.record.weights == before.record.weights
    assert resumed.record.preprocessing == before.record.preprocessing


def test_other_channels_are_refused(folder: Path) -> None:
    """A network of colour images cannot take gray ones."""
    with pytest.raises(UsageError, match=r"--channels gray: the weights of votes take rgb images\."):
        train(folder, weights="votes", channels="gray")


def test_another_size_is_said(folder: Path) -> None:
    """Convolutions take images of another size; the record says that the weights had another one."""
    run = train(folder, weights="votes", size=24)
    assert run.record.weights is not None
    assert run.record.weights.taken == 72
    assert run.record.weights.notes == ["images of 24 x 24 pixels; the weights were trained with 16 x 16"]


def test_weights_that_fit_nothing_are_refused(folder: Path) -> None:
    """The message names what the two networks have."""
    message = (
        r"The weights of votes \(backbone, head\) fit no layer of galaxy_alexnet \(features, classifier\)\."
    )
    with pytest.raises(UsageError, match=message):
        train(folder, "galaxy_alexnet", weights="votes")


def test_weights_that_are_gone_or_damaged_are_named(folder: Path, tmp_path: Path) -> None:
    """A run without weights and a truncated checkpoint end before the data are read, in a sentence."""
    runs = tmp_path / "runs"
    shutil.copytree(folder / "runs", runs)
    checkpoint = galaxynet.find_run("votes", runs).checkpoint()
    settings: dict[str, Any] = {"weights": "votes", "runs_dir": runs, "data_dir": tmp_path / "none"}
    checkpoint.write_bytes(checkpoint.read_bytes()[:5000])
    with pytest.raises(RunError, match=r"weights of the run votes cannot be read: .* damaged"):
        galaxynet.train("galaxy_classifier", **settings)
    checkpoint.unlink()
    with pytest.raises(RunError, match="The run votes has no best checkpoint"):
        galaxynet.train("galaxy_classifier", **settings)
    with pytest.raises(RunError, match="There is no run 'vote5'"):
        galaxynet.train("galaxy_classifier", **{**settings, "weights": "vote5"})


def test_the_head_is_new_where_it_means_something_else() -> None:
    """Four other classes: the head has the same shape and is not taken. The same four: it is."""
    source = classifier("abcd")
    torch.nn.init.ones_(source.network.head.weight)
    other, same = classifier("abce"), classifier("abcd")
    assert copy_weights(other, source, name="new", label="old").new == ("head",)
    assert other.network.head.weight.abs().max() == 0
    assert copy_weights(same, source, name="new", label="old").new == ()
    assert torch.equal(same.network.head.weight, source.network.head.weight)


def test_without_a_head_the_last_layer_is_new() -> None:
    """A network that calls no module head: its last layer is the one that names classes."""
    networks = [MnistCnn(MnistCnnOptions(), DataInfo("mnist", (1, 28, 28), tuple(c))) for c in ("abc", "abd")]
    transfer = copy_weights(networks[0], networks[1], name="new", label="old")
    assert transfer.new == ("classifier.3",)
    assert transfer.modules == ("features", "classifier.1")


def test_a_layer_is_taken_whole_or_not_at_all() -> None:
    """Where the weights of a layer do not fit, its bias and its batch statistics are left too."""
    wide = GalaxyClassifier(GalaxyClassifierOptions(width=16), DataInfo("x", (3, 32, 32), tuple("ab")))
    with pytest.raises(UsageError, match="fit no layer"):  # though all counters of batches match
        copy_weights(wide, classifier("ab", 32), name="new", label="old")


@pytest.mark.parametrize(
    ("prefixes", "message"),
    [
        (["backbones"], "no module 'backbones' with parameters. Choose from backbone, head."),
        (
            ["backbone.stem.9"],
            "backbone.stem has no module '9' with parameters. Choose from backbone.stem.0,",
        ),
        (["backbone", "head"], "--freeze backbone head: that is the whole network"),
        (["head.weight"], "head has no module 'weight' with parameters. head has no modules"),
    ],
)
def test_freeze_lists_the_modules_that_there_are(prefixes: list[str], message: str) -> None:
    """A wrong name is refused with those that exist, and so is freezing everything."""
    with pytest.raises(UsageError) as caught:
        classifier("ab").freeze_modules(prefixes)
    assert message in f"{caught.value.message} {caught.value.hint}"


def test_frozen_modules_get_no_gradient_and_no_optimiser() -> None:
    """The backward pass ends at the head: nothing is computed for the backbone."""
    task = classifier("ab")
    task.freeze_modules(["backbone"])
    task.train()
    features = task.network.backbone(torch.zeros(2, 3, 16, 16))
    assert not features.requires_grad
    assert not any(module.training for module in task.network.backbone.modules())
    assert task.network.head.training
    (group,) = parameter_groups(task.network, 0.1)
    assert {id(p) for p in group["params"]} == {id(p) for p in task.network.head.parameters()}


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one-cycle"])
def test_layer_decay_lowers_the_rate_towards_the_input(schedule: Any) -> None:
    """Head, four stages and stem: each block has half the rate of the one after it, at every step."""
    task = classifier("ab")
    options = GalaxyClassifierOptions(lr=0.1, schedule=schedule)
    groups = parameter_groups(task.network, options.lr, 0.5)
    parameters = [parameter for group in groups for parameter in group["params"]]
    assert len(parameters) == len({*parameters}) == len(list(task.network.parameters()))
    assert {id(p) for p in groups[0]["params"]} == {id(p) for p in task.network.head.parameters()}
    assert {id(p) for p in groups[-1]["params"]} == {id(p) for p in task.network.backbone.stem.parameters()}
    optimizer = build_optimizer(groups, options)
    scheduler = build_scheduler(optimizer, options, 10)
    for _ in range(5):
        rates = [group["lr"] for group in optimizer.param_groups]
        assert rates == pytest.approx([rates[0] * 0.5**distance for distance in range(6)])
        optimizer.step()
        if scheduler is not None:
            scheduler.step()


def test_the_recorded_rate_is_that_of_the_head(folder: Path) -> None:
    """`lr` in metrics.csv is the highest one, as without layer decay."""
    run = train(folder, weights="votes", layer_decay=0.5, schedule="constant", lr=0.01)
    assert [row["lr"] for row in run.metrics()] == [pytest.approx(0.01)]


def test_a_sweep_compares_weights_with_none(folder: Path) -> None:
    """Trials have the options that come with their weights; `none` stands for random ones."""
    from galaxynet.sweeps.dimensions import Dimension
    from galaxynet.sweeps.trials import plan_trials

    network = Components.load("galaxy_classifier")
    trials = plan_trials(network, [Dimension("weights", (None, "votes"))], runs_dir=folder / "runs")
    scratch, finetuned = (trial.plan for trial in trials)
    assert (scratch.options()["width"], finetuned.options()["width"]) == (40, 8)
    assert finetuned.training.weights == source_of(folder).record.id
    with pytest.raises(UsageError, match="--weights last"):
        plan_trials(network, [Dimension("weights", ("last",))], runs_dir=folder / "runs")
