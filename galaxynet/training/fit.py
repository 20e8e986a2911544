"""One process of a training, from its options to the record of a finished run."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from pathlib import Path

import lightning
import torch

from galaxynet import runs, terminal
from galaxynet.errors import FULL_DISK, GalaxynetError, RunError
from galaxynet.runs import Run, RunRecord
from galaxynet.runs.lock import locked
from galaxynet.runs.removal import remove_leftovers
from galaxynet.runs.run_record import Status
from galaxynet.signals import StopRequests, plugin_exit_error, stop_signals
from galaxynet.training.builders import build_data, build_network, build_trainer, check_components
from galaxynet.training.callbacks import (
    DivergedError,
    KeepStopSignals,
    StepCounter,
    Throughput,
)
from galaxynet.training.checkpoint import (
    check_unchanged,
    checkpoint_to_resume,
    earlier_rows,
)
from galaxynet.training.device import Hardware, choose_hardware, compute_settings
from galaxynet.training.evaluate import evaluate
from galaxynet.training.metrics_file import MetricsFile
from galaxynet.training.process_group import process_group
from galaxynet.training.progress import BusyProcessorNote, ProgressBar
from galaxynet.training.ranks import ONLY, Rank, Request
from galaxynet.training.record import build_record, continue_record, record_end, record_progress
from galaxynet.training.starting_weights import StartingWeights
from galaxynet.training.teachers import read_teachers, teach


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
    check_components(plan, data, network, hardware)
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
            progress = ProgressBar(network.metric, plan.training.epochs, data.epoch_samples)
            stack.callback(progress.close)
            logger = MetricsFile(folder / runs.folder.METRICS, earlier_rows(run, last))
            if resume is not None:
                logger.restart()
            callbacks = [KeepStopSignals(stop_requested), throughput, counter, progress, BusyProcessorNote()]
            trainer = build_trainer(plan, data, network, hardware, folder, logger, callbacks, environment)
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
