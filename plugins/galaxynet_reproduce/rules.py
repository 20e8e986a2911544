"""How each rule is judged by the runs that there are."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any, Literal

from galaxynet.report.intervals import student
from galaxynet.report.wording import UNDEFINED, metric_name, percentage_metric
from galaxynet_reproduce.catalogue import matches
from galaxynet_reproduce.claims import Diverges, Exceeds, ExceedsMajority, Near, Reaches, Slower, Wins
from galaxynet_reproduce.differences import Difference, difference, pairs
from galaxynet_reproduce.evidence import ENOUGH, Evidence, Interval, Trained
from galaxynet_reproduce.output import figure, measured, points, ranged

Verdict = Literal["holds", "does not hold", "cannot be told", "training failed", "not run"]
HOLDS: Verdict = "holds"
FAILS: Verdict = "does not hold"
UNKNOWN: Verdict = "cannot be told"
FAILED: Verdict = "training failed"
NOT_RUN: Verdict = "not run"


@dataclass(frozen=True)
class Judgement:
    """What became of a claim.

    Attributes:
        verdict: The verdict.
        reason: Why, in a sentence or two.
        ours: Our figure with its interval, for a person.
        estimate: Our figure: of the metric, a difference, a ratio, or a share of trainings.
        low: Lower end of its 95 % interval; None if there is none.
        high: Upper end.
        lasting: Whether longer training, or more data, could not undo it.
        proven: Whether it follows whatever is trained.
    """

    verdict: Verdict
    reason: str = ""
    ours: str = ""
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    lasting: bool = False
    proven: bool = False


@singledispatch
def judge_rule(rule: Any, evidence: Evidence) -> Judgement:
    """The verdict by a rule alone, as if nothing had been cut."""
    raise TypeError(f"{evidence.claim.name}: there is no judging by a {type(rule).__name__}")


@judge_rule.register
def _(rule: Reaches, evidence: Evidence) -> Judgement:
    best = _best(evidence.arms[rule.arm], rule.metric, rule.higher_is_better)
    if best is None:
        return _nothing(evidence.arms[rule.arm], rule.metric)
    mean, interval = best.mean(rule.metric), best.interval(rule.metric)
    shown = measured(rule.metric, mean, interval)
    of = len(evidence.arms[rule.arm])
    which = f" of the best of {of} ({best.label})" if of > 1 else ""
    sign = 1 if rule.higher_is_better else -1
    if rule.bound is not None and sign * (rule.value - rule.bound) > 0:
        reason = f"No network of this kind passes {figure(rule.metric, rule.bound)}, whatever is trained."
        return _judged(FAILS, reason, shown, mean, interval, proven=True)
    if interval is None:
        return _judged(UNKNOWN, _too_few(rule.metric), shown, mean, None)
    worst, top = interval if sign > 0 else (interval[1], interval[0])
    if sign * (rule.value - top) > 0:
        reason = f"The published figure lies beyond our interval{which}."
        return _judged(FAILS, reason, shown, mean, interval)
    if sign * (worst - rule.value) >= 0:
        reason = f"All of our interval{which} is as good as the published figure or better."
        return _judged(HOLDS, reason, shown, mean, interval, lasting=True)
    majority = _majority(best) if percentage_metric(rule.metric) else None
    if majority is not None and interval[0] <= majority[1]:
        reason = f"Our interval is so wide that always answering {majority[0]} lies within it too."
        return _judged(UNKNOWN, reason, shown, mean, interval)
    return _judged(HOLDS, f"The published figure lies within our interval{which}.", shown, mean, interval)


@judge_rule.register
def _(rule: Near, evidence: Evidence) -> Judgement:
    one = evidence.arms[rule.arm][0]
    if not one.whole(rule.metric):
        return _nothing([one], rule.metric)
    mean, interval = one.mean(rule.metric), one.interval(rule.metric)
    shown = measured(rule.metric, mean, interval)
    if interval is None:
        return _judged(UNKNOWN, _too_few(rule.metric), shown, mean, None)
    low, high = rule.value - rule.margin, rule.value + rule.margin
    band = f"{figure(rule.metric, low)} to {figure(rule.metric, high)}, which counts as the published figure"
    if low <= interval[0] and interval[1] <= high:
        return _judged(HOLDS, f"All of our interval lies within {band}.", shown, mean, interval)
    if interval[1] < low or high < interval[0]:
        return _judged(FAILS, f"All of our interval lies outside of {band}.", shown, mean, interval)
    return _judged(UNKNOWN, f"Our interval lies partly within {band}.", shown, mean, interval)


@judge_rule.register
def _(rule: Exceeds, evidence: Evidence) -> Judgement:
    matched = pairs(evidence.arms[rule.arm], evidence.arms[rule.than])
    ours, theirs = [arm for arm, _ in matched], [than for _, than in matched]
    undefined = _undefined(ours, theirs, rule.metric)
    if undefined is not None:
        return undefined
    found = difference(matched, rule.metric, rule.higher_is_better)
    return _compared(found, rule.metric, rule.by, f"{_named(rule.arm)} against {_named(rule.than)}")


@judge_rule.register
def _(rule: Wins, evidence: Evidence) -> Judgement:
    arm = evidence.arms[rule.arm]
    winners = [one for one in arm if matches(one.varied, rule.winners)]
    others = [one for one in arm if one not in winners]
    first = _best(winners, rule.metric, rule.higher_is_better)
    second = _best(others, rule.metric, rule.higher_is_better)
    if first is None or second is None:
        # What is not whole on the winners' side matters no more where one of them is.
        ours = winners if first is None else [first]
        theirs = others if second is None else [second]
        return _undefined(ours, theirs, rule.metric) or _nothing(arm, rule.metric)
    # So many chances for another one to come out best by luck.
    rivals = sum(one.whole(rule.metric) for one in others)
    found = difference([(first, second)], rule.metric, rule.higher_is_better, 1 - 0.05 / rivals)
    what = f"{first.label} against {second.label}"
    if rivals > 1:
        what += f", the {'highest' if rule.higher_is_better else 'lowest'} of {rivals} others"
    return _compared(found, rule.metric, 0.0, what)


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
        return Judgement(UNKNOWN, f"There are no two trainings{why} to set against each other.")
    ratio = math.exp(statistics.fmean(logs))
    interval = None
    if len(logs) >= ENOUGH:
        low, high = student(logs)
        interval = math.exp(low), math.exp(high)
    shown = ranged(f"{ratio:.2f} times as long", interval, lambda end: f"{end:.2f}")
    counted = f"{len(logs)} pair{'s' * (len(logs) > 1)} of trainings"
    if interval is None:
        return _judged(UNKNOWN, f"{counted} only; it takes {ENOUGH}.", shown, ratio, None, lasting=True)
    reason = f"Time for each sample, {_named(rule.arm)} against {_named(rule.than)}, in {counted}."
    verdict = HOLDS if interval[0] > 1 else FAILS if interval[1] <= 1 else UNKNOWN
    return _judged(verdict, reason, shown, ratio, interval, lasting=True)


@judge_rule.register
def _(rule: Diverges, evidence: Evidence) -> Judgement:
    arm = evidence.arms[rule.arm]
    total, undefined = sum(len(one.runs) for one in arm), sum(one.diverged for one in arm)
    shown = f"{UNDEFINED} in {undefined} of {total} trainings"
    verdict = HOLDS if undefined == total else UNKNOWN if undefined else FAILS
    reason = "" if verdict != UNKNOWN else "Some trainings have an undefined loss, and some have not."
    return Judgement(verdict, reason, shown, undefined / total, lasting=verdict == HOLDS)


@judge_rule.register
def _(rule: ExceedsMajority, evidence: Evidence) -> Judgement:
    best = _best(evidence.arms[rule.arm], rule.metric, True)
    if best is None:
        return _nothing(evidence.arms[rule.arm], rule.metric)
    mean, interval, majority = best.mean(rule.metric), best.interval(rule.metric), _majority(best)
    shown = measured(rule.metric, mean, interval)
    if majority is None or interval is None:
        return _judged(UNKNOWN, "The runs know no most frequent class.", shown, mean, interval)
    label, accuracy = majority
    which = f" Ours is that of {best.label}." if best.label else ""
    reason = (
        f"Always answering {label} scores {figure(rule.metric, accuracy)} of the same test samples.{which}"
    )
    verdict = HOLDS if interval[0] > accuracy else FAILS if interval[1] < accuracy else UNKNOWN
    return _judged(verdict, reason, shown, mean, interval, lasting=verdict == HOLDS)


def _judged(
    verdict: Verdict,
    reason: str,
    ours: str,
    estimate: float,
    interval: Interval | None,
    *,
    lasting: bool = False,
    proven: bool = False,
) -> Judgement:
    low, high = interval or (None, None)
    return Judgement(verdict, reason, ours, estimate, low, high, lasting, proven)


def _compared(found: Difference, metric: str, by: float, what: str) -> Judgement:
    shown = ranged(points(metric, found.mean), found.interval, lambda end: points(metric, end, unit=False))
    reason = (
        f"{what[:1].upper()}{what[1:]}: {figure(metric, found.first)} against {figure(metric, found.second)}"
    )
    reason += f"; {found.how}." if found.how else "."
    if found.interval is None:
        return _judged(UNKNOWN, f"{reason} {_too_few(metric)}", shown, found.mean, None)
    low, high = found.interval
    more = f" It would have to be more than {points(metric, by)}." if by else ""
    if low > by and (by or found.by_chance is not True):
        return _judged(HOLDS, reason + more, shown, found.mean, found.interval)
    verdict = FAILS if high <= by else UNKNOWN
    return _judged(verdict, reason + more, shown, found.mean, found.interval)


def _best(arm: Sequence[Trained], metric: str, higher: bool) -> Trained | None:
    """The best configuration of those whose every training has the metric; None if there is none."""
    known = [one for one in arm if one.whole(metric)]
    return max(known, key=lambda one: one.mean(metric) * (1 if higher else -1), default=None)


def _undefined(ours: Sequence[Trained], theirs: Sequence[Trained], metric: str) -> Judgement | None:
    """The verdict where undefined losses decide; None where all runs have a value."""
    lost, beaten = (all(one.diverged == len(one.runs) for one in side) for side in (ours, theirs))
    if beaten and not lost and all(one.whole(metric) for one in ours):
        return Judgement(HOLDS, f"All others have an {UNDEFINED}.")
    if lost and not beaten and any(one.whole(metric) for one in theirs):
        return Judgement(FAILS, f"What was said to be better has an {UNDEFINED}.", UNDEFINED)
    if all(one.whole(metric) for one in (*ours, *theirs)):
        return None
    return _nothing([*ours, *theirs], metric)


def _nothing(arm: Sequence[Trained], metric: str) -> Judgement:
    """The verdict where runs have no value of the metric."""
    runs, diverged = sum(len(one.runs) for one in arm), sum(one.diverged for one in arm)
    if not diverged:
        return Judgement(UNKNOWN, f"The runs have no metric {metric}.")
    shown = f"{UNDEFINED} in {diverged} of {runs} trainings"
    return Judgement(FAILS if diverged == runs else UNKNOWN, "", shown)


def _too_few(metric: str) -> str:
    name = metric_name(metric).replace("_", " ")
    return f"Fewer than {ENOUGH} seeds do not tell how much chance does to {name}."


def _majority(one: Trained) -> tuple[str, float] | None:
    found = [run.record.baseline for run in one.runs.values() if run.record.baseline is not None]
    highest = max(found, key=lambda base: base.accuracy, default=None)
    return None if highest is None else (highest.label, highest.accuracy)


def _machine(record: Any) -> tuple[Any, ...]:
    """What two trainings must share for their times to be set against each other."""
    where = record.environment
    cores = where.cores if record.accelerator == "cpu" else None
    threads = record.options.training.get("threads") or cores
    return (
        *(record.device, record.devices, record.accelerator, record.precision),
        *(where.processor, cores, threads),
    )


def _named(arm: str) -> str:
    return arm.replace("_", " ")
