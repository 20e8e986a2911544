"""Training what a programme lacks, and judging the claims by the runs that there are then."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from galaxynet.errors import RunError
from galaxynet.reproduction.budget import Decisions, Share
from galaxynet.reproduction.evidence import done_level, gather
from galaxynet.reproduction.experiment import Network, Test, results
from galaxynet.reproduction.judging import Outcome, outcome
from galaxynet.reproduction.programme import Programme, sweep_plan
from galaxynet.sweeps.board import Board
from galaxynet.sweeps.estimate import Estimate
from galaxynet.sweeps.record import Sweep
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
        failed = _failures(programme, share, failures or {}, done)
        for test in share.experiment.tests:
            known = test.known
            left_out = any(one in share.left_out for one in test.networks)
            evidence = gather(test, done_level(test, done) if left_out else share.level, done)
            found[known.parties.model.qualified, known.claim.name] = outcome(
                known,
                evidence,
                call.given,
                absent=_why_not(programme, share, test),
                fetch=share.experiment in programme.absent,
                failures=list(dict.fromkeys(failed[one] for one in test.networks if one in failed)),
            )
    return [found[one.parties.model.qualified, one.claim.name] for one in call.chosen]


def _why_not(programme: Programme, share: Share, test: Test) -> str:
    told = programme.unfit.get(share.experiment, "")
    if told or not any(one in share.left_out for one in test.networks):
        return told
    return "Nothing was to be trained." if programme.call.budget == 0 else "There was no time for it."


def _failures(
    programme: Programme, share: Share, now: Mapping[str, str], done: Collection[str]
) -> dict[Network, str]:
    """Why a training of a network failed: now, or in an earlier call for one that nothing was trained of."""
    found = {one.network: now[one.key] for one in reversed(share.missing) if one.key in now}
    try:
        trials = Sweep.open(programme.call.runs_dir, share.experiment.name).record.trials
    except RunError:
        return found  # nothing was trained as yet, or the record is damaged: runs are judged without it
    before = {one.key: one.message for one in trials if one.status == "failed" and one.key not in done}
    levels = [share.level, *Decisions(programme.call.runs_dir, ()).levels(share.experiment)] if before else []
    for network in share.left_out:
        plans = (
            network.plan(seed, epochs)
            for epochs in (None, *(level.epochs(network.epochs) for level in levels))
            for seed in range(network.seeds)
        )
        failed = next((key for key, _ in plans if key in before), None)
        if failed is not None:
            found[network] = before[failed]
    return found
