"""Which trainings a test needs, and which of them are missing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from made_runs import made_record

from galaxynet.errors import UsageError
from galaxynet.runs import Run
from galaxynet_reproduce.catalogue import catalogue
from galaxynet_reproduce.experiments import FULL, Experiment, Extent, as_sweep, experiments

NONE: Mapping[str, Run] = {}


def planned(*words: str) -> list[Experiment]:
    return experiments(catalogue().select(words), {})


@pytest.mark.parametrize(
    ("extent", "trainings", "epochs"),
    [
        (FULL, 36, 12),
        (Extent(seeds=1), 12, 12),
        (Extent(1, 3), 12, 3),
        (Extent(0), 0, 0),
        (Extent(9, 99), 36, 12),
    ],
)
def test_seeds_and_epochs_cut_all_arms_alike(extent: Extent, trainings: int, epochs: int) -> None:
    """`--seeds` and `--epochs` limit every network of a claim; beyond the full test they do nothing."""
    (galaxy,) = planned("galaxy")
    missing = galaxy.missing(extent, NONE)
    assert len(missing) == trainings
    assert {training.plan.training.epochs for training in missing} == ({epochs} if epochs else set())


def test_claims_share_their_trainings() -> None:
    """The seven claims about galaxies need the twelve networks once."""
    (galaxy,) = planned("galaxy")
    assert len(galaxy.tests) == 7
    assert len(galaxy.networks) == 12
    assert galaxy.n_trainings == 36


def test_the_cost_of_a_claim_counts_every_configuration() -> None:
    """The list shows trainings and epochs of all networks of a grid with all seeds."""
    grid = max(catalogue().select(["galaxy"]), key=lambda checked: checked.trainings)
    assert (grid.trainings, grid.epochs) == (36, 36 * 12)


def test_a_sweep_shows_what_differs() -> None:
    """The trials of a test have the options in which they differ, which tell all of them apart."""
    (galaxy,) = planned("galaxy")
    trials = as_sweep([*galaxy.missing(FULL, NONE), *galaxy.missing(Extent(seeds=1), NONE)])
    assert len({repr(trial.values) for trial in trials}) == len(trials) == 36
    assert {name for trial in trials for name in trial.values} == {"act", "extra_convs", "seed"}


def test_a_run_of_the_full_test_counts_for_a_part() -> None:
    """A finished run of the full test takes the place of its training, of a shorter one too."""
    (mnist,) = planned("mnist")
    first = mnist.networks[0]
    done = {first.training(0).key: Run(Path("nowhere"), made_record())}
    assert len(first.missing(FULL, done)) == 2
    assert first.missing(Extent(seeds=1, epochs=2), done) == []


def test_an_interrupt_leaves_a_seed_of_everything() -> None:
    """Trainings are ordered seed by seed, so that a stopped test has one seed of every network."""
    (galaxy,) = planned("galaxy")
    seeds = [training.plan.training.seed for training in galaxy.missing(FULL, NONE)]
    assert seeds == [0] * 12 + [1] * 12 + [2] * 12


@pytest.mark.parametrize(("seeds", "epochs"), [(-1, None), (None, 0)])
def test_a_part_that_makes_no_sense_is_refused(seeds: int | None, epochs: int | None) -> None:
    """From Python, too, a negative number of seeds or no epoch is an error with the way out."""
    with pytest.raises(UsageError, match=r"must be at least [01]"):
        Extent(seeds, epochs)
