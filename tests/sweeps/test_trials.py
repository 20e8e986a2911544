"""From the options of a sweep to its trials."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxynet.errors import OptionError, UsageError
from galaxynet.sweeps.dimensions import Dimension
from galaxynet.sweeps.job import train_arguments
from galaxynet.sweeps.sweep_plan import SweepPlan, plan_sweep
from galaxynet.sweeps.trials import plan_trials
from galaxynet.training.config import Components

ACT = Dimension("act", ("relu", "tanh", "sigmoid", "exponential"))
CONVS = Dimension("extra_convs", (0, 1, 3))
RATE = Dimension("lr", (), 1e-4, 1e-2, True)


def plan(*dimensions: Dimension, **settings: Any) -> SweepPlan:
    folders = {"runs_dir": Path("runs"), "data_dir": Path("data")}
    return plan_sweep(Components.load("galaxy_alexnet"), dimensions, **folders, **settings)


def test_a_grid_has_every_combination_with_every_seed() -> None:
    """Four activations, three depths and three seeds are 36 trials, no two alike."""
    trials = plan(ACT, CONVS, Dimension("epochs", (12,)), seeds=3).trials
    assert len({trial.key for trial in trials}) == 36
    assert {tuple(trial.values.values()) for trial in trials} == {
        (act, convs, seed) for act in ACT.values for convs in CONVS.values for seed in (0, 1, 2)
    }
    assert {trial.plan.training.epochs for trial in trials} == {12}


def test_seeds_count_from_the_seed_that_is_given() -> None:
    """`--seed 5 --seeds 2` are the seeds 5 and 6; a list of seeds beside `--seeds` is refused."""
    assert [trial.plan.training.seed for trial in plan(Dimension("seed", (5,)), seeds=2).trials] == [5, 6]
    with pytest.raises(UsageError, match="--seeds counts seeds, and --seed lists them"):
        plan(Dimension("seed", (1, 2)), seeds=2)


@given(st.integers(1, 40), st.integers(0, 10))
def test_drawn_configurations_are_as_many_as_asked_for(n_samples: int, seed: int) -> None:
    """`--random N` draws N different configurations, each with all seeds; the same seed draws the same."""
    drawn = plan(ACT, RATE, seeds=2, n_samples=n_samples, sample_seed=seed)
    assert len({trial.key for trial in drawn.trials}) == 2 * n_samples
    assert len({(trial.values["act"], trial.values["lr"]) for trial in drawn.trials}) == n_samples
    again = plan(ACT, RATE, seeds=2, n_samples=n_samples, sample_seed=seed)
    assert [trial.key for trial in drawn.trials] == [trial.key for trial in again.trials]
    assert drawn.name == again.name


def test_a_draw_from_a_grid_has_no_doubles() -> None:
    """Of a finite grid, `--random N` gives N different ones, and more than there are is refused."""
    assert len({trial.key for trial in plan(ACT, CONVS, n_samples=12).trials}) == 12
    with pytest.raises(UsageError, match="only 12 configurations"):
        plan(ACT, CONVS, n_samples=13)
    with pytest.raises(UsageError, match="no option has one"):
        plan(n_samples=2)


def test_whole_numbers_are_drawn_evenly() -> None:
    """The ends of an integer range are drawn with the same probability as the others."""
    rng, dimension = random.Random(1), Dimension("batch_size", (), 1, 5, integer=True)
    drawn = [dimension.sample(rng) for _ in range(5000)]
    assert all(850 < drawn.count(value) < 1150 for value in range(1, 6))


def test_too_many_samples_are_refused() -> None:
    """A range of two whole numbers has no five configurations, and no seed is ever drawn."""
    few = Dimension("batch_size", (), 4, 5, integer=True)
    with pytest.raises(UsageError, match="hardly more than 2"):
        plan(few, n_samples=5)


def test_more_than_a_thousand_trials_need_yes() -> None:
    """A slip of the keyboard does not start a thousand trainings; `--yes` does."""
    seeds = Dimension("seed", tuple(range(1001)))
    with pytest.raises(UsageError, match=r"1,001 trials\. Add --yes"):
        plan(seeds)
    assert len(plan(seeds, yes=True).trials) == 1001
    with pytest.raises(UsageError, match="4,000,000 trials"):  # without making them all
        plan_trials(Components.load("galaxy_alexnet"), [ACT, Dimension("seed", tuple(range(1_000_000)))])


def test_a_value_out_of_range_is_refused_before_anything_runs() -> None:
    """A value that the option refuses ends the call, in the option's own words."""
    with pytest.raises(OptionError, match="--lr -1"):
        plan(Dimension("lr", (0.1, -1.0)))


def test_the_same_call_has_the_same_name() -> None:
    """A sweep without a name is found again by the same options in any order, and by no others."""
    assert plan(ACT, CONVS).name == plan(CONVS, ACT).name
    assert plan(ACT, CONVS).name != plan(ACT).name
    assert plan(ACT, CONVS, seeds=2).name != plan(ACT, CONVS).name


@pytest.mark.parametrize("trial", plan(ACT, CONVS, Dimension("augment", (True, False)), seeds=2).trials[::7])
def test_a_trial_is_a_command(trial: Any) -> None:
    """The command of a trial, typed by hand, trains the same plan."""
    from galaxynet.cli.train import Train

    words = train_arguments(trial.plan)
    assert words[:2] == ["train", "galaxy_alexnet"]
    given: dict[str, Any] = {}
    command = Train(name="train").build(words[1], words[2:])
    context = command.make_context("galaxy_alexnet", words[2:])
    for option in command.params:
        source = context.get_parameter_source(option.name)
        if source is not None and source.name == "COMMANDLINE":
            given[option.name] = context.params[option.name]
    given["extra_convs"] = int(given.get("extra_convs", 0))
    again = Components.load("galaxy_alexnet").plan(given, sweep=trial.plan.sweep)
    assert again == trial.plan
