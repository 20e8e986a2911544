"""The network of a run, ready to be applied to images: weights, preprocessing, calibration and device."""

from __future__ import annotations

import torch

from galaxynet import registry
from galaxynet.errors import RunError, UsageError
from galaxynet.evaluation.conformal import CONFORMAL, ConformalSets
from galaxynet.evaluation.novelty import NOVELTY, NoveltyModel
from galaxynet.evaluation.prior import Prior, PriorSource
from galaxynet.evaluation.restore import recorded_views, restore
from galaxynet.evaluation.vote_intervals import VoteIntervals
from galaxynet.images.preprocessing import Preprocessing
from galaxynet.plugin import DatasetSpec
from galaxynet.prediction.network import BATCH_SIZE, Accelerator, AppliedNetwork, Precision
from galaxynet.runs import Run
from galaxynet.tasks import Classifier, Task, VoteFractions


def applied_network(
    run: Run,
    *,
    accelerator: Accelerator = "auto",
    precision: Precision = "float32",
    batch_size: int = BATCH_SIZE,
    sets: float | None = None,
    views: int | None = None,
    intervals: bool = False,
    prior: PriorSource | None = None,
) -> AppliedNetwork:
    """The network of a run, ready to be applied.

    Args:
        run: The run.
        accelerator: What to compute on.
        precision: Number format of the forward pass; float32 makes a row's figures depend on no other row.
        batch_size: Images at once.
        sets: Share of images whose column `set` is to hold the true class, between 0 and 1; None for no such
            column.
        views: Views of an image to average over; None for as many as the run was tested with, the only
            number for which its probabilities are calibrated.
        intervals: Add columns with the ends of 90 % intervals of vote fractions.
        prior: Shares of the classes to shift the probabilities to; None for those of the training.

    Raises:
        RunError: If the run has no weights, they are not of a network for images, or a file that belongs to
            them is damaged.
        UsageError: If there is no such device, there are no such sets or intervals, the network cannot
            average over views, or its probabilities cannot be shifted to the prior.
        DataError: If the table of the prior cannot be read, or is of other classes.
    """
    if sets is not None and prior is not None:
        raise UsageError(
            "--sets and --prior exclude each other: the sets keep their promise for the class shares of the "
            "validation part.",
            "Leave one of them out.",
        )
    preprocessing = preprocessing_of(run)
    task = restore(run, views=views)
    task.temperature = temperature_of(run, task)
    channels, height, width = task.data_info.image_shape
    if (height, width, channels) != preprocessing.shape:
        raise RunError(
            f"The preprocessing of the run {run.label} does not fit its network.", "Train it again."
        )
    return AppliedNetwork(
        task,
        preprocessing,
        select_device(accelerator),
        precision,
        batch_size,
        NoveltyModel.read(run.path / NOVELTY) if (run.path / NOVELTY).exists() else None,
        None if sets is None else _conformal_sets(run, task, sets),
        sets,
        _intervals(run, task) if intervals else None,
        None if prior is None else Prior.of(run, task, prior),
    )


def temperature_of(run: Run, task: Task) -> float | None:
    """The temperature of a run; None if none was fitted, or it was with another number of views.

    Args:
        run: The run.
        task: Its network, as it is applied.
    """
    temperature = run.record.calibration.get("temperature")
    if isinstance(temperature, int | float) and temperature > 0 and task.views == recorded_views(run):
        return float(temperature)
    return None


def conformal_sets_of(run: Run, task: Task) -> ConformalSets | None:
    """The scores of a run for conformal sets; None as for `temperature_of`."""
    path = run.path / CONFORMAL
    return ConformalSets.read(path) if path.exists() and task.views == recorded_views(run) else None


def intervals_of(run: Run, task: Task) -> VoteIntervals | None:
    """What the intervals of a run's vote fractions are computed with; None as for `temperature_of`."""
    return (
        VoteIntervals.from_calibration(run.record.calibration) if task.views == recorded_views(run) else None
    )


def _intervals(run: Run, task: Task) -> VoteIntervals:
    if not isinstance(task, VoteFractions):
        raise UsageError(
            f"--intervals: the run {run.label} is not of a network for vote fractions.", "Leave it out."
        )
    if task.views != recorded_views(run):
        raise UsageError(
            f"--intervals: those of the run {run.label} are for --views {recorded_views(run)}.",
            "Leave --views out.",
        )
    intervals = intervals_of(run, task)
    if intervals is None or not intervals.concentrations:
        raise UsageError(
            f"--intervals: the run {run.label} keeps none: its validation part has too few samples, or an "
            "older galaxynet trained it.",
            f"Train it again with a larger --validation: galaxynet train --like {run.record.id}",
        )
    return intervals


def _conformal_sets(run: Run, task: Task, coverage: float) -> ConformalSets:
    if not 0 < coverage < 1:
        raise UsageError(f"--sets {coverage:g}: a coverage is between 0 and 1.", "Use --sets 0.9.")
    if not isinstance(task, Classifier):
        raise UsageError(f"--sets: the run {run.label} is not of a classifier.", "Leave it out.")
    if task.views != recorded_views(run):
        raise UsageError(
            f"--sets: those of the run {run.label} are for --views {recorded_views(run)}.",
            "Leave --views out.",
        )
    if any("|" in name for name in task.data_info.classes):
        raise UsageError("--sets: a class has | in its name, which stands between the classes of a set.")
    if not (run.path / CONFORMAL).exists():
        raise UsageError(
            f"--sets: the run {run.label} has no {CONFORMAL}: its validation part has too few samples, or an "
            "older galaxynet trained it.",
            f"Train it again with a larger --validation: galaxynet train --like {run.record.id}",
        )
    conformal = ConformalSets.read(run.path / CONFORMAL)
    if not conformal.supports(coverage):
        raise UsageError(
            f"--sets {coverage:g}: the run {run.label} has too few validation samples for it "
            f"({len(conformal.scores):,}).",
            "Ask for less, or train it again with a larger --validation.",
        )
    return conformal


def preprocessing_of(run: Run) -> Preprocessing:
    """The preprocessing that a run was trained with.

    Raises:
        RunError: If its network does not read images, or its record keeps no preprocessing.
    """
    values = run.record.preprocessing
    if values.get("kind") == Preprocessing.kind:
        return Preprocessing.from_dict(values)
    if values:
        return _preprocessing_of_dataset(run).from_dict(values)
    if run.record.task == "language":
        raise RunError(
            f"The run {run.label} is a language model, and predict applies networks for images.",
            f"Generate text with: galaxynet generate {run.record.id}",
        )
    raise RunError(
        f"The run {run.label} keeps no preprocessing: its dataset has no images, or an older galaxynet "
        "trained it.",
        f"Train it again with: galaxynet train --like {run.record.id}",
    )


def _preprocessing_of_dataset(run: Run) -> type[Preprocessing]:
    """The preprocessing that the spec of a run's dataset names: the record itself names no code."""
    plugin = registry.find("dataset", registry.recorded("dataset", run.record.dataset))
    spec: DatasetSpec = plugin.load()
    if spec.preprocessing:
        cls: type[Preprocessing] = registry.resolve_for(plugin, spec.preprocessing)
        if cls.kind == run.record.preprocessing.get("kind"):
            return cls
    raise RunError(
        f"The dataset {spec.name} no longer has the preprocessing that the run {run.label} was trained with."
    )


def select_device(accelerator: Accelerator) -> torch.device:
    """The device to compute on.

    Raises:
        UsageError: If there is no such device.
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if accelerator == "cpu" or (accelerator == "auto" and not (cuda or mps)):
        return torch.device("cpu")
    if (accelerator == "mps" and not mps) or not (cuda or mps):
        raise UsageError(
            f"--accelerator {accelerator}, but this machine has none.", "Use --accelerator auto."
        )
    return torch.device("cuda" if cuda and accelerator != "mps" else "mps")
