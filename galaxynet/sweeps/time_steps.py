"""Timing a few training steps of each network, in a process of its own."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxynet import terminal
from galaxynet.errors import GalaxynetError
from galaxynet.sweeps.forking import fork
from galaxynet.sweeps.job import TrialJob
from galaxynet.sweeps.worker import redirect_output

if TYPE_CHECKING:
    from galaxynet.training.config import Plan

_WARMUP_STEPS = 2
_MAX_STEPS = 40
_MAX_TIME_S = 0.8


@dataclass(frozen=True)
class Cost:
    """What a network costs to train.

    Attributes:
        samples: Samples of an epoch.
        sample_s: Seconds of each sample.
        options: The options of network, dataset and trainer.
    """

    samples: int
    sample_s: float
    options: Mapping[str, Any]


class _StopTiming(Exception):  # noqa: N818 (it is not an error)
    """Enough steps were timed."""


def time_networks(
    jobs: Sequence[TrialJob], threads: int, advance: Callable[[int], None]
) -> tuple[list[tuple[TrialJob, Cost]], list[GalaxynetError]]:
    """Time a few steps of each network.

    Args:
        jobs: The networks.
        threads: How many threads to compute with.
        advance: Called with 1 after each network.

    Returns:
        The costs, and the errors of networks that cannot be trained. A network that crashes has neither:
        its trial reports that.
    """
    modules = [name for job in jobs for name in job.modules]
    process, pipe = fork(_time_all, (list(jobs), threads), modules)
    costs: list[tuple[TrialJob, Cost]] = []
    errors: list[GalaxynetError] = []
    answered = 0
    try:
        for job in jobs:
            answer = pipe.recv()
            answered += 1
            advance(1)
            if isinstance(answer, GalaxynetError):
                errors.append(answer)
            elif answer is not None:
                costs.append((job, answer))
    except EOFError:
        pass
    finally:
        if answered < len(jobs):
            process.terminate()
        process.join()
    return costs, errors


def _time_all(jobs: Sequence[TrialJob], threads: int, answers: Connection) -> None:
    """Send the cost of each network, or its error, or None."""
    import torch

    from galaxynet.training.config import Components

    torch.set_num_threads(threads)
    terminal.set_quiet(True)
    redirect_output(Path(os.devnull))  # what a plugin prints belongs in the log of its trial
    for job in jobs:
        try:
            plan = Components.load(job.model, job.dataset).plan(job.options)
            samples, sample_s = time_steps(plan, Path(job.data_dir), Path(job.runs_dir))
            answers.send(Cost(samples, sample_s, job.options) if sample_s else None)
        except GalaxynetError as error:
            answers.send(error)
        except (Exception, SystemExit, KeyboardInterrupt):
            answers.send(None)


def time_steps(plan: Plan, data_dir: Path, runs_dir: Path) -> tuple[int, float]:
    """Train a few steps of a plan, with its teachers and its average of weights, and discard them.

    Args:
        plan: The training.
        data_dir: The folder of the datasets.
        runs_dir: The folder of the runs, for the teachers.

    Returns:
        The samples of an epoch, and the seconds of each; 0 seconds if no step could be timed.

    Raises:
        GalaxynetError: If data or hardware do not fit, or a teacher cannot be read.
    """
    import lightning
    import torch
    from lightning.fabric.plugins.environments.lightning import LightningEnvironment
    from lightning.pytorch import Callback, Trainer

    from galaxynet.tasks.shares import sample_count
    from galaxynet.tasks.teaching import Teacher
    from galaxynet.training.builders import build_data, build_network
    from galaxynet.training.device import choose_hardware, compute_settings
    from galaxynet.training.teachers import read_teachers
    from galaxynet.training.weight_average import WeightAverage

    class StepTimer(Callback):
        """Times the steps after the first ones, which set things up."""

        def __init__(self) -> None:
            self.samples = 0
            self.seconds = 0.0
            self._steps = 0
            self._since = 0.0

        def on_train_batch_end(
            self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
        ) -> None:
            if pl_module.device.type == "cuda":
                torch.cuda.synchronize(pl_module.device)
            now = time.perf_counter()
            if self._steps <= _WARMUP_STEPS:  # these count only if no others follow
                self.samples, self.seconds = 0, 0.0
            if self._steps:
                self.samples += sample_count(batch) or 0
                self.seconds += now - self._since
            self._steps += 1
            self._since = time.perf_counter()
            if self.samples and (self.seconds > _MAX_TIME_S or self._steps >= _MAX_STEPS):
                raise _StopTiming

    with (
        compute_settings(plan.training.threads),
        tempfile.TemporaryDirectory() as scratch,
    ):
        hardware = choose_hardware(plan.training)
        lightning.seed_everything(plan.training.seed, verbose=False)
        data = build_data(plan, data_dir)
        network = build_network(plan, data)
        # Whether they fit is checked when the trial trains; the time is the same.
        network.teachers = tuple(
            Teacher(teacher.task) for teacher in read_teachers(plan.training.teacher, runs_dir)
        )
        average = [WeightAverage(plan.training.ema)] if plan.training.ema else []
        timer = StepTimer()
        trainer = Trainer(
            accelerator=hardware.accelerator,
            devices=1,
            precision=hardware.lightning_precision,
            max_epochs=plan.training.epochs,
            callbacks=[timer, *average],
            logger=False,
            default_root_dir=scratch,
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
            limit_val_batches=0,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            plugins=[LightningEnvironment()],
        )
        with contextlib.suppress(_StopTiming):
            trainer.fit(network, datamodule=data)
    return data.epoch_samples, timer.seconds / timer.samples if timer.samples else 0.0
