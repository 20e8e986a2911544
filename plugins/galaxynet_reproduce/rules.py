"""How each rule is judged by the existing runs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any, Literal

from galaxynet.evaluation.intervals import student
from galaxynet.phrases import count
from galaxynet.report.wording import UNDEFINED, metric_name, percentage_metric
from galaxynet_reproduce.catalogue import matches
from galaxynet_reproduce.claims import Diverges, Exceeds, ExceedsMajority, Near, Reaches, Slower, Wins
from galaxynet_reproduce.differences import Difference, difference, pairs
from galaxynet_reproduce.evidence import MIN_SEEDS, Evidence, Interval, Trained
from galaxynet_reproduce.shown_figures import figure, measured, points, ranged

Verdict = Literal["holds", "does not hold", "undecided", "training failed", "not run"]
HOLDS: Verdict = "holds"
FAILS: Verdict = "does not hold"
UNDECIDED: Verdict = "undecided"
FAILED: Verdict = "training failed"
NOT_RUN: Verdict = "not run"


@dataclass(frozen=True)
class Judgement:
    """A verdict and its reason.

    Attributes:
        verdict: The verdict.
        reason: Why, in a sentence or two.
        ours: Our figure with its interval, as text.
        estimate: Our figure: a metric, a difference, a ratio, or a share of trainings.
        interval: Its 95 % interval, or None.
        lasting: True if longer training, or more data, could not change the verdict.
        proven: True if the verdict holds whatever is trained.
    """

    verdict: Verdict
    reason: str = ""
    ours: str = ""
    estimate: float | None = None
    interval: Interval | None = None
    lasting: bool = False
    proven: bool = False

    @property
    def low(self) -> float | None:
        """Lower end of the interval."""
        return self.interval and self.interval[0]

    @property
    def high(self) -> float | None:
        """Upper end of the interval."""
        return self.interval and self.interval[1]


@singledispatch
def judge_rule(rule: Any, evidence: Evidence) -> Judgement:
    """The verdict of a rule alone, as if nothing had been cut."""
    raise TypeError(f"{evidence.claim.name}: a {type(rule).__name__} is not a rule")


@judge_rule.register
def _(rule: Reaches, evidence: Evidence) -> Judgement:
    best = _best(evidence.arms[rule.arm], rule.metric, rule.higher_is_better)
    if best is None:
        return _no_metric(evidence.arms[rule.arm], rule.metric)
    mean, interval = best.mean(rule.metric), best.interval(rule.metric)
    shown = measured(rule.metric, mean, interval)
    of = len(evidence.arms[rule.arm])
    which = f" of the best of {of} ({best.label})" if of > 1 else ""
    sign = 1 if rule.higher_is_better else -1
    if rule.bound is not None and sign * (rule.value - rule.bound) > 0:
        reason = f"No network of this kind passes {figure(rule.metric, rule.bound)}, whatever is trained."
        return Judgement(FAILS, reason, shown, mean, interval, proven=True)
    if interval is None:
        return Judgement(UNDECIDED, _too_few(rule.metric), shown, mean)
    worst, top = interval if sign > 0 else (interval[1], interval[0])
    if sign * (rule.value - top) > 0:
        reason = f"The published figure lies beyond our interval{which}."
        return Judgement(FAILS, reason, shown, mean, interval)
    if sign * (worst - rule.value) >= 0:
        reason = f"All of our interval{which} is as good as the published figure or better."
        return Judgement(HOLDS, reason, shown, mean, interval, lasting=True)
    majority = _majority(best) if percentage_metric(rule.metric) else None
    if majority is not None and interval[0] <= majority[1]:
        reason = f"Our interval is so wide that always answering {majority[0]} lies within it too."
        return Judgement(UNDECIDED, reason, shown, mean, interval)
    return Judgement(HOLDS, f"The published figure lies within our interval{which}.", shown, mean, interval)


@judge_rule.register
def _(rule: Near, evidence: Evidence) -> Judgement:
    trained = evidence.arms[rule.arm][0]
    if not trained.is_complete(rule.metric):
        return _no_metric([trained], rule.metric)
    mean, interval = trained.mean(rule.metric), trained.interval(rule.metric)
    shown = measured(rule.metric, mean, interval)
    if interval is None:
        return Judgement(UNDECIDED, _too_few(rule.metric), shown, mean)
    low, high = rule.value - rule.margin, rule.value + rule.margin
    band = f"{figure(rule.metric, low)} to {figure(rule.metric, high)}, which counts as the published figure"
    if low <= interval[0] and interval[1] <= high:
        return Judgement(HOLDS, f"All of our interval lies within {band}.", shown, mean, interval)
    if interval[1] < low or high < interval[0]:
        return Judgement(FAILS, f"All of our interval lies outside {band}.", shown, mean, interval)
    return Judgement(UNDECIDED, f"Our interval lies partly within {band}.", shown, mean, interval)


@judge_rule.register
def _(rule: Exceeds, evidence: Evidence) -> Judgement:
    matched = pairs(evidence.arms[rule.arm], evidence.arms[rule.than])
    ours, theirs = [arm for arm, _ in matched], [than for _, than in matched]
    undefined = _undefined(ours, theirs, rule.metric)
    if undefined is not None:
        return undefined
    result = difference(matched, rule.metric, rule.higher_is_better)
    return _compared(result, rule.metric, rule.by, f"{_named(rule.arm)} against {_named(rule.than)}")


@judge_rule.register
def _(rule: Wins, evidence: Evidence) -> Judgement:
    arm = evidence.arms[rule.arm]
    winners = [trained for trained in arm if matches(trained.varied, rule.winners)]
    others = [trained for trained in arm if trained not in winners]
    first = _best(winners, rule.metric, rule.higher_is_better)
    second = _best(others, rule.metric, rule.higher_is_better)
    if first is None or second is None:
        # One complete configuration of a side is enough; incomplete ones count only without it.
        ours = winners if first is None else [first]
        theirs = others if second is None else [second]
        return _undefined(ours, theirs, rule.metric) or _no_metric(arm, rule.metric)
    # Each rival is one more chance for another configuration to be best by luck (Bonferroni).
    rivals = sum(trained.is_complete(rule.metric) for trained in others)
    result = difference([(first, second)], rule.metric, rule.higher_is_better, 1 - 0.05 / rivals)
    what = f"{first.label} against {second.label}"
    if rivals > 1:
        what += f", the {'highest' if rule.higher_is_better else 'lowest'} of {rivals} others"
    return _compared(result, rule.metric, 0.0, what)


@judge_rule.register
def _(rule: Slower, evidence: Evidence) -> Judgement:
    logs, other_machines = [], 0
    for slow, fast in pairs(evidence.arms[rule.arm], evidence.arms[rule.than]):
        for seed in sorted(slow.runs.keys() & fast.runs.keys()):
            ours, theirs = slow.runs[seed].record, fast.runs[seed].record
            if _machine(ours) != _machine(theirs):
                other_machines += 1
            elif ours.samples_per_second and theirs.samples_per_second:
                logs.append(math.log(theirs.samples_per_second / ours.samples_per_second))
    if not logs:
        why = " on one kind of machine" if other_machines else " with known times"
        return Judgement(UNDECIDED, f"There are no two trainings{why} to compare.")
    ratio = math.exp(statistics.fmean(logs))
    interval = None
    if len(logs) >= MIN_SEEDS:
        low, high = student(logs)
        interval = math.exp(low), math.exp(high)
    shown = ranged(f"{ratio:.2f} times as long", interval, lambda end: f"{end:.2f}")
    counted = f"{count(len(logs), 'pair')} of trainings"
    if interval is None:
        return Judgement(UNDECIDED, f"Only {counted}; it takes {MIN_SEEDS}.", shown, ratio, lasting=True)
    reason = f"Time for each sample, {_named(rule.arm)} against {_named(rule.than)}, in {counted}."
    verdict = HOLDS if interval[0] > 1 else FAILS if interval[1] <= 1 else UNDECIDED
    return Judgement(verdict, reason, shown, ratio, interval, lasting=True)


@judge_rule.register
def _(rule: Diverges, evidence: Evidence) -> Judgement:
    arm = evidence.arms[rule.arm]
    total, undefined = sum(len(t.runs) for t in arm), sum(t.n_diverged for t in arm)
    shown = f"{UNDEFINED} in {undefined} of {total} trainings"
    verdict = HOLDS if undefined == total else UNDECIDED if undefined else FAILS
    reason = "" if verdict != UNDECIDED else "Some trainings have an undefined loss, others do not."
    return Judgement(verdict, reason, shown, undefined / total, lasting=verdict == HOLDS)


@judge_rule.register
def _(rule: ExceedsMajority, evidence: Evidence) -> Judgement:
    best = _best(evidence.arms[rule.arm], rule.metric, True)
    if best is None:
        return _no_metric(evidence.arms[rule.arm], rule.metric)
    mean, interval, majority = best.mean(rule.metric), best.interval(rule.metric), _majority(best)
    shown = measured(rule.metric, mean, interval)
    if majority is None or interval is None:
        return Judgement(
            UNDECIDED, "The runs have no record of the most frequent class.", shown, mean, interval
        )
    label, accuracy = majority
    which = f" Our figure is that of {best.label}." if best.label else ""
    reason = (
        f"Always answering {label} scores {figure(rule.metric, accuracy)} on the same test samples.{which}"
    )
    verdict = HOLDS if interval[0] > accuracy else FAILS if interval[1] < accuracy else UNDECIDED
    return Judgement(verdict, reason, shown, mean, interval, lasting=verdict == HOLDS)


def _compared(result: Difference, metric: str, by: float, what: str) -> Judgement:
    def signed(end: float) -> str:
        return points(metric, end, unit=False)

    shown = ranged(points(metric, result.mean), result.interval, signed)
    reason = (
        f"{what[:1].upper()}{what[1:]}: {figure(metric, result.first)} against "
        f"{figure(metric, result.second)}{'; ' * bool(result.method)}{result.method}."
    )
    if result.interval is None:
        return Judgement(UNDECIDED, f"{reason} {_too_few(metric)}", shown, result.mean)
    low, high = result.interval
    if by:
        reason += f" It must be more than {points(metric, by)}."
    is_better = low > by and (by or result.by_chance is not True)
    verdict = HOLDS if is_better else FAILS if high <= by else UNDECIDED
    return Judgement(verdict, reason, shown, result.mean, result.interval)


def _best(arm: Sequence[Trained], metric: str, higher: bool) -> Trained | None:
    """The best configuration of those whose every training has the metric, or None."""
    complete = [trained for trained in arm if trained.is_complete(metric)]
    return max(complete, key=lambda trained: trained.mean(metric) * (1 if higher else -1), default=None)


def _undefined(ours: Sequence[Trained], theirs: Sequence[Trained], metric: str) -> Judgement | None:
    """The verdict where undefined losses decide; None where all runs have a value."""
    lost, beaten = (all(t.n_diverged == len(t.runs) for t in side) for side in (ours, theirs))
    if beaten and not lost and all(trained.is_complete(metric) for trained in ours):
        return Judgement(HOLDS, f"All others have an {UNDEFINED}.")
    if lost and not beaten and any(trained.is_complete(metric) for trained in theirs):
        return Judgement(FAILS, f"What is said to be better has an {UNDEFINED}.", UNDEFINED)
    if all(trained.is_complete(metric) for trained in (*ours, *theirs)):
        return None
    return _no_metric([*ours, *theirs], metric)


def _no_metric(arm: Sequence[Trained], metric: str) -> Judgement:
    """The verdict where runs lack the metric."""
    n_runs, n_diverged = sum(len(t.runs) for t in arm), sum(t.n_diverged for t in arm)
    if not n_diverged:
        return Judgement(UNDECIDED, f"The runs have no metric {metric}.")
    shown = f"{UNDEFINED} in {n_diverged} of {n_runs} trainings"
    return Judgement(FAILS if n_diverged == n_runs else UNDECIDED, "", shown)


def _too_few(metric: str) -> str:
    name = metric_name(metric).replace("_", " ")
    return f"Fewer than {MIN_SEEDS} seeds do not show how much {name} varies by chance."


def _majority(trained: Trained) -> tuple[str, float] | None:
    """The most frequent class and its share."""
    baselines = [run.record.baseline for run in trained.runs.values() if run.record.baseline is not None]
    highest = max(baselines, key=lambda baseline: baseline.accuracy, default=None)
    return None if highest is None else (highest.label, highest.accuracy)


def _machine(record: Any) -> tuple[Any, ...]:
    """What two trainings must share for their times to be comparable."""
    environment = record.environment
    cores = environment.cores if record.accelerator == "cpu" else None
    threads = record.options.training.get("threads") or cores
    return (
        *(record.device, record.devices, record.accelerator, record.precision),
        *(environment.processor, cores, threads),
    )


def _named(arm: str) -> str:
    return arm.replace("_", " ")
