"""How much of the full test fits into a budget: seeds are cut first, then epochs, the same for all arms."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from galaxynet import atomic, untrusted
from galaxynet.errors import UsageError
from galaxynet.reproduction.experiment import Experiment, Level, Network, Training
from galaxynet.runs import Run
from galaxynet.sweeps.estimate import PER_TRIAL
from galaxynet.sweeps.record import folder_of

FULL = "full"
FILE = "budgets.json"
_MOST_SEEDS = 10_000

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d)")


def parse_budget(text: str) -> float | None:
    """Seconds of `90s`, `10m`, `1h30m`; None for `full`, 0 to train nothing.

    Raises:
        UsageError: If it is none of these.
    """
    plain = text.strip().lower()
    if plain == FULL:
        return None
    if plain == "0":
        return 0.0
    parts = _PART.findall(plain)
    if not parts or _PART.sub("", plain).strip():
        raise UsageError(f"--budget {text}: not a time.", "Write for example 90s, 10m, 2h, or full.")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


@dataclass
class Share:
    """What an experiment does.

    Attributes:
        experiment: The experiment.
        level: How much of the full test.
        missing: The trainings that are left.
        left_out: Networks for which there is no time at all.
    """

    experiment: Experiment
    level: Level
    missing: list[Training] = field(default_factory=list)
    left_out: list[Network] = field(default_factory=list)

    @classmethod
    def of(cls, experiment: Experiment, level: Level, done: Mapping[str, Run]) -> Share:
        """All of a level."""
        return cls(experiment, level, _missing(experiment.networks, level, done))

    @property
    def extent(self) -> str:
        """How much of the full test it is: `1 of 3 seeds, 3 of 12 epochs`."""
        most, level = full(self.experiment).seeds, self.level
        words = f"{level.seeds} of {most} seeds" if level.seeds < most else f"{most} seed{'s' * (most > 1)}"
        if level.share == 1:
            return words
        longest = max(one.epochs for one in self.experiment.networks)
        return f"{words}, {level.epochs(longest)} of {longest} epochs"


class Costs:
    """Seconds of trainings.

    Args:
        full: Seconds of a full training of each network, as far as they are known.
        parallel: How many trainings run at once.
    """

    def __init__(self, full: Mapping[Network, float | None], parallel: int) -> None:
        self.full = full
        self.parallel = parallel

    def of(self, training: Training) -> float:
        """Seconds of one training; without end where they are not known, for then no budget holds it."""
        whole = self.full.get(training.network)
        if whole is None:
            return math.inf
        share = training.plan.training.epochs / training.network.epochs
        return PER_TRIAL + (whole - PER_TRIAL) * share

    def together(self, trainings: Sequence[Training]) -> float:
        """Seconds of all of them."""
        return sum(map(self.of, trainings)) / max(1, min(self.parallel, len(trainings)))


def levels(networks: Sequence[Network]) -> Iterator[Level]:
    """From the full test down: each seed less, then with one seed each epoch of the longest training less."""
    for seeds in range(max(one.seeds for one in networks), 0, -1):
        yield Level(seeds)
    longest = max(one.epochs for one in networks)
    for epochs in range(longest - 1, 0, -1):
        yield Level(1, epochs / longest)


def allot(
    experiments: Sequence[Experiment],
    budget: float,
    costs: Mapping[Experiment, Costs],
    done: Mapping[str, Run],
) -> list[Share]:
    """Divide a budget among experiments.

    Each is given the same time, and what one does not need goes to the others.

    Args:
        experiments: What is to be tested.
        budget: Seconds for all of them.
        costs: What the trainings of each cost.
        done: The runs that there are, by key.
    """
    wanted = {one: costs[one].together(Share.of(one, full(one), done).missing) for one in experiments}
    left, found = budget, {}
    for place, one in enumerate(sorted(experiments, key=lambda one: wanted[one])):
        share = _cut(one, left / (len(experiments) - place), costs[one], done)
        left -= costs[one].together(share.missing)
        found[one] = share
    return [found[one] for one in experiments]


def full(experiment: Experiment) -> Level:
    """The full test."""
    return Level(max(one.seeds for one in experiment.networks))


def nothing(experiment: Experiment, done: Mapping[str, Run]) -> Share:
    """No training at all: the runs that there are have to do."""
    level = full(experiment)
    return Share(experiment, level, [], [one for one in experiment.networks if one.missing(level, done)])


def _missing(networks: Sequence[Network], level: Level, done: Mapping[str, Run]) -> list[Training]:
    # Seed by seed, so that what is stopped half-way has one seed of everything rather than all of a half.
    found = [(place, one) for network in networks for place, one in enumerate(network.missing(level, done))]
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def _cut(experiment: Experiment, budget: float, costs: Costs, done: Mapping[str, Run]) -> Share:
    """The most of an experiment that fits."""
    for level in levels(experiment.networks):
        share = Share.of(experiment, level, done)
        if costs.together(share.missing) <= budget:
            return share
    # Not even one epoch of everything: claim by claim, as many as there is time for.
    kept: list[Network] = []
    for test in experiment.tests:
        tried = list(dict.fromkeys([*kept, *test.networks]))
        if costs.together(_missing(tried, level, done)) <= budget:
            kept = tried
    left_out = [one for one in experiment.networks if one not in kept and one.missing(level, done)]
    return Share(experiment, level, _missing(kept, level, done), left_out)


class Decisions:
    """What was decided for a budget, kept beside the sweep: the same call goes on, and decides nothing anew.

    A second estimate would come out a little different, and what was trained for the first would be wasted.

    Args:
        runs_dir: The folder of the runs.
        call: What the decision depends on.
    """

    def __init__(self, runs_dir: Path, call: Sequence[object]) -> None:
        self.runs_dir = runs_dir
        self.key = hashlib.sha256(json.dumps(call, default=str).encode()).hexdigest()[:12]

    def recall(self, experiment: Experiment, done: Mapping[str, Run]) -> Share | None:
        """What was decided before; None if nothing was, or it cannot be read."""
        values: Any = self._read(experiment).get(self.key)
        level = _level(values)
        try:
            keys = {str(key) for key in values["left_out"]}
        except (TypeError, KeyError):
            return None
        if level is None:
            return None
        left_out = [one for one in experiment.networks if one.plan(0, None)[0] in keys]
        if len(left_out) < len(keys):  # the networks are others than those that it was decided for
            return None
        kept = [one for one in experiment.networks if one not in left_out]
        return Share(experiment, level, _missing(kept, level, done), left_out)

    def levels(self, experiment: Experiment) -> list[Level]:
        """What was decided for whichever call."""
        return [level for values in self._read(experiment).values() if (level := _level(values)) is not None]

    def keep(self, share: Share) -> None:
        """Keep a decision."""
        path = self._path(share.experiment)
        values = self._read(share.experiment)
        values[self.key] = {
            "seeds": share.level.seeds,
            "share": share.level.share,
            "left_out": [one.plan(0, None)[0] for one in share.left_out],
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_text(path, json.dumps(values, indent=2) + "\n")

    def _path(self, experiment: Experiment) -> Path:
        return folder_of(self.runs_dir, experiment.name) / FILE

    def _read(self, experiment: Experiment) -> dict[str, dict[str, object]]:
        try:
            values = untrusted.parse_json(untrusted.read_text(self._path(experiment), untrusted.MIB))
        except (OSError, ValueError):
            return {}
        return values if isinstance(values, dict) else {}


def _level(values: Any) -> Level | None:
    """The level of a decision; None if it cannot be read."""
    try:
        level = Level(int(values["seeds"]), float(values["share"]))
    except (TypeError, KeyError, ValueError, OverflowError):
        return None
    return level if 1 <= level.seeds <= _MOST_SEEDS and 0 < level.share <= 1 else None
