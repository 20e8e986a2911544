"""A trial in plain types, which can be sent to any process on any machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from galaxynet.options import format_value
from galaxynet.plugin import Options
from galaxynet.sweeps.trials import Trial
from galaxynet.training.config import Plan


@dataclass(frozen=True)
class TrialJob:
    """A trial to train.

    Attributes:
        key: The trial's key.
        model: `distribution:name` of the network's plugin.
        dataset: `distribution:name` of the dataset's plugin.
        options: Every option, as JSON types.
        sweep: The name of the sweep.
        runs_dir: The folder of the runs, absolute; several machines must share it.
        data_dir: The folder of the datasets, absolute.
        log: The file for what the trial prints.
        command: The command that trains the same network outside a sweep.
        modules: The modules of network and dataset, which can be imported in advance.
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

    @classmethod
    def of(cls, trial: Trial, runs_dir: Path, data_dir: Path, log: Path) -> TrialJob:
        """The job of a trial."""
        plan = trial.plan
        return cls(
            key=trial.key,
            model=plan.model.qualified,
            dataset=plan.dataset.qualified,
            options=plan.options(),
            sweep=plan.sweep,
            runs_dir=str(runs_dir.absolute()),
            data_dir=str(data_dir.absolute()),
            log=str(log.absolute()),
            command=("galaxynet", *train_arguments(plan)),
            modules=tuple(spec.module.partition(":")[0] for spec in (plan.model_spec, plan.dataset_spec)),
        )


def train_arguments(plan: Plan) -> list[str]:
    """The arguments of `galaxynet` that train a plan; options at their defaults are left out."""
    arguments = ["train", plan.model.name]
    if plan.dataset.name != plan.model_spec.dataset:
        arguments += ["--dataset", plan.dataset.name]
    arguments += _flags(plan.model_options, {})
    arguments += _flags(plan.dataset_options, {})
    arguments += _flags(plan.training, dict(plan.model_spec.training))
    return arguments


def _flags(options: Options, defaults: dict[str, Any]) -> Iterator[str]:
    for option in type(options).fields():
        value = getattr(options, option.name)
        if value == defaults.get(option.name, option.default) or value is None:
            continue
        if option.type is bool:
            yield option.flags[0] if value else option.flags[1]
        elif option.is_list:
            for element in value or ("",):
                yield from (option.flag, element)
        else:
            yield from (option.flag, format_value(value))
