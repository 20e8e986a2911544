"""From the words of a call to verdicts: what is missing is timed and trained, what is there is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from galaxynet import terminal
from galaxynet.reproduce.budget import Costs, Decisions, Share, allot, full, nothing
from galaxynet.reproduce.catalogue import Known
from galaxynet.reproduce.evidence import gather
from galaxynet.reproduce.experiment import Experiment, Test, Training, as_trials, experiments, results
from galaxynet.reproduce.judging import Outcome, outcome
from galaxynet.runs import Run
from galaxynet.sweep.axes import Axis
from galaxynet.sweep.board import Board
from galaxynet.sweep.estimate import Estimate, estimate, kind_of
from galaxynet.sweep.orders import order
from galaxynet.sweep.record import LOGS, folder_of
from galaxynet.sweep.run import SweepPlan, make_plan
from galaxynet.sweep.run import run as run_sweep


@dataclass(frozen=True)
class Call:
    """What is asked for.

    Attributes:
        chosen: The claims.
        given: Options of the datasets by name, as they are typed.
        budget: Seconds; None for the full test, 0 to train nothing.
        parallel: How many trainings run at once; None for one on each GPU, or one at a time on a CPU.
        runs_dir: The folder of the runs.
        data_dir: The folder of the datasets.
    """

    chosen: Sequence[Known]
    given: Mapping[str, str]
    budget: float | None
    parallel: int | None
    runs_dir: Path
    data_dir: Path


@dataclass
class Programme:
    """What is going to be trained.

    Attributes:
        call: What was asked for.
        shares: What each experiment does, in the order of the claims.
        absent: How to get the datasets that are not on this machine, by name.
        costs: What trainings cost; of the experiments that have any left.
        sources: Where that is known from, by experiment.
        decisions: Keeps what is done for the budget; None where nothing was decided now.
    """

    call: Call
    shares: list[Share]
    absent: Mapping[str, str]
    costs: dict[Experiment, Costs] = field(default_factory=dict)
    sources: dict[Experiment, str] = field(default_factory=dict)
    decisions: Decisions | None = None

    @property
    def trainings(self) -> int:
        """How many trainings are left."""
        return sum(len(share.missing) for share in self.shares)

    def seconds(self, share: Share) -> float | None:
        """How long an experiment takes; None if that is not known."""
        if not share.missing:
            return 0.0
        costs = self.costs.get(share.experiment)
        if costs is None or any(costs.full.get(one.network) is None for one in share.missing):
            return None
        return costs.together(share.missing)

    def extent(self, share: Share) -> str:
        """How much of the full test an experiment does: `1 of 3 seeds, 3 of 12 epochs`."""
        most, level = full(share.experiment).seeds, share.level
        words = f"{level.seeds} of {most} seeds" if level.seeds < most else f"{most} seed{'s' * (most > 1)}"
        if level.share == 1:
            return words
        longest = max(one.epochs for one in share.experiment.networks)
        return f"{words}, {level.epochs(longest)} of {longest} epochs"

    @property
    def total(self) -> float | None:
        """How long all takes; None if it is not known of one."""
        known = [self.seconds(share) for share in self.shares]
        return None if None in known else sum(one or 0.0 for one in known)


def absent_datasets(call: Call) -> dict[str, str]:
    """How to get the datasets of which files are not on this machine, by name."""
    absent = {}
    for spec in {one.parties.dataset.name: one.parties.dataset_spec for one in call.chosen}.values():
        fields = {one.name for one in spec.options.fields()}
        if any(Path(text).expanduser().is_dir() for name, text in call.given.items() if name in fields):
            continue  # a folder of one's own stands for the files
        needed = [file.name for file in spec.files if not file.group and not file.optional]
        if not all((call.data_dir / spec.name / name).exists() for name in needed):
            absent[spec.name] = (
                f"Data are missing: {spec.name} is not on this machine. "
                f"Fetch it with: galaxynet fetch {spec.name}"
            )
    return absent


def prepare(call: Call) -> Programme:
    """Plan what is to be trained, timing a few steps of networks of which no run tells how long they take.

    Raises:
        UsageError: If an option of `call.given` does not exist.
        OptionError: If its value does not fit.
    """
    made = experiments(call.chosen, call.given)
    done = results(call.runs_dir)
    absent = absent_datasets(call)
    for one in made:  # where all was trained before, nobody needs the data
        if not Share.of(one, full(one), done).missing:
            absent.pop(one.parties.dataset.name, None)
    here = [one for one in made if one.parties.dataset.name not in absent and call.budget != 0]
    programme = Programme(call, [], absent)
    shares = {one: nothing(one, done) for one in made if one not in here}
    if call.budget is None:
        shares |= {one: Share.of(one, full(one), done) for one in here}
    else:
        shares |= _within(call, call.budget, here, done, programme)
    programme.shares = [shares[one] for one in made]
    for share in programme.shares:
        if share.missing and share.experiment not in programme.costs:
            _time(programme, share.experiment, share.missing)
    return programme


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
    if programme.decisions is not None:
        for share in programme.shares:
            if share.experiment.parties.dataset.name not in programme.absent:
                programme.decisions.keep(share)
    for share in programme.shares:
        if not share.missing:
            continue
        costs = programme.costs[share.experiment]
        seconds = {
            one.key: None if costs.full.get(one.network) is None else costs.of(one) for one in share.missing
        }
        known = Estimate(seconds, programme.sources[share.experiment])
        plan = _sweep_plan(programme.call, share.experiment, share.missing)
        with Board(plan, known) as board:
            sweep = run_sweep(plan, board, command=command, retry=True)
        mine = {one.key for one in share.missing}
        failures |= {
            trial.key: trial.message
            for trial in sweep.record.trials
            if trial.key in mine and trial.status == "failed"
        }
    return failures


def judge_all(programme: Programme, failures: Mapping[str, str] | None = None) -> list[Outcome]:
    """The verdicts by the runs that there are now, in the order of the claims."""
    call, done = programme.call, results(programme.call.runs_dir)
    found: dict[tuple[str, str], Outcome] = {}
    for share in programme.shares:
        for test in share.experiment.tests:
            evidence = gather(test, share.level, done)
            told = _why_not(programme, share, test)
            failed = _failed(test, share, failures or {})
            known = test.known
            place = (known.parties.model.qualified, known.claim.name)
            found[place] = outcome(known, evidence, call.given, told, failed)
    return [found[one.parties.model.qualified, one.claim.name] for one in call.chosen]


def _within(
    call: Call, budget: float, here: Sequence[Experiment], done: Mapping[str, Run], programme: Programme
) -> dict[Experiment, Share]:
    names = [(one.parties.model.qualified, one.claim.name) for one in call.chosen]
    decisions = Decisions(call.runs_dir, (budget, names, sorted(call.given.items())))
    recalled = {one: share for one in here if (share := decisions.recall(one, done)) is not None}
    if len(recalled) == len(here):
        return recalled
    for one in here:
        missing = Share.of(one, full(one), done).missing
        if missing:
            _time(programme, one, missing)
    costs = {one: programme.costs.get(one, Costs({}, 1)) for one in here}
    shares = allot(here, budget, costs, done)
    programme.decisions = decisions
    return {share.experiment: share for share in shares}


def _time(programme: Programme, experiment: Experiment, missing: Sequence[Training]) -> None:
    """Estimate full trainings of the networks of which some are missing."""
    call = programme.call
    networks = list(dict.fromkeys(one.network for one in missing))
    whole = [Training(network, *network.plan(0, None)) for network in networks]
    plan = _sweep_plan(call, experiment, whole)
    trials, orders = plan.trials, [plan.orders[trial.key] for trial in plan.trials]
    kinds = len({kind_of(one.options) for one in orders})
    with terminal.progress(
        f"timing a few steps of {experiment.parties.model.name}", kinds, "networks"
    ) as advance:
        found = estimate(trials, orders, call.runs_dir, plan.threads, advance)
    seconds = {one.network: found.seconds.get(one.key) for one in whole}
    programme.costs[experiment] = Costs(seconds, plan.parallel)
    programme.sources[experiment] = found.source


def _sweep_plan(call: Call, experiment: Experiment, trainings: Sequence[Training]) -> SweepPlan:
    """The sweep of some trainings; GPUs and trials at once as in any other sweep."""
    base = make_plan(
        experiment.parties,
        [],
        runs_dir=call.runs_dir,
        data_dir=call.data_dir,
        name=experiment.name,
        parallel=call.parallel,
    )
    trials = as_trials(trainings)
    logs = folder_of(call.runs_dir, experiment.name) / LOGS
    orders = {one.key: order(one, call.runs_dir, call.data_dir, logs / f"{one.key}.log") for one in trials}
    axes = [
        Axis(name, tuple(dict.fromkeys(trial.values[name] for trial in trials))) for name in trials[0].values
    ]
    return replace(base, axes=tuple(axes), trials=tuple(trials), orders=orders)


def _why_not(programme: Programme, share: Share, test: Test) -> str:
    told = programme.absent.get(share.experiment.parties.dataset.name, "")
    if told or not any(one in share.left_out for one in test.networks):
        return told
    if programme.call.budget == 0:
        return "Nothing was to be trained."
    return "There is no time for it within the budget."


def _failed(test: Test, share: Share, failures: Mapping[str, str]) -> list[str]:
    networks = test.networks
    told = [failures[one.key] for one in share.missing if one.network in networks and one.key in failures]
    return [f"A training failed: {message}" for message in dict.fromkeys(told)]
