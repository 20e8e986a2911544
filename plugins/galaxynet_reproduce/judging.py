"""From evidence to a verdict; without enough evidence the claim stays undecided."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from galaxynet.options import format_value
from galaxynet.report.wording import show_seconds
from galaxynet_reproduce.catalogue import CheckedClaim
from galaxynet_reproduce.claims import Claim, Near, Reaches
from galaxynet_reproduce.evidence import Evidence
from galaxynet_reproduce.rules import FAILED, HOLDS, NOT_RUN, UNDECIDED, Judgement, Verdict, judge_rule


@dataclass(frozen=True)
class Outcome:
    """A claim with its verdict.

    Attributes:
        claim: The claim.
        model: The network.
        dataset: The dataset.
        judgement: The verdict and its reason.
        extent: How much of the full test was done; empty if nothing was.
        cut: True if it was less than all.
        runs: Ids of the runs that it is based on.
        commands: The commands that train the same and show the runs.
        seconds: Total training time of the runs, in s.
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
        """`holds`, `does not hold`, `undecided`, `training failed` or `not run`."""
        return self.judgement.verdict

    @property
    def verdict_words(self) -> str:
        """The verdict, with a note if the test was cut short."""
        return f"{self.verdict}: cut short" if self.verdict == UNDECIDED and self.cut else self.verdict

    @property
    def notes(self) -> list[str]:
        """The reason, the claim's note, and how long the trainings took."""
        spent = f"Trained in {show_seconds(self.seconds)} in total." if self.seconds else ""
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
        failures: Why trainings failed.
        not_trained: Why trainings were not done.
    """
    claim = evidence.claim
    not_trained = f" {not_trained}" * bool(not_trained)
    details = f" A training failed: {failures[0]}" if failures else ""
    if evidence.other_data:
        ids = " ".join(run.record.id for run in evidence.other_data)
        details += f" Left out, as their samples differ: {ids}."
    n_untrained = sum(not trained.runs for trained in evidence.trained)
    if n_untrained:
        have = "have" if n_untrained > 1 else "has"
        reason = f"{n_untrained} of {len(evidence.trained)} networks {have} no run."
        return Judgement(UNDECIDED, f"{reason}{not_trained}{details}")
    if evidence.other_classes:
        return Judgement(UNDECIDED, "The trainings distinguish other classes than the claim.")
    judgement = judge_rule(claim.rule, evidence)
    if judgement.proven or judgement.verdict == UNDECIDED:
        details = details if judgement.proven else f"{not_trained}{details}"
        return replace(judgement, reason=f"{judgement.reason}{details}".strip())
    doubts = []
    if evidence.seeds < claim.least_seeds:
        doubts.append(f"A verdict takes {claim.least_seeds} seeds.")
    if not judgement.lasting and evidence.cut_epochs:
        cut = evidence.most_cut
        doubts.append(f"{cut.cut_to} of {cut.epochs} epochs are too few for a verdict.")
    fewer = ""
    if evidence.fewer_data:
        fewer = (
            f"Trained on {evidence.training_samples:,} samples; "
            f"the source had about {claim.training_samples:,}."
        )
        if isinstance(claim.rule, Reaches | Near) and not (judgement.lasting and judgement.verdict == HOLDS):
            doubts.append("With less training data, a figure can be neither refuted nor confirmed.")
    reason = " ".join(part for part in (judgement.reason, *doubts, fewer) if part) + details
    return replace(judgement, reason=reason, verdict=UNDECIDED if doubts else judgement.verdict)


def outcome(
    checked: CheckedClaim,
    evidence: Evidence,
    given: Mapping[str, str],
    *,
    reason: str = "",
    fetch: bool = False,
    failures: Sequence[str] = (),
) -> Outcome:
    """A claim with its verdict and the commands behind it.

    Args:
        checked: The claim.
        evidence: Its runs.
        given: Dataset options, as typed.
        reason: Why trainings were not done.
        fetch: True if that is because data are missing.
        failures: Why trainings failed.
    """
    dataset, runs = checked.components.dataset.name, evidence.runs
    ids = tuple(run.record.id for run in runs)
    commands = [f"galaxynet fetch {dataset}"] * fetch
    commands += [_sweep_command(checked, arm, evidence, given) for arm in checked.arms]
    if runs:
        over_seeds = " --over-seeds" if any(len(trained.runs) > 1 for trained in evidence.trained) else ""
        commands.append(f"galaxynet compare {' '.join(ids)}{over_seeds}")
        judgement = judge(evidence, failures, reason)
    elif failures:
        judgement = Judgement(FAILED, f"No training has a result: {failures[0]}")
    else:
        judgement = Judgement(NOT_RUN, reason or "It has not been trained.")
    return Outcome(
        checked.claim,
        checked.components.model.name,
        dataset,
        judgement,
        evidence.extent if runs else "",
        bool(runs) and evidence.cut,
        ids,
        tuple(commands),
        sum(run.record.seconds.get("train") or 0.0 for run in runs),
    )


def _sweep_command(checked: CheckedClaim, arm: str, evidence: Evidence, given: Mapping[str, str]) -> str:
    """The sweep that repeats the trainings of an arm, or else does its full test."""
    components, options = checked.components, dict(checked.claim.arms[arm])
    trained = [configuration for configuration in evidence.arms[arm] if configuration.runs]
    default_epochs = components.plan({}).training.epochs
    full_epochs = options.pop("epochs", default_epochs)
    epochs = min((configuration.cut_to for configuration in trained), default=full_epochs)
    seeds = max((len(configuration.runs) for configuration in trained), default=checked.claim.seeds)
    fields = components.fields()
    words = ["galaxynet", "sweep", components.model.name]
    if components.dataset.name != components.model_spec.dataset:
        words += ["--dataset", components.dataset.name]
    for name, value in options.items():
        values = value if isinstance(value, tuple | list) else (value,)
        texts = [repr(value) if isinstance(value, float) else format_value(value) for value in values]
        words += [fields[name].flag, ",".join(texts)]
    for field in components.dataset_spec.options.fields():
        words += [field.flag, given[field.name]] if field.name in given else []
    words += ["--epochs", str(epochs)] if epochs != default_epochs else []
    words += ["--seeds", str(seeds)] if seeds > 1 else []
    return shlex.join(words)
