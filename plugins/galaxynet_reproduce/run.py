"""Train what a plan lacks, and judge the claims by the runs that exist then."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from galaxynet.errors import RunError
from galaxynet.sweeps.board import Board
from galaxynet.sweeps.record import Sweep
from galaxynet.sweeps.run import run
from galaxynet_reproduce.evidence import gather, longest_epochs
from galaxynet_reproduce.experiments import Experiment, Network, results
from galaxynet_reproduce.judging import Outcome, outcome
from galaxynet_reproduce.plan import ReproductionPlan


def train(plan: ReproductionPlan, command: Sequence[str] = ()) -> int:
    """Do the missing trainings.

    Args:
        plan: The plan.
        command: The words of the call, for the record.

    Returns:
        How many trainings failed.

    Raises:
        RunError: If another process does the same, or runs cannot be kept.
        KeyboardInterrupt: If it was interrupted; the same call continues.
    """
    failed = 0
    for experiment, sweep_plan in plan.sweeps.items():
        with Board(sweep_plan, plan.estimates[experiment]) as board:
            # A training that failed before is tried again: that is what the call is for.
            sweep = run(sweep_plan, board, command=command, retry=True)
        failed += sum(t.status == "failed" for t in sweep.record.trials if t.key in sweep_plan.orders)
    return failed


def judge_all(plan: ReproductionPlan) -> list[Outcome]:
    """The verdicts by the runs that exist now, in the order in which the claims were selected."""
    request, done = plan.request, results(plan.request.runs_dir)
    outcomes: dict[tuple[str, str], Outcome] = {}
    for experiment in plan.experiments:
        failures = _failures(plan, experiment, done)
        for test in experiment.tests:
            epochs = request.extent.epochs
            if epochs is None and experiment not in plan.sweeps:
                epochs = longest_epochs(test, done)
            checked = test.checked
            outcomes[checked.components.model.qualified, checked.claim.name] = outcome(
                checked,
                gather(test, epochs, done),
                request.given,
                reason=plan.reasons.get(experiment, ""),
                fetch=experiment in plan.without_data,
                failures=list(dict.fromkeys(failures[n] for n in test.networks if n in failures)),
            )
    return [outcomes[checked.components.model.qualified, checked.claim.name] for checked in request.selected]


def _failures(plan: ReproductionPlan, experiment: Experiment, done: Collection[str]) -> dict[Network, str]:
    """Why a training of a network failed, now or in an earlier call, where no run replaced it."""
    try:
        trials = Sweep.open(plan.request.runs_dir, experiment.name).record.trials
    except RunError:
        return {}  # nothing was trained yet, or the record is damaged: runs are judged without it
    messages = {t.key: t.message for t in trials if t.status == "failed" and t.key not in done}
    failures: dict[Network, str] = {}
    for network in experiment.networks:
        for epochs in (None, plan.request.extent.epochs):
            for seed in range(network.seeds):
                message = messages.get(network.training(seed, epochs).key)
                if message is not None:
                    failures.setdefault(network, message)
    return failures
