"""The trials of a sweep: a grid of options or some drawn by chance, each a whole plan of a training."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from galaxynet.errors import UsageError
from galaxynet.runs import RunRecord
from galaxynet.sweeps.axes import Axis
from galaxynet.training.config import Components, Plan

MOST_TRIALS = 1_000
"""A sweep of more trials has to be meant: `--yes`."""


@dataclass(frozen=True)
class Trial:
    """One training of a sweep.

    Attributes:
        key: Twelve hex digits that tell its plan from any other; the same on every machine.
        values: The values of the options that the sweep varies, the seed among them.
        plan: The training.
    """

    key: str
    values: Mapping[str, Any]
    plan: Plan

    @property
    def configuration(self) -> dict[str, Any]:
        """The varied options without the seed."""
        return {name: value for name, value in self.values.items() if name != "seed"}


def seed_axis(axis: Axis | None, seeds: int) -> Axis | None:
    """The seeds of a sweep: those of `--seed`, or so many from that one on.

    Raises:
        UsageError: If both a list of seeds and their number are given.
    """
    if seeds <= 1:
        return axis
    if axis is not None and (axis.varies or not axis.values):
        raise UsageError("--seeds counts seeds, and --seed lists them.", "Leave one of them out.")
    first = axis.values[0] if axis is not None else 0
    return Axis("seed", tuple(range(first, first + seeds)))


def plan_trials(
    components: Components,
    axes: Sequence[Axis],
    *,
    draws: int | None = None,
    draw_seed: int = 0,
    sweep: str = "",
    most: int | None = MOST_TRIALS,
) -> list[Trial]:
    """All trials, every plan validated.

    Args:
        components: Network and dataset.
        axes: The options that were given; those with one value hold for all trials.
        draws: How many configurations to draw by chance; None for the whole grid. The seeds are not drawn:
            each configuration is trained with all of them.
        draw_seed: Determines the draw.
        sweep: The name of the sweep.
        most: How many trials there may be; None for any number.

    Raises:
        UsageError: If there are more than `most`, or fewer configurations than are to be drawn.
        OptionError: If a value does not fit its option.
    """
    varied = [axis for axis in axes if axis.varies]
    fixed = {axis.name: axis.values[0] for axis in axes if not axis.varies}
    seeds = next((axis for axis in varied if axis.name == "seed"), Axis("seed", (None,)))
    others = [axis for axis in varied if axis.name != "seed"]
    number = (math.prod(len(axis.values) for axis in others) if draws is None else draws) * len(seeds.values)
    if most is not None and number > most:
        raise UsageError(
            f"This sweep has {number:,} trials.",
            "If that is meant, say --yes; to try some of them by chance: --random 50",
        )
    chosen: Iterable[tuple[Any, ...]]
    if draws is None:
        chosen = itertools.product(*(axis.values for axis in others))
    else:
        chosen = _drawn(others, draws, draw_seed)
    trials = []
    for combination in chosen:
        for seed in seeds.values:
            values = dict(zip((axis.name for axis in others), combination, strict=True))
            if seed is not None:
                values["seed"] = seed
            plan = components.plan({**fixed, **values}, sweep=sweep)
            trials.append(Trial(plan_key(plan), values, plan))
    # Two values may come to one plan (a name of a file and the same with its folder).
    return list({trial.key: trial for trial in trials}.values())


def _drawn(axes: Sequence[Axis], draws: int, seed: int) -> list[tuple[Any, ...]]:
    if not axes:
        raise UsageError(
            "--random draws from lists and ranges, and there are none.",
            "Give for example --lr 1e-4..1e-2:log.",
        )
    finite = all(axis.values for axis in axes)
    possible = math.prod(len(axis.values) for axis in axes)
    if finite and draws > possible:
        raise UsageError(
            f"--random {draws}, but there are only {possible} configurations.",
            "Leave --random out to try all of them.",
        )
    chance = random.Random(seed)
    if finite and possible <= MOST_TRIALS:
        return chance.sample(list(itertools.product(*(axis.values for axis in axes))), draws)
    found: dict[tuple[Any, ...], None] = {}
    for _ in range(100 * draws):  # a draw that repeats another one is drawn again
        found[tuple(axis.draw(chance) for axis in axes)] = None
        if len(found) == draws:
            return list(found)
    raise UsageError(
        f"--random {draws}, but there are hardly more than {len(found)} configurations.",
        "Ask for fewer, or leave --random out to try all of them.",
    )


def plan_key(plan: Plan) -> str:
    """The key of a plan."""
    return _key(
        (plan.model.distribution, plan.model.name, plan.dataset.distribution, plan.dataset.name),
        tuple(plan.option_sets().values()),
    )


def run_key(record: RunRecord) -> str:
    """The key of the plan that a run was trained by."""
    model, dataset, options = record.model, record.dataset, record.options
    return _key(
        (model.distribution, model.name, dataset.distribution, dataset.name),
        (options.model, options.dataset, options.training),
    )


def _key(names: Sequence[str], options: Sequence[Mapping[str, Any]]) -> str:
    # Runs from before there was `--threads` have the keys that they had.
    options = [{k: v for k, v in part.items() if (k, v) != ("threads", 0)} for part in options]
    text = json.dumps([names, options], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def sweep_name(components: Components, trials_of: Sequence[Axis], draws: int | None, draw_seed: int) -> str:
    """The name of a sweep that was given none: the same call has the same one, so it goes on with itself."""
    described = [repr(axis) for axis in sorted(trials_of, key=lambda axis: axis.name)]
    text = json.dumps([components.model.qualified, components.dataset.qualified, described, draws, draw_seed])
    return f"{components.model.name}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
