"""The record of a run: what is known before its first step, and how it went."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from lightning.pytorch import Trainer

from galaxynet.data.module import Baseline, DataModule
from galaxynet.data.splits import digest_test_set
from galaxynet.errors import RunError
from galaxynet.registry import Plugin
from galaxynet.runs import (
    MajorityClass,
    OptionValues,
    PluginId,
    ReferenceValue,
    Run,
    RunRecord,
    describe_environment,
)
from galaxynet.runs.run_record import Status
from galaxynet.tasks import Task, VoteFractions
from galaxynet.training.config import Plan
from galaxynet.training.device import Hardware

_KEPT = (
    *("id", "name", "sweep", "started", "command", "epochs", "metrics", "seconds"),
    *("world_size", "steps"),
)
"""What a resumed run keeps of its record."""


def build_record(
    plan: Plan, data: DataModule, network: Task, hardware: Hardware, command: Sequence[str]
) -> RunRecord:
    """The record of a run that has not started: its status is `interrupted`.

    Args:
        plan: What to train.
        data: The data module, set up.
        network: The network.
        hardware: What it runs on.
        command: The command line.
    """
    metric = f"test/{network.metric}"
    # The most frequent class says something of a network that names classes, and of no other.
    baseline = data.baseline if data.baseline and data.baseline.metric == network.metric else None
    return RunRecord(
        name=plan.name,
        sweep=plan.sweep,
        status="interrupted",
        task=network.task,
        metric=metric,
        higher_is_better=network.higher_is_better,
        model=_plugin_id(plan.model),
        dataset=_plugin_id(plan.dataset),
        options=OptionValues(**plan.option_sets()),
        command=list(command),
        seed=plan.training.seed,
        parameters=sum(p.numel() for p in network.network.parameters() if p.requires_grad)
        + network.frozen_parameters,
        frozen_parameters=network.frozen_parameters,
        classes=list(data.info.classes),
        class_counts=list(data.class_counts),
        splits=dict(data.sizes),
        test_set=digest_test_set(data.test_ids, data.test_labels),
        data=dict(data.summary),
        preprocessing={} if data.preprocessing is None else data.preprocessing.to_dict(),
        vote_tree=network.tree.to_dict() if isinstance(network, VoteFractions) else {},
        baseline=None if baseline is None else _majority(baseline),
        also={name: _majority(other) for name, other in data.label_baselines.items()},
        reference=reference_for(plan, metric, data.info.classes, data.sizes["train"]),
        environment=describe_environment((plan.model.distribution, plan.dataset.distribution)),
        device=hardware.name,
        accelerator=hardware.accelerator,
        devices=hardware.devices,
        precision=hardware.precision,
    )


def continue_record(record: RunRecord, resume: Run) -> None:
    """Take over from an interrupted run what its record keeps when it is resumed.

    Raises:
        RunError: If the data have changed since.
    """
    before = resume.record
    # Figures that only one of two versions of a dataset's plugin reports say nothing.
    changed = [name for name in record.data if record.data[name] != before.data.get(name, record.data[name])]
    if changed or record.test_set != before.test_set or record.splits != before.splits:
        raise RunError(
            f"The data of {record.dataset.name} have changed since the run {resume.label} started.",
            f"Start a new run with: galaxynet train --like {before.id}",
        )
    if record.teachers != before.teachers:
        raise RunError(
            f"The weights of a teacher have changed since the run {resume.label} started.",
            f"Start a new run with: galaxynet train --like {before.id}",
        )
    for name in _KEPT:
        setattr(record, name, getattr(before, name))


def record_progress(record: RunRecord, trainer: Trainer, seconds: float) -> None:
    """Record how far a training is, and the seconds that it took since it started or was resumed."""
    record.epochs = trainer.current_epoch
    record.world_size, record.steps = trainer.world_size, trainer.global_step
    record.seconds["train"] = (record.seconds.get("train") or 0.0) + seconds


def record_end(run: Run, status: Status, message: str = "") -> None:
    """Record how a training ended, and save the record."""
    run.record.status, run.record.message = status, message
    run.record.finished = datetime.now(UTC)
    run.save()


def _majority(baseline: Baseline) -> MajorityClass:
    return MajorityClass(
        label=baseline.label,
        accuracy=baseline.accuracy,
        samples=baseline.samples,
        row=list(baseline.row),
    )


def _plugin_id(plugin: Plugin) -> PluginId:
    return PluginId(name=plugin.name, distribution=plugin.distribution, version=plugin.version)


def reference_for(
    plan: Plan, metric: str, classes: Sequence[str] = (), training_samples: int = 0
) -> ReferenceValue | None:
    """The published figure for these options and data, or None.

    Args:
        plan: What is trained.
        metric: The metric by which runs are compared; if it was not published, the first one that was.
        classes: The classes of the data.
        training_samples: The number of samples that are trained on.
    """
    values = plan.options()
    for reference in plan.model_spec.references:
        applies = (
            plan.dataset.name in (reference.datasets or (plan.model_spec.dataset,))
            and tuple(classes) == (reference.classes or tuple(classes))
            and training_samples >= reference.training_samples
            and all(values.get(name) == value for name, value in reference.options.items())
        )
        if applies and reference.metrics:
            published = metric if metric in reference.metrics else next(iter(reference.metrics))
            value = reference.metrics[published]
            return ReferenceValue(metric=published, value=value, source=reference.source)
    return None
