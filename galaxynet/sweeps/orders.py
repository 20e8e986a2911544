"""What a worker is told: one trial in plain types, so that it can be sent to any process on any machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from galaxynet.plugin import Options
from galaxynet.sweeps.axes import show
from galaxynet.sweeps.trials import Trial
from galaxynet.training.config import Plan


@dataclass(frozen=True)
class Order:
    """A trial to be trained.

    Attributes:
        key: The trial's key.
        model: `distribution:name` of the network's plugin.
        dataset: The same of the dataset's.
        options: Every option, as JSON types.
        sweep: The name of the sweep.
        runs_dir: The folder of the runs, absolute; where there are several machines, they must share it.
        data_dir: The folder of the datasets, absolute.
        log: The file that takes what the trial prints.
        command: The call that would train the same by itself.
        modules: The modules of network and dataset, which can be imported beforehand.
    """

    key: str
    model: str
    dataset: str
    options: dict[str, Any]
    sweep: str
    runs_dir: str
    data_dir: str
    log: str
    command: tuple[str, ...] = ()
    modules: tuple[str, ...] = field(default=(), compare=False)


def order(trial: Trial, runs_dir: Path, data_dir: Path, log: Path) -> Order:
    """The order of a trial."""
    plan = trial.plan
    return Order(
        key=trial.key,
        model=plan.model.qualified,
        dataset=plan.dataset.qualified,
        options=plan.options(),
        sweep=plan.sweep,
        runs_dir=str(runs_dir.absolute()),
        data_dir=str(data_dir.absolute()),
        log=str(log.absolute()),
        command=("galaxynet", *train_words(plan)),
        modules=tuple(spec.module.partition(":")[0] for spec in (plan.model_spec, plan.dataset_spec)),
    )  # fmt: skip


def train_words(plan: Plan) -> list[str]:
    """The words after `galaxynet` that train a plan; options at their defaults are left out."""
    words = ["train", plan.model.name]
    if plan.dataset.name != plan.model_spec.dataset:
        words += ["--dataset", plan.dataset.name]
    words += _flags(plan.model_options, {})
    words += _flags(plan.dataset_options, {})
    words += _flags(plan.training, dict(plan.model_spec.training))
    return words


def _flags(options: Options, defaults: dict[str, Any]) -> Iterator[str]:
    for option in type(options).fields():
        value = getattr(options, option.name)
        if value == defaults.get(option.name, option.default) or value is None:
            continue
        if option.type is bool:
            yield option.flags[0] if value else option.flags[1]
        else:
            yield from (option.flag, show(value))
