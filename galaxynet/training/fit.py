"""From a plan to a finished run: data, network, Trainer, test, record."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback

from galaxynet import registry, runs, terminal
from galaxynet.data.module import DataModule
from galaxynet.errors import FULL_DISK, GalaxynetError, RunError, UsageError
from galaxynet.runs import Run
from galaxynet.runs.lock import locked
from galaxynet.runs.removal import remove_leftovers
from galaxynet.signals import StopRequests, plugin_exit_error, stop_signals
from galaxynet.tasks import Task
from galaxynet.tasks.shares import has_batch_statistics
from galaxynet.training.callbacks import (
    DivergedError,
    EpochSeeds,
    KeepStopSignals,
    StepCounter,
    StopEarly,
    StopOnUndefinedLoss,
    Throughput,
)
from galaxynet.training.checkpoint import (
    AtomicCheckpointIO,
    Checkpoints,
    check_unchanged,
    checkpoint_to_resume,
    earlier_rows,
)
from galaxynet.training.config import Plan, Request
from galaxynet.training.device import flushed_denormals, quiet_lightning
from galaxynet.training.display import Display
from galaxynet.training.distributed import ONLY, Rank
from galaxynet.training.evaluate import announce, evaluate
from galaxynet.training.hardware import Hardware, choose
from galaxynet.training.metrics_file import MetricsFile, MetricsInCheckpoint
from galaxynet.training.process_group import joined
from galaxynet.training.record import build_record
from galaxynet.training.threads import BusyProcessorNote, compute_threads

_KEPT = (
    *("id", "name", "sweep", "started", "command", "epochs", "metrics", "seconds"),
    *("world_size", "steps"),
)
"""What a run that is resumed has of its record."""


def train_rank(request: Request, rank: Rank = ONLY) -> Run | None:
    """Train in this process; see `galaxynet.training.train.train`.

    Args:
        request: What is to be trained.
        rank: Which of several processes this is.

    Returns:
        The run; None in every process but the first.
    """
    plan, resume = request.plan, request.resume
    hardware = choose(plan.training)
    # The other processes may find the run running already, by the first.
    force = request.force or not rank.is_first
    last = None if resume is None else checkpoint_to_resume(resume, plan, force)
    threads = plan.training.threads
    with quiet_lightning(), flushed_denormals(), compute_threads(threads), stop_signals() as stop_requested:
        try:
            return _train(request, rank, hardware, last, stop_requested)
        except (KeyboardInterrupt, SystemExit) as error:
            if stop_requested:
                raise
            raise plugin_exit_error(error) from error


def _train(
    request: Request,
    rank: Rank,
    hardware: Hardware,
    last: Path | None,
    stop_requested: StopRequests,
) -> Run | None:
    plan, resume = request.plan, request.resume
    # Deterministic algorithms would also fill all new memory with NaN first, to show who reads it too soon.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    lightning.seed_everything(plan.training.seed, verbose=False)
    began = time.perf_counter()
    data = build_data(plan, request.data_dir)
    network = build_network(plan, data)
    _check(plan, data, network, hardware)
    prepared = time.perf_counter() - began

    run, trainer = None, None
    counter = StepCounter(plan.training.epochs, hardware.devices)
    with ExitStack() as held:
        if rank.is_first:
            run = _begin(request, data, network, hardware)
            if resume is not None:
                held.enter_context(locked(run))
                check_unchanged(resume)
                remove_leftovers(run.path)
        began = time.perf_counter()
        # Within this block alone the record says that the run is running: whatever ends it is recorded.
        try:
            if run is not None:
                if resume is None:
                    held.enter_context(locked(run))
                run.record.status = "running"
                run.record.seconds["prepare"] = prepared
                run.save()
                if request.on_start is not None:
                    request.on_start(run)
                announce(run)
                if resume is not None and last is None:
                    terminal.note("no epoch was kept: training begins again with the first")
            folder = rank.folder if run is None else run.path
            environment = held.enter_context(joined(rank, hardware.accelerator))
            throughput = Throughput()
            display = Display(network.metric, plan.training.epochs, data.sizes["train"])
            held.callback(display.close)
            logger = MetricsFile(folder / runs.folder.METRICS, earlier_rows(run, last))
            if resume is not None:
                logger.restart()
            callbacks = [KeepStopSignals(stop_requested), throughput, counter, display, BusyProcessorNote()]
            trainer = _trainer(plan, data, network, hardware, folder, logger, callbacks, environment)
            began = time.perf_counter()
            trainer.fit(network, datamodule=data, ckpt_path=last, weights_only=True)
            trained = time.perf_counter() - began
            if run is not None:
                run.record.world_size, run.record.steps = trainer.world_size, trainer.global_step
            counter.check(trainer)
            evaluate(run, trainer, network, data, folder, trained, throughput)
        except (KeyboardInterrupt, SystemExit) as error:
            if not stop_requested:
                _end(run, "failed", trainer, counter, began, plugin_exit_error(error).message)
                raise
            _end(run, "interrupted", trainer, counter, began)
        except DivergedError as error:
            _end(run, "diverged", trainer, counter, began, f"{error}".capitalize() + ".")
        except BaseException as error:
            reason = (
                error.message if isinstance(error, GalaxynetError) else f"{type(error).__name__}: {error}"
            )
            _end(run, "failed", trainer, counter, began, reason)
            # No step was taken: the contents of the checkpoint do not fit, or are a stranger's invention.
            if last is not None and run is not None and counter.world_size is None and _is_misfit(error):
                raise RunError(
                    f"The run {run.label} cannot be resumed from {last}: {reason.splitlines()[0]}",
                    f"Train it again with: galaxynet train --like {run.record.id}",
                ) from error
            raise _explained(error, run) from error
    return run


def build_data(plan: Plan, data_dir: Path) -> DataModule:
    """The data module of a plan, set up."""
    kind = registry.resolve_for(plan.dataset, plan.dataset_spec.module)
    data: DataModule = kind(
        plan.dataset_options,
        data_dir=data_dir,
        batch_size=plan.training.batch_size,
        validation=plan.training.validation,
        seed=plan.training.seed,
    )
    # Once here, so that what the network needs to know is known; Lightning's own calls are then immediate.
    data.prepare_data()
    data.setup("fit")
    return data


def build_network(plan: Plan, data: DataModule) -> Task:
    """The network of a plan, built for its data."""
    kind = registry.resolve_for(plan.model, plan.model_spec.module)
    network: Task = kind(plan.model_options, data.info)
    network.group_updates(data)
    return network.to(memory_format=torch.channels_last)


def _is_validated(plan: Plan, data: DataModule) -> bool:
    return plan.training.validation > 0 and data.sizes["validation"] > 0


def _check(plan: Plan, data: DataModule, network: Task, hardware: Hardware) -> None:
    """See that data, network and hardware fit together, before there is a run."""
    if plan.training.patience and not _is_validated(plan, data):
        raise UsageError(
            "--patience needs a validation part to judge by, and there is none.",
            "Leave it out, or take a larger --validation.",
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


def _begin(request: Request, data: DataModule, network: Task, hardware: Hardware) -> Run:
    """The run, with its record complete but for what the training adds."""
    plan, resume = request.plan, request.resume
    record = build_record(plan, data, network, hardware, request.command)
    record.status = "interrupted"  # until it is trained in fact
    if resume is None:
        return runs.create(request.runs_dir, record)
    before = resume.record
    # What only one of two versions of a dataset's plugin says of its data tells nothing.
    changed = [name for name in record.data if record.data[name] != before.data.get(name, record.data[name])]
    if changed or record.test_set != before.test_set or record.splits != before.splits:
        raise RunError(
            f"The data of {plan.dataset.name} are not those that the run {resume.label} began with.",
            f"Train anew with: galaxynet train --like {before.id}",
        )
    for name in _KEPT:
        setattr(record, name, getattr(before, name))
    return Run(resume.path, record)


def _trainer(
    plan: Plan,
    data: DataModule,
    network: Task,
    hardware: Hardware,
    folder: Path,
    logger: MetricsFile,
    callbacks: list[Callback],
    environment: ClusterEnvironment,
) -> Trainer:
    options, validated = plan.training, _is_validated(plan, data)
    metric, mode = f"val/{network.metric}", "max" if network.higher_is_better else "min"
    # Two, as Lightning's own `save_last` saves nothing in an epoch that was not the best.
    where = folder / runs.folder.CHECKPOINTS
    best = Checkpoints(where, "best", monitor=metric if validated else None, mode=mode, weights=True)
    last = Checkpoints(where, "last")
    stop: list[Callback] = []
    if options.patience:
        stop = [StopEarly(metric, patience=options.patience, mode=mode, check_finite=False)]
    rows = MetricsInCheckpoint(logger)
    everything = [EpochSeeds(options.seed), StopOnUndefinedLoss(), rows, *callbacks, *stop, best, last]
    return Trainer(
        accelerator=hardware.accelerator,
        devices=hardware.devices,
        strategy="ddp" if hardware.devices > 1 else "auto",
        precision=hardware.lightning_precision,
        max_epochs=options.epochs,
        callbacks=everything,
        # Else Lightning looks for launchers itself, MPI among them.
        plugins=[AtomicCheckpointIO(), environment],
        logger=logger,
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


def _end(
    run: Run | None,
    status: Any,
    trainer: Trainer | None,
    counter: StepCounter,
    began: float,
    message: str = "",
) -> None:
    if run is None:
        return
    record = run.record
    record.status, record.message = status, message
    if trainer is not None:
        record.epochs = trainer.current_epoch
        if counter.world_size is not None:
            record.world_size, record.steps = counter.world_size, trainer.global_step
    record.seconds["train"] = (record.seconds.get("train") or 0.0) + time.perf_counter() - began
    record.finished = datetime.now(UTC)
    with suppress(OSError):  # on a full disk, the error that brought us here is the one to tell
        run.save()
    if status == "diverged":
        terminal.note((message, "yellow"), f" Kept as {run.path}; a lower --lr may help.")


def _is_misfit(error: BaseException) -> bool:
    kinds = (LookupError, TypeError, ValueError, AttributeError, RuntimeError)
    return isinstance(error, kinds) and not isinstance(error, torch.OutOfMemoryError)


def _explained(error: BaseException, run: Run | None) -> BaseException:
    """An error with the way out, where it is one that people meet."""
    resume = f" Then go on with: galaxynet train --resume {run.record.id}" if run is not None else ""
    if isinstance(error, torch.OutOfMemoryError):
        return GalaxynetError("The GPU's memory is full.", "Use a smaller --batch-size.")
    if isinstance(error, OSError) and error.errno in FULL_DISK and run is not None:
        return RunError(f"The disk is full ({run.path}).", f"Make room.{resume}")
    if isinstance(error, OSError) and error.strerror:
        return GalaxynetError(
            f"{error.filename or 'A file of the run'}: {error.strerror}.", f"Mend that.{resume}"
        )
    return error
