"""How long a sweep will take: from earlier runs of the same networks, or from a few steps of each."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from galaxynet.errors import DataError, GalaxynetError
from galaxynet.runs import Run, scan
from galaxynet.sweeps.forking import fork
from galaxynet.sweeps.orders import Order
from galaxynet.sweeps.trials import Trial
from galaxynet.sweeps.worker import write_to

MOST_PROBES = 12
"""Networks that are timed at the most; the others are taken for as quick as the one most like them."""

PER_TRIAL = 1.0
"""Seconds of a trial beside its epochs: reading the data, the test, the figures.

On two cores 0.6 of 400 galaxies, and 2.3 of the 70,000 digits of MNIST, whose epochs take longer, too.
"""
_EVALUATION = 0.35
"""Time of a validated sample in that of a trained one: forwards alone, in large batches."""

# What has no bearing on the time of an epoch.
_NO_MATTER = frozenset(
    {"seed", "epochs", "patience", "validation", "lr", "weight_decay", "schedule", "split_seed"}
)


@dataclass
class Estimate:
    """Seconds of each trial by its key, as far as they are known.

    Attributes:
        seconds: Estimated seconds by key; None where nothing is known.
        source: Where they come from, for a person.
    """

    seconds: dict[str, float | None]
    source: str

    def total(self, trials: Sequence[Trial], parallel: int) -> float | None:
        """Seconds of all these trials with so many at once; None if it is not known of one."""
        known = [self.seconds.get(trial.key) for trial in trials]
        if any(one is None for one in known):
            return None
        return sum(one or 0.0 for one in known) / max(1, min(parallel, len(known) or 1))


def kind_of(options: Mapping[str, Any]) -> str:
    """What decides how long an epoch takes, as a text."""
    options = {k: v for k, v in sorted(options.items()) if k not in _NO_MATTER}
    if not options.get("threads"):  # runs from before there was this option have none
        options.pop("threads", None)
    return json.dumps(options, default=str)


def estimate(
    trials: Sequence[Trial],
    orders: Sequence[Order],
    runs_dir: Path,
    threads: int,
    progress: Callable[[int], None],
    probing: bool = True,
) -> Estimate:
    """Estimate all trials.

    Networks of which there are runs on the same data are not timed; of the others up to `MOST_PROBES` are,
    in a process of their own.

    Args:
        trials: The trials.
        orders: Their orders.
        runs_dir: Where earlier runs are.
        threads: Threads that a trial will compute with.
        progress: Told of each network that was timed.
        probing: Whether networks may be timed; on this machine, so not if the trials run on others.

    Raises:
        GalaxynetError: If the data of one of them are not there, or none can be trained.
    """
    known = _from_runs(trials, runs_dir, threads)
    kinds: dict[str, Order] = {}
    for order in orders:
        kinds.setdefault(kind_of(order.options), order)
    missing = [order for kind, order in kinds.items() if kind not in known]
    from_runs = len(known)
    names = sorted(trials[0].plan.dataset_options.to_dict())
    probed, faults = _probe(_chosen(missing, names) if probing else [], threads, progress)
    for fault in faults:
        # That the data are not there, or that no trial can be trained, is not to be found out trial by trial.
        if isinstance(fault, DataError) or not (known or probed):
            raise fault
    known.update(probed)
    seconds = {trial.key: _seconds(trial, order, known) for trial, order in zip(trials, orders, strict=True)}
    sources = []
    if from_runs:
        sources.append("earlier runs")
    if probed:
        sources.append(f"a few steps of {len(probed)} network{'s' * (len(probed) > 1)}")
    return Estimate(seconds, " and ".join(sources))


def _chosen(orders: Sequence[Order], data_options: Sequence[str]) -> list[Order]:
    """Those that are timed: all, or some spread evenly, with all different data among them if possible."""

    def spread(places: Sequence[int]) -> list[int]:
        few = min(len(places), MOST_PROBES)
        return [places[number * len(places) // few] for number in range(few)]

    data: dict[str, int] = {}
    for place, order in enumerate(orders):
        data.setdefault(repr([order.options.get(name) for name in data_options]), place)
    chosen = dict.fromkeys([*spread(list(data.values())), *spread(range(len(orders)))])
    return [orders[place] for place in list(chosen)[:MOST_PROBES]]


@dataclass(frozen=True)
class _Cost:
    """What a kind of training costs: samples of an epoch, and seconds for each."""

    samples: int
    seconds: float
    options: Mapping[str, Any]


def _seconds(trial: Trial, order: Order, known: Mapping[str, _Cost]) -> float | None:
    cost = known.get(kind_of(order.options))
    if cost is None and known:  # the one that differs in the fewest options
        cost = min(
            known.values(),
            key=lambda one: sum(
                one.options.get(k) != v for k, v in order.options.items() if k not in _NO_MATTER
            ),
        )
    if cost is None:
        return None
    training = trial.plan.training
    evaluated = _EVALUATION * training.validation / (1 - training.validation)
    return PER_TRIAL + training.epochs * cost.samples * cost.seconds * (1 + evaluated)


def _from_runs(trials: Sequence[Trial], runs_dir: Path, threads: int) -> dict[str, _Cost]:
    """Costs of kinds that finished runs had, the median where there are several."""
    plan = trials[0].plan
    found: dict[str, list[_Cost]] = {}
    for run in scan(runs_dir):
        if not isinstance(run, Run) or run.status != "finished":
            continue
        record = run.record
        rate, cores = record.samples_per_second, record.environment.cores
        same = (record.model.name, record.dataset.name) == (plan.model.name, plan.dataset.name)
        options = record.options.merged()
        # One that had more threads than a trial of this sweep will have says nothing of it.
        other = record.accelerator == "cpu" and not options.get("threads") and cores != threads
        if not same or not rate or other:
            continue
        found.setdefault(kind_of(options), []).append(_Cost(record.splits["train"], 1 / rate, options))
    return {
        kind: _Cost(costs[0].samples, statistics.median(cost.seconds for cost in costs), costs[0].options)
        for kind, costs in found.items()
    }


def _probe(
    orders: Sequence[Order], threads: int, progress: Callable[[int], None]
) -> tuple[dict[str, _Cost], list[GalaxynetError]]:
    """What each costs, and the errors of those that cannot be trained."""
    if not orders:
        return {}, []
    modules = [name for order in orders for name in order.modules]
    process, answers = fork(_probe_all, (list(orders), threads), modules)
    found: dict[str, _Cost] = {}
    faults: list[GalaxynetError] = []
    try:
        for order in orders:
            answer = answers.recv()
            progress(1)
            if isinstance(answer, GalaxynetError):
                faults.append(answer)
            elif answer is not None:
                samples, seconds = answer
                found[kind_of(order.options)] = _Cost(samples, seconds, order.options)
    except EOFError:
        pass  # it crashed: the trial will tell of that
    finally:
        if len(found) + len(faults) < len(orders):
            process.terminate()
        process.join()
    return found, faults


def _probe_all(orders: Sequence[Order], threads: int, answers: Connection) -> None:
    """Time one network after the other; its error, or None, for one that cannot be trained."""
    import torch

    from galaxynet import terminal
    from galaxynet.training.config import Components
    from galaxynet.training.probe import probe

    torch.set_num_threads(threads)
    terminal.set_quiet(True)
    write_to(Path(os.devnull))  # what a plugin prints belongs into the log of a trial
    for order in orders:
        try:
            plan = Components.load(order.model, order.dataset).plan(order.options)
            found = probe(plan, Path(order.data_dir))
            answers.send(tuple(found) if found.seconds else None)
        except GalaxynetError as error:
            answers.send(error)
        except (Exception, SystemExit, KeyboardInterrupt):  # the trial itself will tell of it
            answers.send(None)
