"""From evidence to a verdict, and no bold one where less was done than a verdict takes."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from galaxynet.report.wording import show_seconds
from galaxynet.sweeps.axes import show
from galaxynet_reproduce.catalogue import CheckedClaim
from galaxynet_reproduce.claims import Claim, Near, Reaches
from galaxynet_reproduce.evidence import Evidence
from galaxynet_reproduce.rules import (
    FAILED,
    HOLDS,
    NOT_RUN,
    UNKNOWN,
    Judgement,
    Verdict,
    judge_rule,
)


@dataclass(frozen=True)
class Outcome:
    """A claim with its verdict.

    Attributes:
        claim: The claim.
        model: The network.
        dataset: The dataset.
        judgement: The verdict, and why.
        extent: How much of the full test was done; empty if nothing was.
        cut: Whether it was less than all.
        runs: Ids of the runs that it rests on.
        commands: The commands that train the same and show the runs.
        seconds: Training time of the runs together, in s.
    """

    claim: Claim
    model: str
    dataset: str
    judgement: Judgement
    extent: str = ""
    cut: bool = False
    runs: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def verdict(self) -> Verdict:
        """`holds`, `does not hold`, `cannot be told`, `training failed` or `not run`."""
        return self.judgement.verdict

    @property
    def verdict_words(self) -> str:
        """The verdict with what limits it."""
        return f"{self.verdict}: cut short" if self.verdict == UNKNOWN and self.cut else self.verdict

    @property
    def notes(self) -> list[str]:
        """The reason, what the claim itself has to say of it, and how long the trainings took."""
        spent = f"Trained in {show_seconds(self.seconds)} altogether." if self.seconds else ""
        return [text for text in (self.judgement.reason, self.claim.note, spent) if text]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for programs."""
        claim, judged = self.claim, self.judgement
        return {
            "claim": claim.name,
            "model": self.model,
            "dataset": self.dataset,
            "source": claim.source or None,
            "where": claim.where or None,
            "says": claim.says,
            "published": claim.value,
            "metric": getattr(claim.rule, "metric", None),
            "ours": judged.ours or None,
            "estimate": judged.estimate,
            "low": judged.low,
            "high": judged.high,
            "verdict": self.verdict,
            "reason": judged.reason,
            "note": claim.note,
            "extent": self.extent or None,
            "cut": self.cut,
            "seconds": self.seconds,
            "runs": list(self.runs),
            "commands": list(self.commands),
        }


def judge(evidence: Evidence, failures: Sequence[str] = (), not_trained: str = "") -> Judgement:
    """The verdict on a claim.

    Args:
        evidence: The runs.
        failures: Why trainings of it failed.
        not_trained: Why trainings of it were not done.
    """
    claim = evidence.claim
    untrained = sum(not one.runs for one in evidence.trained)
    why = f" A training failed: {failures[0]}" if failures else ""
    not_done = f" {not_trained}" if not_trained else ""
    if evidence.other_data:
        ids = " ".join(run.record.id for run in evidence.other_data)
        why += f" Left out, for they have other samples: {ids}."
    if untrained:
        return Judgement(
            UNKNOWN,
            f"{untrained} of {len(evidence.trained)} networks {'have' if untrained > 1 else 'has'} no run."
            f"{not_done}{why}",
        )
    if evidence.other_classes:
        return Judgement(UNKNOWN, "The trainings tell other classes apart than the claim is about.")
    found = judge_rule(claim.rule, evidence)
    if found.proven or found.verdict == UNKNOWN:
        told = "" if found.proven else not_done
        return replace(found, reason=f"{found.reason}{told}{why}".strip())
    doubts = []
    if evidence.seeds < claim.least_seeds:
        doubts.append(f"It takes {claim.least_seeds} seeds.")
    if not found.lasting and evidence.cut_epochs:
        one = evidence.most_cut
        doubts.append(f"{one.cut_to} of {one.epochs} epochs are too few for a verdict.")
    fewer = ""
    if evidence.fewer_data:
        fewer = (
            f"Trained on {evidence.training_samples:,} samples; "
            f"the source had about {claim.training_samples:,}."
        )
        if isinstance(claim.rule, Reaches | Near) and not (found.lasting and found.verdict == HOLDS):
            doubts.append("With fewer to learn from, a figure cannot be refuted or confirmed.")
    reason = " ".join(part for part in (found.reason, *doubts, fewer) if part) + why
    return replace(found, reason=reason, verdict=UNKNOWN if doubts else found.verdict)


def outcome(
    checked: CheckedClaim,
    evidence: Evidence,
    given: Mapping[str, str],
    *,
    reason: str = "",
    fetch: bool = False,
    failures: Sequence[str] = (),
) -> Outcome:
    """The line of the table for a claim.

    Args:
        checked: The claim.
        evidence: Its runs.
        given: Options of the datasets, as they were typed.
        reason: Why trainings of it were not done.
        fetch: Whether that is because the data are not there.
        failures: Why trainings of it failed.
    """
    model, dataset = checked.components.model.name, checked.components.dataset.name
    commands = [_sweep_command(checked, arm, evidence, given) for arm in checked.arms]
    if fetch:
        commands.insert(0, f"galaxynet fetch {dataset}")
    if not evidence.runs:
        judgement = Judgement(NOT_RUN, reason or "No training of it has been done.")
        if failures:
            judgement = Judgement(FAILED, f"No training came to a result: {failures[0]}")
        return Outcome(checked.claim, model, dataset, judgement, commands=tuple(commands))
    ids = tuple(run.record.id for run in evidence.runs)
    over_seeds = " --over-seeds" if any(len(one.runs) > 1 for one in evidence.trained) else ""
    commands.append(f"galaxynet compare {' '.join(ids)}{over_seeds}")
    seconds = sum(run.record.seconds.get("train") or 0.0 for run in evidence.runs)
    return Outcome(
        checked.claim,
        model,
        dataset,
        judge(evidence, failures, reason),
        evidence.extent,
        evidence.cut,
        ids,
        tuple(commands),
        seconds,
    )


def _sweep_command(checked: CheckedClaim, arm: str, evidence: Evidence, given: Mapping[str, str]) -> str:
    """The sweep that trains an arm as it was trained; as in the full test, if it was not."""
    components, options = checked.components, dict(checked.claim.arms[arm])
    trained = [one for one in evidence.arms[arm] if one.runs]
    usual = components.plan({}).training.epochs
    epochs = min((one.cut_to for one in trained), default=options.get("epochs", usual))
    seeds = max((len(one.runs) for one in trained), default=checked.claim.seeds)
    options.pop("epochs", None)
    words = ["galaxynet", "sweep", components.model.name]
    if components.dataset.name != components.model_spec.dataset:
        words += ["--dataset", components.dataset.name]
    known_names = {field.name for field in components.dataset_spec.options.fields()}
    for name, value in options.items():
        values = value if isinstance(value, tuple | list) else (value,)
        words += [_flag(name), ",".join(repr(one) if isinstance(one, float) else show(one) for one in values)]
    for name, text in given.items():
        words += [_flag(name), text] if name in known_names else []
    words += ["--epochs", str(epochs)] if epochs != usual else []
    words += ["--seeds", str(seeds)] if seeds > 1 else []
    return shlex.join(words)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
