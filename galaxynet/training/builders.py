"""The data module, the network and the trainer of a plan."""

from __future__ import annotations

from pathlib import Path

import torch
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback

from galaxynet import registry, runs, terminal
from galaxynet.data.module import UNLABELLED, DataModule
from galaxynet.errors import UsageError
from galaxynet.images.preprocessing import Preprocessing
from galaxynet.phrases import count
from galaxynet.tasks import Task
from galaxynet.tasks.shares import has_batch_statistics
from galaxynet.training.callbacks import (
    CallbackGroup,
    EpochSeeds,
    NoProfiler,
    StopEarly,
    StopOnUndefinedLoss,
)
from galaxynet.training.checkpoint import (
    AtomicCheckpointIO,
    Checkpoints,
)
from galaxynet.training.config import Plan
from galaxynet.training.device import Hardware
from galaxynet.training.metrics_file import MetricsFile, MetricsInCheckpoint
from galaxynet.training.weight_average import WeightAverage

_FEW = 20
"""Validation samples below which the choice of the best epoch is mostly chance."""


def build_data(plan: Plan, data_dir: Path, pretrained: Preprocessing | None = None) -> DataModule:
    """The data module of a plan, set up.

    Args:
        plan: What to train.
        data_dir: The folder of the datasets.
        pretrained: The preprocessing of the weights that the training begins with.

    Raises:
        UsageError: If images without a label are wanted, and it has none.
    """
    kind = registry.resolve_for(plan.dataset, plan.dataset_spec.module)
    data: DataModule = kind(
        plan.dataset_options,
        data_dir=data_dir,
        batch_size=plan.training.batch_size,
        validation=plan.training.validation,
        seed=plan.training.seed,
    )
    data.pretrained = pretrained
    data.with_unlabelled = plan.training.unlabelled
    # The network is built for these data; when Lightning calls both again, there is nothing left to do.
    data.prepare_data()
    data.setup("fit")
    if plan.training.unlabelled and not data.sizes.get(UNLABELLED):
        raise UsageError(
            f"--unlabelled: the dataset {plan.dataset.name} has no images without a label.", "Leave it out."
        )
    return data


def build_network(plan: Plan, data: DataModule) -> Task:
    """The network of a plan, built for its data."""
    kind = registry.resolve_for(plan.model, plan.model_spec.module)
    network: Task = kind(plan.model_options, data.info)
    network.freeze_modules(plan.training.freeze)
    network.layer_decay = plan.training.layer_decay
    network.group_updates(data)
    return network.to(memory_format=torch.channels_last)


def _is_validated(plan: Plan, data: DataModule) -> bool:
    return plan.training.validation > 0 and data.sizes["validation"] > 0


def check_components(plan: Plan, data: DataModule, network: Task, hardware: Hardware) -> None:
    """Ensure that data, network and hardware fit together, before there is a run."""
    if plan.training.patience and not _is_validated(plan, data):
        raise UsageError(
            "--patience needs a validation part, which this training does not have.",
            "Leave it out, or use a larger --validation.",
        )
    network.check_views(plan.training.views)
    held_out = data.sizes["validation"]
    if plan.training.weights and 0 < held_out < _FEW:
        terminal.note(
            f"the best epoch is chosen by {count(held_out, 'validation sample')}: --validation 0 trains on "
            "them too and keeps the last epoch"
        )
    if hardware.precision not in network.precisions:
        formats = " or ".join(network.precisions)
        raise UsageError(
            f"--precision {hardware.precision}: {plan.model.name} computes in {formats}.",
            "Leave --precision out.",
        )
    if hardware.devices > 1 and has_batch_statistics(network):
        terminal.note(
            "batch normalisation uses the statistics of each process's own samples, so the result depends on "
            "--devices"
        )


def build_trainer(
    plan: Plan,
    data: DataModule,
    network: Task,
    hardware: Hardware,
    folder: Path,
    logger: MetricsFile,
    callbacks: list[Callback],
    environment: ClusterEnvironment,
) -> Trainer:
    """Lightning's trainer with the checkpoints and callbacks of a run.

    Args:
        plan: What to train.
        data: Its data module.
        network: Its network.
        hardware: What to compute on.
        folder: The run folder.
        logger: Where metrics are logged.
        callbacks: What else is called, after the callbacks that a plan itself has.
        environment: What Lightning knows of the processes.
    """
    options, validated = plan.training, _is_validated(plan, data)
    metric, mode = f"val/{network.metric}", "max" if network.higher_is_better else "min"
    # Two, as Lightning's own `save_last` saves nothing in an epoch that was not the best.
    checkpoints = folder / runs.folder.CHECKPOINTS
    best = Checkpoints(checkpoints, "best", monitor=metric if validated else None, mode=mode, weights=True)
    last = Checkpoints(checkpoints, "last")
    stop: list[Callback] = []
    if options.patience:
        stop = [StopEarly(metric, patience=options.patience, mode=mode, check_finite=False)]
    average: list[Callback] = [WeightAverage(options.ema)] if options.ema else []
    rows = MetricsInCheckpoint(logger)
    group = CallbackGroup([EpochSeeds(options.seed), StopOnUndefinedLoss(), *average, rows, *callbacks])
    return Trainer(
        accelerator=hardware.accelerator,
        devices=hardware.devices,
        strategy="ddp" if hardware.devices > 1 else "auto",
        precision=hardware.lightning_precision,
        max_epochs=options.epochs,
        callbacks=[group, *stop, best, last],
        # Without an environment, Lightning looks for launchers itself, MPI among them.
        plugins=[AtomicCheckpointIO(), environment],
        logger=logger,
        profiler=NoProfiler(),
        default_root_dir=folder,
        # Our loaders give every process its part; epoch averages are logged at the end of an epoch.
        use_distributed_sampler=False,
        log_every_n_steps=1_000_000,
        num_sanity_val_steps=0,
        limit_val_batches=1.0 if validated else 0,
        enable_progress_bar=False,
        enable_model_summary=False,
        deterministic=hardware.accelerator == "cpu",
    )
