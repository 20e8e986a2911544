"""The test of a training again: the same weights on the same samples, with more than run.json keeps."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from lightning.pytorch import Trainer

from galaxynet import registry
from galaxynet.catalogue.reading import table_reader
from galaxynet.data.module import DataModule
from galaxynet.errors import DataError, RunError
from galaxynet.evaluation.bootstrap import bootstrap_mean
from galaxynet.evaluation.classification import Classification, classify
from galaxynet.evaluation.prior import Prior, PriorSource
from galaxynet.evaluation.restore import recorded_views, restore
from galaxynet.evaluation.result import Evaluation, MeanError, evaluation_of
from galaxynet.evaluation.run_data import open_data
from galaxynet.evaluation.vote_scores import VoteScores, score_votes
from galaxynet.evaluation.vote_shares import VotedTest
from galaxynet.evaluation.vote_test import metrics_of_test
from galaxynet.phrases import count
from galaxynet.plugin import DatasetSpec
from galaxynet.prediction.network_of_run import conformal_sets_of, intervals_of, temperature_of
from galaxynet.runs import Run
from galaxynet.tasks import Classifier, Task, VoteFractions
from galaxynet.tasks.vote_fractions import VotedSamples
from galaxynet.training.device import Hardware, choose_hardware, compute_settings
from galaxynet.training.metrics_file import decimal
from galaxynet.training.process_group import process_group
from galaxynet.training.ranks import ONLY
from galaxynet.training.training_options import TrainingOptions


def evaluate_own_test(
    run: Run, data_dir: Path, views: int | None = None, prior: PriorSource | None = None
) -> Evaluation:
    """Test a run again, as at the end of its training: in its number format, on hardware of its kind.

    Args:
        run: The run.
        data_dir: The folder of the datasets.
        views: Views of an image to average over; None for as many as in the run.
        prior: Shares of the classes to shift the probabilities to; None for those of the training.

    Raises:
        RunError: If it has no weights, or its test set is empty.
        UsageError: If the probabilities cannot be shifted to the prior.
        GalaxynetError: If its dataset or a plugin is missing, or its data have changed.
    """
    record = run.record
    task = restore(run, views=views).to(memory_format=torch.channels_last)
    shares = None if prior is None else Prior.of(run, task, prior)
    data = _open_data(run, data_dir)
    if not data.sizes["test"]:
        raise RunError(
            f"The test set of the run {run.label} is empty.", "Evaluate it on other images: --images"
        )
    options, hardware = _settings(run)
    with compute_settings(options.threads):
        metrics = _test(task, data, hardware)
        error = _error_of_samples(task, data)
    votes = None
    if isinstance(task, VoteFractions):
        samples = task.voted_samples()
        metrics |= _derived(run, task, samples)
        votes = _votes(run, task, samples, data)
    recorded = {
        name: value
        for name, value in (record.exported or record).metrics.items()
        if name.startswith("test/") and value is not None
    }
    notes = _notes(recorded, metrics, run, hardware, task.views)
    classification = _classification(run, task, data, shares) if isinstance(task, Classifier) else None
    if classification is not None and shares is not None:
        metrics["test/accuracy"] = decimal(classification.accuracy.value or 0.0)
        notes += ("accuracy is that of the shifted probabilities; run.json has the one without --prior",)
    return replace(
        evaluation_of(run, f"the test set of {record.dataset.name}", data.sizes["test"], metrics),
        recorded=recorded,
        classification=classification,
        votes=votes,
        error=error,
        notes=notes,
    )


def _open_data(run: Run, data_dir: Path) -> DataModule:
    """The data of a run; exported weights name the files of their training without folders."""
    try:
        return open_data(run, data_dir)
    except DataError:
        missing = _missing_files(run) if run.record.exported is not None else []
        if not missing:
            raise
        raise DataError(
            f"{run.label} was trained and tested with {', '.join(missing)}, which the current folder lacks.",
            "Run the command in the folder that has them, or evaluate on other images: --images",
        ) from None


def _missing_files(run: Run) -> list[str]:
    """The values of the dataset's options that are files, and that the current folder lacks."""
    plugin = registry.find("dataset", registry.recorded("dataset", run.record.dataset))
    spec: DatasetSpec = plugin.load()
    paths = {field.name for field in spec.options.fields() if "Path" in str(field.type)}
    missing = []
    for name, value in run.record.options.dataset.items():
        for text in value if isinstance(value, list) else [value]:
            file = text.rpartition("=")[2] if isinstance(text, str) else ""
            if file and (name in paths or table_reader(Path(file))) and not Path(file).exists():
                missing.append(file)
    return sorted(missing)


def retest(run: Run, task: Task, data: DataModule) -> dict[str, float]:
    """The test metrics of a network, all of those that a run's training ends with.

    Args:
        run: The run.
        task: Its network, or one with other weights.
        data: Its data, set up.
    """
    options, hardware = _settings(run)
    with compute_settings(options.threads):
        metrics = _test(task.to(memory_format=torch.channels_last), data, hardware)
    if isinstance(task, VoteFractions):
        metrics |= _derived(run, task, task.voted_samples())
    return metrics


def coverage_of_sets(run: Run, task: Task, data: DataModule) -> dict[str, float]:
    """How many of a run's conformal sets hold the true class, with a network that has just been tested.

    Args:
        run: The run, whose temperature and scores define the sets.
        task: Its network, or one with other weights, after `retest`.
        data: Its data.

    Returns:
        The share by the share that is promised, as `{"0.9": 0.913}`; empty where the run has no sets.
    """
    if not isinstance(task, Classifier):
        return {}
    coverage = _classification(run, task, data, None).coverage
    return {f"{sets.promised:g}": sets.measured.value for sets in coverage if sets.measured.value is not None}


def _derived(run: Run, task: VoteFractions, samples: VotedSamples) -> dict[str, float]:
    """What is computed of vote fractions after the test."""
    metrics = metrics_of_test(task, samples, intervals_of(run, task))
    return {f"test/{name}": decimal(value) for name, value in metrics.items()}


def _settings(run: Run) -> tuple[TrainingOptions, Hardware]:
    values = {**run.record.options.training, "devices": 1, "precision": run.record.precision}
    options: TrainingOptions = TrainingOptions.from_dict(values)
    return options, choose_hardware(options)


def _test(task: Task, data: DataModule, hardware: Hardware) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as scratch, process_group(ONLY, hardware.accelerator) as environment:
        trainer = Trainer(
            accelerator=hardware.accelerator,
            devices=1,
            precision=hardware.lightning_precision,
            logger=False,
            plugins=[environment],
            default_root_dir=scratch,
            use_distributed_sampler=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            deterministic=hardware.accelerator == "cpu",
        )
        (tested,) = trainer.test(task, datamodule=data, verbose=False)
    return {name: decimal(value) for name, value in tested.items()}


def _classification(run: Run, task: Classifier, data: DataModule, prior: Prior | None) -> Classification:
    predictions = task.predictions()
    rows = predictions.indices.tolist()
    return classify(
        [str(data.ids[row]) for row in rows],
        predictions.targets.numpy(),
        predictions.probabilities.double().numpy(),
        data.info.classes,
        temperature=temperature_of(run, task),
        conformal=conformal_sets_of(run, task),
        majority=None if data.baseline is None else data.baseline.label,
        agreement=_agreement(data, rows),
        prior=prior,
    )


def _votes(run: Run, task: VoteFractions, samples: VotedSamples, data: DataModule) -> VoteScores | None:
    """Of the samples with votes; None if there are none."""
    rows = (~samples.observed.isnan()).any(dim=1)
    if not rows.any():
        return None
    test = VotedTest(
        task.tree,
        [str(data.ids[row]) for row in samples.indices[rows].tolist()],
        samples.observed[rows].double().numpy(),
        samples.predicted[rows].double().numpy(),
    )
    baseline = run.record.baseline
    return score_votes(
        test,
        intervals=intervals_of(run, task),
        mean_row=None if baseline is None else baseline.accuracy,
    )


def _agreement(data: DataModule, rows: Sequence[int]) -> list[float]:
    known = dict(zip(data.test_ids, data.test_agreement, strict=False))
    return [known.get(data.ids[row], float("nan")) for row in rows] if known else []


def _error_of_samples(task: Task, data: DataModule) -> MeanError | None:
    """The metric with an interval, if the task gives it for each sample as a column of that name."""
    if task.metric not in {column.name for column in task.output_columns()}:
        return None
    parts = []
    task.eval()
    with torch.inference_mode():
        loaders = data.test_dataloader()
        for loader in loaders if isinstance(loaders, list | tuple) else [loaders]:
            for batch in loader:
                cells = task.to(batch.inputs.device).outputs(batch.inputs)[task.metric]
                parts.append(torch.as_tensor(cells).double().cpu().numpy())
    return mean_error(np.concatenate(parts))


def mean_error(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> MeanError:
    """The mean of a value for each sample, with its interval."""
    low, high = bootstrap_mean(values)
    return MeanError(float(values.mean()), low, high)


def _notes(
    recorded: dict[str, float], metrics: dict[str, float], run: Run, hardware: Hardware, views: int
) -> tuple[str, ...]:
    if views != recorded_views(run):
        return (f"with {count(views, 'view')} of an image; those of run.json are with {recorded_views(run)}",)
    changed = [name for name, value in recorded.items() if metrics.get(name) != value]
    if not changed:
        return ()
    name = run.record.metric if run.record.metric in changed else changed[0]
    reason = (
        f"it was trained on {run.record.device}, and this is {hardware.name}"
        if run.record.device != hardware.name or run.record.devices > 1
        else "other versions of PyTorch, or another number of threads, round differently"
    )
    now = metrics.get(name, float("nan"))
    return (f"run.json has {name} {recorded[name]:.7g}, and it is {now:.7g} now: {reason}",)
