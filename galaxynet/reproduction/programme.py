"""What a call comes to: which trainings are missing, how long they take, and what fits into the budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from galaxynet import terminal
from galaxynet.errors import GalaxynetError, UsageError
from galaxynet.reproduction.budget import Costs, Decisions, Share, allot, full, nothing
from galaxynet.reproduction.catalogue import Known
from galaxynet.reproduction.experiment import Experiment, Training, as_trials, experiments, results
from galaxynet.runs import Run
from galaxynet.sweeps.axes import Axis
from galaxynet.sweeps.estimate import estimate, kind_of
from galaxynet.sweeps.orders import order
from galaxynet.sweeps.record import LOGS, folder_of
from galaxynet.sweeps.run import SweepPlan, make_plan

_UNTIMED = "How long it takes could not be found out, so no budget holds it. Train it with: --budget full"


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
        experiments: Everything that was asked for, in the order of the claims.
        shares: What each experiment does.
        unfit: Why experiments that need training cannot be trained.
        absent: Those of them whose data are not on this machine.
        lacking: How many trainings of the full test there are no runs of.
        costs: What trainings cost; of the experiments that have any left.
        sources: Where that is known from.
        decisions: Keeps what is done for the budget; None where there is none.
        decided: What was decided now, and is to be kept.
    """

    call: Call
    experiments: Sequence[Experiment]
    shares: dict[Experiment, Share] = field(default_factory=dict)
    unfit: dict[Experiment, str] = field(default_factory=dict)
    absent: list[Experiment] = field(default_factory=list)
    lacking: dict[Experiment, int] = field(default_factory=dict)
    costs: dict[Experiment, Costs] = field(default_factory=dict)
    sources: dict[Experiment, str] = field(default_factory=dict)
    decisions: Decisions | None = None
    decided: list[Share] = field(default_factory=list)

    def seconds(self, share: Share) -> float | None:
        """How long an experiment takes; None if that is not known."""
        if not share.missing:
            return 0.0
        costs = self.costs.get(share.experiment)
        if costs is None or any(costs.full.get(one.network) is None for one in share.missing):
            return None
        return costs.together(share.missing)

    @property
    def total(self) -> float | None:
        """How long all takes; None if it is not known of one."""
        known = [self.seconds(share) for share in self.shares.values()]
        return None if None in known else sum(one or 0.0 for one in known)


def missing_files(chosen: Sequence[Known], given: Mapping[str, str], data_dir: Path) -> list[str]:
    """The datasets of which files are not on this machine.

    Args:
        chosen: The claims.
        given: Options of the datasets; a folder of one's own stands for the files.
        data_dir: The folder of the datasets.
    """
    found = []
    for spec in {one.parties.dataset.name: one.parties.dataset_spec for one in chosen}.values():
        fields = {one.name for one in spec.options.fields()}
        own = any(Path(text).expanduser().is_dir() for name, text in given.items() if name in fields)
        needed = [file.name for file in spec.files if not file.group and not file.optional]
        if not own and not all((data_dir / spec.name / name).exists() for name in needed):
            found.append(spec.name)
    return found


def prepare(call: Call) -> Programme:
    """Plan what is to be trained, timing a few steps of networks of which no run tells how long they take.

    Raises:
        UsageError: If an option of `call.given` does not exist, or names a file that does not.
        OptionError: If its value does not fit.
        GalaxynetError: If nothing of what is missing can be trained.
    """
    made = experiments(call.chosen, call.given)
    done = results(call.runs_dir)
    programme = Programme(call, made)
    absent = missing_files(call.chosen, call.given, call.data_dir)
    recalled: dict[Experiment, Share] = {}
    if call.budget:
        names = [(one.parties.model.qualified, one.claim.name) for one in call.chosen]
        decisions = Decisions(call.runs_dir, (call.budget, names, sorted(call.given.items())))
        recalled = {one: share for one in made if (share := decisions.recall(one, done)) is not None}
        programme.decisions = decisions
    faults: list[GalaxynetError] = []
    for one in made:
        whole = Share.of(one, full(one), done).missing
        programme.lacking[one] = len(whole)
        left = recalled[one].missing if one in recalled else whole
        if not left:
            continue
        if call.budget != 0 or len(whole) == one.trainings:  # runs are judged without the files as well
            _check_files(one, call.given)
        if one.parties.dataset.name in absent:
            programme.absent.append(one)
            programme.unfit[one] = f"Data are missing: {one.parties.dataset.name} is not on this machine."
            continue
        if call.budget == 0:
            continue
        try:
            _time(programme, one, left)
        except GalaxynetError as error:
            faults.append(error)
            programme.unfit[one] = f"It cannot be trained: {error}"
            continue
        if call.budget and one not in recalled and None in programme.costs[one].full.values():
            programme.unfit[one] = _UNTIMED
    if faults and not programme.costs:
        raise faults[0]
    _share_out(programme, recalled, done)
    return programme


def sweep_plan(call: Call, experiment: Experiment, trainings: Sequence[Training]) -> SweepPlan:
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


def _share_out(programme: Programme, recalled: Mapping[Experiment, Share], done: Mapping[str, Run]) -> None:
    budget, unfit = programme.call.budget, programme.unfit
    fit = [one for one in programme.experiments if one not in unfit and budget != 0]
    if budget is None:
        found = {one: Share.of(one, full(one), done) for one in fit}
    else:
        # What was decided stays; what is new (its data have come since, say) has the time that this leaves.
        costs = {one: programme.costs.get(one, Costs({}, 1)) for one in fit}
        found = {one: recalled[one] for one in fit if one in recalled}
        left = budget - sum(costs[one].together(share.missing) for one, share in found.items())
        new = [one for one in fit if one not in recalled]
        programme.decided = allot(new, max(0.0, left), costs, done)
        found |= {share.experiment: share for share in programme.decided}
    programme.shares = {
        one: found[one] if one in found else nothing(one, done) for one in programme.experiments
    }


def _check_files(experiment: Experiment, given: Mapping[str, str]) -> None:
    """See that the files are there that options of the dataset name; a dataset makes their paths absolute."""
    values = experiment.networks[0].plan(0, None)[1].dataset_options.to_dict()
    for name, text in given.items():
        value = values.get(name)
        if isinstance(value, str | Path) and Path(value).is_absolute() and not Path(value).exists():
            flag = name.replace("_", "-")
            raise UsageError(f"--set {flag}={text}: there is no such file.", "Look at how it is spelt.")


def _time(programme: Programme, experiment: Experiment, missing: Sequence[Training]) -> None:
    """Estimate full trainings of the networks of which some are missing."""
    call = programme.call
    networks = list(dict.fromkeys(one.network for one in missing))
    whole = [Training(network, *network.plan(0, None)) for network in networks]
    plan = sweep_plan(call, experiment, whole)
    trials, orders = plan.trials, [plan.orders[trial.key] for trial in plan.trials]
    kinds = len({kind_of(one.options) for one in orders})
    what = f"timing a few steps of {experiment.parties.model.name}"
    with terminal.progress(what, kinds, "networks") as advance:
        found = estimate(trials, orders, call.runs_dir, plan.threads, advance)
    seconds = {one.network: found.seconds.get(one.key) for one in whole}
    programme.costs[experiment] = Costs(seconds, plan.parallel)
    programme.sources[experiment] = found.source
