"""One process of a training, from its options to the record of a finished run."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from pathlib import Path

import lightning
import torch
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback

from galaxynet import registry, runs, terminal
from galaxynet.data.module import DataModule
from galaxynet.errors import FULL_DISK, GalaxynetError, RunError, UsageError
from galaxynet.images.preprocessing import Preprocessing
from galaxynet.phrases import count
from galaxynet.runs import Run, RunRecord
from galaxynet.runs.lock import locked
from galaxynet.runs.removal import remove_leftovers
from galaxynet.runs.run_record import Status
from galaxynet.signals import StopRequests, plugin_exit_error, stop_signals
from galaxynet.tasks import Task
from galaxynet.tasks.shares import has_batch_statistics
from galaxynet.training.callbacks import (
    CallbackGroup,
    DivergedError,
    EpochSeeds,
    KeepStopSignals,
    NoProfiler,
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
from galaxynet.training.config import ONLY, Plan, Rank, Request
from galaxynet.training.device import Hardware, choose_hardware, compute_settings
from galaxynet.training.evaluate import evaluate
from galaxynet.training.metrics_file import MetricsFile, MetricsInCheckpoint
from galaxynet.training.process_group import process_group
from galaxynet.training.progress import BusyProcessorNote, ProgressBar
from galaxynet.training.record import build_record, continue_record, record_end, record_progress
from galaxynet.training.starting_weights import StartingWeights
from galaxynet.training.teachers import read_teachers, teach
from galaxynet.training.weight_average import WeightAverage

_FEW = 20
"""Validation samples below which the choice of the best epoch is mostly chance."""


def fit(request: Request, rank: Rank = ONLY) -> Run | None:
    """Train in this process; see `galaxynet.training.train.train`.

    Args:
        request: What to train.
        rank: Which of several processes this is.

    Returns:
        The run; None in every process but the first.
    """
    plan, resume = request.plan, request.resume
    hardware = choose_hardware(plan.training)
    # When the other processes look, the first may have marked the run as running.
    force = request.force or not rank.is_first
    last = None if resume is None else checkpoint_to_resume(resume, plan, force)
    with compute_settings(plan.training.threads), stop_signals() as stop_requested:
        try:
            return _fit(request, rank, hardware, last, stop_requested)
        except (KeyboardInterrupt, SystemExit) as error:
            if stop_requested:
                raise
            raise plugin_exit_error(error) from error


def _fit(
    request: Request,
    rank: Rank,
    hardware: Hardware,
    last: Path | None,
    stop_requested: StopRequests,
) -> Run | None:
    plan, resume = request.plan, request.resume
    # Deterministic algorithms would also fill all new memory with NaN, to show who reads it too soon.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    start = time.perf_counter()
    # First, for it fails at once where the data take minutes; and it must not change what the seed draws.
    weights = StartingWeights.of(request, last)
    teachers = read_teachers(plan.training.teacher, request.runs_dir)
    lightning.seed_everything(plan.training.seed, verbose=False)
    data = build_data(plan, request.data_dir, weights.preprocessing)
    network = build_network(plan, data)
    weights.load_into(network, data, plan)
    teach(network, data, teachers)
    _check(plan, data, network, hardware)
    prepared = time.perf_counter() - start

    run, trainer = None, None
    counter = StepCounter(plan.training.epochs, hardware.devices)
    with ExitStack() as stack:
        if rank.is_first:
            record = build_record(plan, data, network, hardware, request.command)
            record.weights = weights.record
            record.teachers = [teacher.record for teacher in teachers]
            run = _open_run(request, record, stack)
        start = time.perf_counter()
        # The record says that the run is running only within this block: whatever ends it is recorded.
        try:
            if run is not None:
                run.record.status = "running"
                run.record.seconds["prepare"] = prepared
                run.save()
                if request.on_start is not None:
                    request.on_start(run)
                if resume is not None and last is None:
                    terminal.note("no epoch was kept, so training starts again with the first")
            folder = rank.folder if run is None else run.path
            environment = stack.enter_context(process_group(rank, hardware.accelerator))
            throughput = Throughput()
            progress = ProgressBar(network.metric, plan.training.epochs, data.sizes["train"])
            stack.callback(progress.close)
            logger = MetricsFile(folder / runs.folder.METRICS, earlier_rows(run, last))
            if resume is not None:
                logger.restart()
            callbacks = [KeepStopSignals(stop_requested), throughput, counter, progress, BusyProcessorNote()]
            trainer = _build_trainer(plan, data, network, hardware, folder, logger, callbacks, environment)
            start = time.perf_counter()
            trainer.fit(network, datamodule=data, ckpt_path=last, weights_only=True)
            if run is not None:
                record_progress(run.record, trainer, time.perf_counter() - start)
            counter.check(trainer)
            start = time.perf_counter()
            network.views = plan.training.views  # not in validation, which is to be quick
            evaluate(run, trainer, network, data)
            samples = throughput.total(trainer)  # asks all processes
            if run is not None:
                if throughput.seconds:
                    run.record.samples_per_second = samples / throughput.seconds
                record_end(run, "finished")
        except BaseException as error:
            status, message = _outcome(error, stop_requested)
            if run is not None:
                if counter.world_size is not None and trainer is not None:
                    record_progress(run.record, trainer, time.perf_counter() - start)
                with suppress(OSError):  # on a full disk, the error that brought us here matters
                    record_end(run, status, message)
            if status == "failed":
                stepped = last is None or counter.world_size is not None
                explained = _explained(error, run, None if stepped else last)
                if explained is error:
                    raise
                raise explained from error
    return run


def _outcome(error: BaseException, stop_requested: StopRequests | bool) -> tuple[Status, str]:
    """The status and the message of a run that an exception ended."""
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return ("interrupted", "") if stop_requested else ("failed", plugin_exit_error(error).message)
    if isinstance(error, DivergedError):
        return "diverged", f"{error}".capitalize() + "."
    return "failed", error.message if isinstance(
        error, GalaxynetError
    ) else f"{type(error).__name__}: {error}"


def _open_run(request: Request, record: RunRecord, stack: ExitStack) -> Run:
    """Create the run folder, or take the one of the run to resume; lock it while `stack` is open."""
    resume = request.resume
    if resume is None:
        run = runs.create(request.runs_dir, record)
        stack.enter_context(locked(run))
        return run
    continue_record(record, resume)
    run = Run(resume.path, record)
    stack.enter_context(locked(run))
    check_unchanged(resume)
    remove_leftovers(run.path)
    return run


def build_data(plan: Plan, data_dir: Path, pretrained: Preprocessing | None = None) -> DataModule:
    """The data module of a plan, set up.

    Args:
        plan: What to train.
        data_dir: The folder of the datasets.
        pretrained: The preprocessing of the weights that the training begins with.
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
    # The network is built for these data; when Lightning calls both again, there is nothing left to do.
    data.prepare_data()
    data.setup("fit")
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


def _check(plan: Plan, data: DataModule, network: Task, hardware: Hardware) -> None:
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


def _build_trainer(
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


def _explained(error: BaseException, run: Run | None, checkpoint: Path | None) -> BaseException:
    """An error with the way out, if it is one that users meet; the error itself otherwise.

    Args:
        error: What ended the training.
        run: The run.
        checkpoint: The checkpoint to resume from, if no step was taken from it.
    """
    # Before the first step, what does not fit is the checkpoint, which may be a stranger's invention.
    unfit = isinstance(error, LookupError | TypeError | ValueError | AttributeError | RuntimeError)
    resume = f" Then continue with: galaxynet train --resume {run.record.id}" if run is not None else ""
    if isinstance(error, torch.OutOfMemoryError):
        return GalaxynetError("The GPU's memory is full.", "Use a smaller --batch-size.")
    if run is not None and checkpoint is not None and unfit:
        return RunError(
            f"The run {run.label} cannot be resumed from {checkpoint}: "
            f"{_outcome(error, False)[1].splitlines()[0]}",
            f"Train it again with: galaxynet train --like {run.record.id}",
        )
    if isinstance(error, OSError) and error.errno in FULL_DISK and run is not None:
        return RunError(f"The disk is full ({run.path}).", f"Make room.{resume}")
    if isinstance(error, OSError) and error.strerror:
        return GalaxynetError(
            f"{error.filename or 'A file of the run'}: {error.strerror}.", f"Fix that.{resume}"
        )
    return error
