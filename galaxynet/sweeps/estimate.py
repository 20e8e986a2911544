"""How long a sweep takes: estimated before it starts, and corrected while it runs.

The estimate comes from earlier runs of the same networks, or from timing a few steps of each.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from galaxynet import terminal
from galaxynet.errors import DataError, RunError
from galaxynet.phrases import count
from galaxynet.runs import Run, scan
from galaxynet.runs.folder import METRICS
from galaxynet.sweeps.job import TrialJob
from galaxynet.sweeps.sweep_plan import SweepPlan
from galaxynet.sweeps.time_steps import Cost, time_networks
from galaxynet.sweeps.trials import Trial

MAX_TIMED = 12
"""Networks that are timed at most; the others are assumed as fast as the most similar one."""

_OVERHEAD_S = 1.0
"""Time of a trial besides its epochs: reading the data, testing, drawing.

On two cores 0.6 s for 400 galaxies, and 2.3 s for the 70,000 digits of MNIST, whose epochs take longer too.
"""
_EVALUATION = 0.35
"""Time of a validated sample relative to a trained one: forward passes only, in large batches."""

_IRRELEVANT = frozenset(
    {"seed", "epochs", "patience", "validation", "lr", "weight_decay", "schedule", "split_seed"}
)
"""Options that do not change the time of a sample."""

_MIN_SHOWN_S = 0.5


@dataclass
class Estimate:
    """How long each trial takes.

    Attributes:
        seconds: Estimated seconds by key; None if unknown.
        source: Where the estimate comes from, in words.
    """

    seconds: dict[str, float | None]
    source: str

    def total(self, trials: Sequence[Trial], parallel: int) -> float | None:
        """Seconds of these trials, `parallel` at once; None if that of one is unknown."""
        seconds = [self.seconds.get(trial.key) for trial in trials]
        known = [value for value in seconds if value is not None]
        if len(known) < len(seconds):
            return None
        return sum(known) / max(1, min(parallel, len(known)))


def estimate(plan: SweepPlan, trials: Sequence[Trial]) -> Estimate:
    """Estimate how long trials of a sweep take.

    Networks with earlier runs on the same data are not timed; of the others up to `MAX_TIMED` are, in a
    process of their own. Where trials run on other machines, nothing is timed.

    Raises:
        GalaxynetError: If the data of one of them are missing, or none can be trained.
    """
    jobs = {trial.key: plan.jobs[trial.key] for trial in trials}
    costs = _costs_of_runs(plan)
    n_from_runs = len(costs)
    distinct: dict[str, TrialJob] = {}
    for job in jobs.values():
        distinct.setdefault(cost_key(job.options), job)
    untimed = [job for key, job in distinct.items() if key not in costs]
    timed: dict[str, Cost] = {}
    if untimed and plan.engine == "local":
        data_options = sorted(trials[0].plan.dataset_options.to_dict())
        selected = _representatives(untimed, data_options)
        what = f"timing a few steps of {trials[0].plan.model.name}"
        with terminal.progress(what, len(selected), "networks") as advance:
            results, errors = time_networks(selected, plan.threads, advance)
        timed = {cost_key(job.options): cost for job, cost in results}
        for error in errors:
            # Missing data, or trials that can never be trained, should not surface trial by trial.
            if isinstance(error, DataError) or not (costs or timed):
                raise error
        costs.update(timed)
    sources = ["earlier runs"] * bool(n_from_runs)
    if timed:
        sources.append(f"a few steps of {count(len(timed), 'network')}")
    seconds = {trial.key: _trial_seconds(trial, jobs[trial.key], costs) for trial in trials}
    return Estimate(seconds, " and ".join(sources))


def cost_key(options: Mapping[str, Any]) -> str:
    """The options that decide how long a sample takes, as text."""
    relevant = {name: value for name, value in sorted(options.items()) if name not in _IRRELEVANT}
    if not relevant.get("threads"):  # older runs lack this option
        relevant.pop("threads", None)
    return json.dumps(relevant, default=str)


def _representatives(jobs: Sequence[TrialJob], data_options: Sequence[str]) -> list[TrialJob]:
    """The networks to time: all, or an even spread that covers all different data if possible."""

    def spread(indices: Sequence[int]) -> list[int]:
        count = min(len(indices), MAX_TIMED)
        return [indices[number * len(indices) // count] for number in range(count)]

    first_of_data: dict[str, int] = {}
    for index, job in enumerate(jobs):
        first_of_data.setdefault(repr([job.options.get(name) for name in data_options]), index)
    selected = dict.fromkeys([*spread(list(first_of_data.values())), *spread(range(len(jobs)))])
    return [jobs[index] for index in list(selected)[:MAX_TIMED]]


def _costs_of_runs(plan: SweepPlan) -> dict[str, Cost]:
    """Costs from finished runs, the median where there are several of a network."""
    names = plan.trials[0].plan.model.name, plan.trials[0].plan.dataset.name
    costs: dict[str, list[Cost]] = {}
    for run in scan(plan.runs_dir):
        if not isinstance(run, Run) or run.status != "finished":
            continue
        record = run.record
        rate, options = record.samples_per_second, record.options.merged()
        # On a CPU, a run with another number of threads says nothing about the trials.
        comparable = (
            record.accelerator != "cpu" or options.get("threads") or record.environment.cores == plan.threads
        )
        if (record.model.name, record.dataset.name) == names and rate and comparable:
            samples = record.splits["train"] + record.splits.get("unlabelled", 0)
            cost = Cost(samples, 1 / rate, options)
            costs.setdefault(cost_key(options), []).append(cost)
    return {
        key: Cost(same[0].samples, statistics.median(cost.sample_s for cost in same), same[0].options)
        for key, same in costs.items()
    }


def _trial_seconds(trial: Trial, job: TrialJob, costs: Mapping[str, Cost]) -> float | None:
    def n_different(cost: Cost) -> int:
        return sum(cost.options.get(k) != v for k, v in job.options.items() if k not in _IRRELEVANT)

    if not costs:
        return None
    cost = costs.get(cost_key(job.options)) or min(costs.values(), key=n_different)
    training = trial.plan.training
    evaluated = _EVALUATION * training.validation / (1 - training.validation)
    return _OVERHEAD_S + training.epochs * cost.samples * cost.sample_s * (1 + evaluated)


class EtaTracker:
    """Tracks running trials and estimates the time that remains.

    Args:
        estimated: Estimated seconds of each trial by key; None if unknown.
        parallel: How many trials run at once.
    """

    def __init__(self, estimated: Mapping[str, float | None], parallel: int) -> None:
        self.estimated = estimated
        self.parallel = parallel
        self.elapsed: dict[str, float] = {}
        self._started: dict[str, float] = {}
        self._epochs_before: dict[str, int] = {}

    def start(self, key: str, run: Run | None) -> None:
        """A trial runs; its run, once it exists, may have epochs from an earlier call."""
        self._started.setdefault(key, time.time())
        if run is not None:
            self._epochs_before.setdefault(key, epochs_done(run))

    def requeue(self, key: str) -> None:
        """A trial has to start again, because its machine is gone."""
        self._started.pop(key, None)
        self._epochs_before.pop(key, None)

    def finish(self, key: str) -> None:
        """A trial is over."""
        now = time.time()
        self.elapsed[key] = max(0.0, now - self._started.get(key, now))

    def remaining(self, running: Mapping[str, Run | None], waiting: Sequence[str]) -> float | None:
        """Seconds until all trials are over; None if unknown, or too short to show.

        Args:
            running: The running trials, with their runs where those exist.
            waiting: The keys of the trials that wait.
        """
        factor = self._slowdown()
        mean = statistics.fmean(self.elapsed.values()) if self.elapsed else None

        def full(key: str) -> float | None:
            estimated = self.estimated.get(key)
            return estimated * factor if estimated is not None else mean

        seconds = [self._remaining_of(key, run, full(key)) for key, run in running.items()]
        seconds += [full(key) for key in waiting]
        known = [value for value in seconds if value is not None]
        if not known or len(known) < len(seconds):
            return None
        # No trial is faster for running beside fewer others.
        total = max(sum(known) / self.parallel, *known[: len(running)], 0.0)
        return total if total >= _MIN_SHOWN_S else None

    def _slowdown(self) -> float:
        """How much longer trials took than estimated."""
        pairs = [(elapsed, self.estimated.get(key)) for key, elapsed in self.elapsed.items()]
        ratios = [elapsed / estimated for elapsed, estimated in pairs if estimated]
        return statistics.median(ratios) if ratios else 1.0

    def _remaining_of(self, key: str, run: Run | None, full_s: float | None) -> float | None:
        now = time.time()
        started = self._started.get(key, now)
        if run is not None and key in self._epochs_before:
            done, total = epochs_done(run), run.record.options.training.get("epochs")
            trained = done - self._epochs_before[key]
            if trained > 0 and isinstance(total, int) and total > done:
                last = min(max(_last_epoch_time(run, now), started), now)
                return max(0.0, (last - started) / trained * (total - done) - (now - last))
        remaining = None if full_s is None else full_s - (now - started)
        # Past the estimate, nothing is known.
        return remaining if remaining is not None and remaining > 0 else None


def epochs_done(run: Run) -> int:
    """Epochs that a run has finished, from its `metrics.csv`."""
    try:
        return max((int(row["epoch"]) + 1 for row in run.metrics() if "epoch" in row), default=0)
    except RunError:
        return 0


def _last_epoch_time(run: Run, default: float) -> float:
    try:
        return (run.path / METRICS).stat().st_mtime
    except OSError:
        return default
