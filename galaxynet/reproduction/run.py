"""Training what a programme lacks, and judging the claims by the runs that there are then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from galaxynet.reproduction.budget import Share
from galaxynet.reproduction.evidence import gather
from galaxynet.reproduction.experiment import Test, results
from galaxynet.reproduction.judging import Outcome, outcome
from galaxynet.reproduction.programme import Programme, sweep_plan
from galaxynet.sweeps.board import Board
from galaxynet.sweeps.estimate import Estimate
from galaxynet.sweeps.run import run


def train(programme: Programme, command: Sequence[str] = ()) -> dict[str, str]:
    """Do what is missing.

    Args:
        programme: The plan.
        command: The words of the call, for the record.

    Returns:
        Why trainings failed, by key.

    Raises:
        RunError: If another process does the same, or runs cannot be kept.
        KeyboardInterrupt: If it was interrupted; the same call goes on with it.
    """
    failures: dict[str, str] = {}
    todo = [share for share in programme.shares.values() if share.missing]
    if programme.decisions is not None:
        for share in programme.decided:  # also what has no time: the same call does not give it any later
            programme.decisions.keep(share)
    for share in todo:
        costs = programme.costs[share.experiment]
        seconds = {
            one.key: None if costs.full.get(one.network) is None else costs.of(one) for one in share.missing
        }
        plan = sweep_plan(programme.call, share.experiment, share.missing)
        with Board(plan, Estimate(seconds, programme.sources[share.experiment])) as board:
            # A training that failed before is tried again: that is what the call is for.
            sweep = run(plan, board, command=command, retry=True)
        failures |= {
            trial.key: trial.message
            for trial in sweep.record.trials
            if trial.key in plan.orders and trial.status == "failed"
        }
    return failures


def judge_all(programme: Programme, failures: Mapping[str, str] | None = None) -> list[Outcome]:
    """The verdicts by the runs that there are now, in the order in which the claims were chosen.

    Args:
        programme: What was planned.
        failures: Why trainings failed, by key.
    """
    call, done = programme.call, results(programme.call.runs_dir)
    found: dict[tuple[str, str], Outcome] = {}
    for share in programme.shares.values():
        for test in share.experiment.tests:
            known = test.known
            found[known.parties.model.qualified, known.claim.name] = outcome(
                known,
                gather(test, share.level, done),
                call.given,
                absent=_why_not(programme, share, test),
                fetch=share.experiment in programme.absent,
                failures=_failed(test, share, failures or {}),
            )
    return [found[one.parties.model.qualified, one.claim.name] for one in call.chosen]


def _why_not(programme: Programme, share: Share, test: Test) -> str:
    told = programme.unfit.get(share.experiment, "")
    if told or not any(one in share.left_out for one in test.networks):
        return told
    return "Nothing was to be trained." if programme.call.budget == 0 else "There was no time for it."


def _failed(test: Test, share: Share, failures: Mapping[str, str]) -> list[str]:
    networks = test.networks
    told = [failures[one.key] for one in share.missing if one.network in networks and one.key in failures]
    return [f"A training failed: {message}" for message in dict.fromkeys(told)]
