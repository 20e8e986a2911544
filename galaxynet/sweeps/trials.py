"""The trials of a sweep: a grid of options or a random sample of it, each a complete training plan."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galaxynet.errors import UsageError
from galaxynet.runs import RunRecord
from galaxynet.sweeps.dimensions import Dimension
from galaxynet.training.config import Components, Plan

MAX_TRIALS = 1_000
"""Larger sweeps need `--yes`."""

_LATER_OPTIONS: list[tuple[str, Any]] = [
    ("threads", 0),
    ("ema", 0.0),
    ("views", 1),
    ("teacher", []),
    ("weights", None),
    ("freeze", []),
    ("layer_decay", 1.0),
]
"""Defaults of options of the trainer that were added after the first release."""


@dataclass(frozen=True)
class Trial:
    """One training of a sweep.

    Attributes:
        key: Twelve hex digits that identify the plan; the same on every machine.
        values: The values of the options that the sweep varies, the seed included.
        plan: The training.
    """

    key: str
    values: Mapping[str, Any]
    plan: Plan

    @property
    def configuration(self) -> dict[str, Any]:
        """The varied options without the seed."""
        return {name: value for name, value in self.values.items() if name != "seed"}


def seed_dimension(seed: Dimension | None, n_seeds: int) -> Dimension | None:
    """The seeds of a sweep: those of `--seed`, or `n_seeds` consecutive ones starting there.

    Raises:
        UsageError: If both a list of seeds and their number are given.
    """
    if n_seeds <= 1:
        return seed
    if seed is not None and (seed.varies or not seed.values):
        raise UsageError("--seeds counts seeds, and --seed lists them.", "Leave one of them out.")
    first = seed.values[0] if seed is not None else 0
    return Dimension("seed", tuple(range(first, first + n_seeds)))


def plan_trials(
    components: Components,
    dimensions: Sequence[Dimension],
    *,
    n_samples: int | None = None,
    sample_seed: int = 0,
    sweep: str = "",
    runs_dir: Path | None = None,
    limit: int | None = MAX_TRIALS,
) -> list[Trial]:
    """All trials, with validated plans.

    Args:
        components: Network and dataset.
        dimensions: The given options; those with one value apply to all trials.
        n_samples: How many random configurations to try; None for the whole grid. Seeds are not sampled:
            each configuration is trained with all of them.
        sample_seed: Seed of the sample.
        sweep: The name of the sweep.
        runs_dir: The folder in which `weights` are looked up.
        limit: The most trials allowed; None for any number.

    Raises:
        UsageError: If there are more than `limit` trials, or fewer configurations than `n_samples`, or if
            `weights` name the `last` run.
        OptionError: If a value does not fit its option.
    """
    if any(dimension.name == "weights" and "last" in dimension.values for dimension in dimensions):
        raise UsageError(
            "--weights last: the last run is another one when the sweep is continued.",
            "Name the run by its id or its name.",
        )
    varied = [dimension for dimension in dimensions if dimension.varies]
    fixed = {dimension.name: dimension.values[0] for dimension in dimensions if not dimension.varies}
    seeds = next((dim.values for dim in varied if dim.name == "seed"), (None,))
    grid = [dimension for dimension in varied if dimension.name != "seed"]
    names = [dimension.name for dimension in grid]
    n_configurations = math.prod(len(dim.values) for dim in grid) if n_samples is None else n_samples
    n_trials = n_configurations * len(seeds)
    if limit is not None and n_trials > limit:
        raise UsageError(
            f"This sweep has {n_trials:,} trials.", "Add --yes to run them all, or sample some: --random 50"
        )
    configurations: Iterable[tuple[Any, ...]]
    if n_samples is None:
        configurations = itertools.product(*(dimension.values for dimension in grid))
    else:
        configurations = _sample(grid, n_samples, sample_seed)
    trials: dict[str, Trial] = {}  # two values may give one plan (a file's name with and without its folder)
    for configuration, seed in itertools.product(configurations, seeds):
        values = dict(zip(names, configuration, strict=True))
        if seed is not None:
            values["seed"] = seed
        plan = components.plan({**fixed, **values}, sweep=sweep, runs_dir=runs_dir)
        trial = Trial(plan_key(plan), values, plan)
        trials[trial.key] = trial
    return list(trials.values())


def _sample(grid: Sequence[Dimension], n_samples: int, seed: int) -> list[tuple[Any, ...]]:
    if not grid:
        raise UsageError(
            "--random samples from lists and ranges, but no option has one.",
            "Give for example --lr 1e-4..1e-2:log.",
        )
    finite = all(dimension.values for dimension in grid)
    n_configurations = math.prod(len(dimension.values) for dimension in grid)
    if finite and n_samples > n_configurations:
        raise UsageError(
            f"--random {n_samples}, but there are only {n_configurations} configurations.",
            "Leave out --random to try all of them.",
        )
    rng = random.Random(seed)
    if finite and n_configurations <= MAX_TRIALS:
        return rng.sample(list(itertools.product(*(dimension.values for dimension in grid))), n_samples)
    samples: dict[tuple[Any, ...], None] = {}
    for _ in range(100 * n_samples):  # repeated samples are drawn again
        samples[tuple(dimension.sample(rng) for dimension in grid)] = None
        if len(samples) == n_samples:
            return list(samples)
    raise UsageError(
        f"--random {n_samples}, but there are hardly more than {len(samples)} configurations.",
        "Ask for fewer, or leave out --random to try all of them.",
    )


def plan_key(plan: Plan) -> str:
    """The key of a plan."""
    return _key(
        (plan.model.distribution, plan.model.name, plan.dataset.distribution, plan.dataset.name),
        tuple(plan.option_sets().values()),
    )


def run_key(record: RunRecord) -> str:
    """The key of the plan that a run was trained with."""
    model, dataset, options = record.model, record.dataset, record.options
    return _key(
        (model.distribution, model.name, dataset.distribution, dataset.name),
        (options.model, options.dataset, options.training),
    )


def _key(names: Sequence[str], options: Sequence[Mapping[str, Any]]) -> str:
    # Runs from before these options existed keep their keys.
    options = [{k: v for k, v in part.items() if (k, v) not in _LATER_OPTIONS} for part in options]
    return hashlib.sha256(json.dumps([names, options], sort_keys=True, default=str).encode()).hexdigest()[:12]


def default_name(
    components: Components, dimensions: Sequence[Dimension], n_samples: int | None, sample_seed: int
) -> str:
    """The name of an unnamed sweep: the same call has the same name, so it continues its own sweep."""
    # The wording is part of names that exist, so it does not follow the names in the code.
    described = [
        f"Axis(name={dim.name!r}, values={dim.values!r}, low={dim.low!r}, high={dim.high!r}, "
        f"log={dim.log!r}, whole={dim.integer!r})"
        for dim in sorted(dimensions, key=lambda dim: dim.name)
    ]
    text = json.dumps(
        [components.model.qualified, components.dataset.qualified, described, n_samples, sample_seed]
    )
    return f"{components.model.name}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
