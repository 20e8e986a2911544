"""The claims of the installed networks: checking and selecting them."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from galaxynet import registry
from galaxynet.errors import GalaxynetError, OptionError, PluginError, UsageError
from galaxynet.phrases import suggest
from galaxynet.plugin import ModelSpec
from galaxynet.registry import Plugin
from galaxynet.training.config import Components
from galaxynet_reproduce.claims import Arm, Claim, Exceeds, Near, Rule, Slower, Wins

ALL = "all"

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*/[a-z0-9][a-z0-9_-]*")
_MAX_CONFIGURATIONS = 200


@dataclass(frozen=True)
class CheckedClaim:
    """A claim of an installed network that can be tested.

    Attributes:
        claim: The claim.
        components: Network and dataset.
        arms: The configurations of each arm, as values of the options that the arm varies.
    """

    claim: Claim
    components: Components
    arms: Mapping[str, Sequence[Mapping[str, Any]]]

    @property
    def key(self) -> tuple[str, str]:
        """Identifies the claim among those of all networks."""
        return self.components.model.qualified, self.claim.name

    @property
    def trainings(self) -> int:
        """Trainings of the full test."""
        return self.claim.seeds * sum(map(len, self.arms.values()))

    @property
    def epochs(self) -> int:
        """Epochs of all trainings of the full test together."""
        default = self.components.plan({}).training.epochs
        return self.claim.seeds * sum(
            len(self.arms[name]) * int(arm.get("epochs", default)) for name, arm in self.claim.arms.items()
        )


@dataclass
class Catalogue:
    """The claims that can be tested, and what is wrong with others.

    Attributes:
        claims: The claims, by network, as declared.
        broken: Why other claims, or all of a plugin, cannot be tested; a sentence for each.
    """

    claims: list[CheckedClaim] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def topics(self) -> list[str]:
        """The topics, without repetition."""
        return list(dict.fromkeys(checked.claim.topic for checked in self.claims))

    def select(self, words: Sequence[str]) -> list[CheckedClaim]:
        """The claims of some topics, names or networks, or `all`.

        Raises:
            UsageError: If a word is unknown, or there are no words.
        """
        if not self.claims:
            hint = "" if registry.plugins("model") else registry.nothing_installed("model")
            raise UsageError("No installed network brings claims that could be reproduced.", hint)
        topics = ", ".join(self.topics)
        if not words:
            raise UsageError(
                "Nothing was named to reproduce.",
                f"Name a topic ({topics}), a claim, a network, or all; see --list",
            )
        selected: list[CheckedClaim] = []
        for word in words:
            matching = [checked for checked in self.claims if word in _names(checked)]
            if not matching:
                names = {name for checked in self.claims for name in _names(checked)}
                hint = suggest(word, sorted(names), f"There are: {topics}, all.")
                raise UsageError(f"No topic, claim or network is called {word!r}.", hint)
            selected += [claim for claim in matching if claim not in selected]
        return selected


def _names(checked: CheckedClaim) -> tuple[str, ...]:
    model = checked.components.model
    return ALL, checked.claim.topic, checked.claim.name, model.name, model.qualified


def catalogue() -> Catalogue:
    """The claims of all installed networks; a broken one does not affect the others."""
    catalogue = Catalogue()
    for plugin in registry.plugins("model"):
        try:
            spec: ModelSpec = plugin.load()
            claims: Any = registry.resolve_for(plugin, spec.claims) if spec.claims else ()
        except PluginError as error:
            catalogue.broken.append(error.message)
            continue
        if not isinstance(claims, tuple | list):
            reason = f"its claims are a {type(claims).__name__}, not a tuple"
            catalogue.broken.append(f"The network {plugin.qualified}: {reason}.")
            continue
        names = Counter(claim.name for claim in claims if isinstance(claim, Claim))
        for number, claim in enumerate(claims, 1):
            label = str(getattr(claim, "name", "")) or f"claim {number} of {plugin.name}"
            try:
                fault = "its name is used twice" if names[label] > 1 else _fault(claim)
                if not fault:
                    catalogue.claims.append(_check(plugin, claim))
            except GalaxynetError as error:
                fault = str(error).rstrip(".")
            except Exception as error:  # whatever a stranger has put where something else belongs
                fault = f"it cannot be read ({type(error).__name__}: {error})"
            if fault:
                catalogue.broken.append(f"The claim {label} of {plugin.qualified}: {fault}.")
    return catalogue


def expand(arm: Arm) -> list[dict[str, Any]]:
    """All combinations of the options of an arm that have several values."""
    several = {name: value for name, value in arm.items() if isinstance(value, tuple | list)}
    count = math.prod(len(values) for values in several.values())
    if not 1 <= count <= _MAX_CONFIGURATIONS:
        raise OptionError(f"an arm has {count:,} configurations, not 1 to {_MAX_CONFIGURATIONS}")
    return [dict(zip(several, values, strict=True)) for values in itertools.product(*several.values())]


def matches(varied: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    """True if a configuration has the expected options; several values mean any of them."""
    return all(
        varied.get(name) in (value if isinstance(value, tuple | list) else (value,))
        for name, value in expected.items()
    )


def _check(plugin: Plugin, claim: Claim) -> CheckedClaim:
    components = Components.load(plugin.qualified, claim.dataset or None)
    arms = {name: expand(arm) for name, arm in claim.arms.items()}
    for name, configurations in arms.items():
        for varied in configurations:
            components.plan({**claim.arms[name], **varied, "seed": 0})
    rule = claim.rule
    if isinstance(rule, Near) and len(arms[rule.arm]) > 1:
        raise OptionError(f"Near takes an arm of one configuration, and {rule.arm!r} has several")
    if isinstance(rule, Wins):
        won = [matches(varied, rule.winners) for varied in arms[rule.arm]]
        if all(won) or not any(won):
            raise OptionError("Wins takes winners that are some, not all, of the arm's configurations")
    if isinstance(rule, Exceeds | Slower):
        shared = set.intersection(*(set(arms[name][0]) for name in (rule.arm, rule.than)))
        for ours in arms[rule.arm]:
            if not any(all(ours[n] == other[n] for n in shared) for other in arms[rule.than]):
                raise OptionError(f"{ours} of {rule.arm!r} has no partner in {rule.than!r}")
    return CheckedClaim(claim, components, arms)


def _fault(claim: Any) -> str:
    """The fault of a claim by itself, or empty."""
    if not isinstance(claim, Claim):
        return f"it is a {type(claim).__name__}, not a Claim"
    if not _NAME.fullmatch(claim.name):
        return "its name is not of the form topic/short-name"
    if claim.topic == ALL:
        return f"no topic can be called {ALL}"
    if not claim.says.strip():
        return "it does not say what the source says"
    if not isinstance(claim.rule, get_args(Rule)):
        return f"its rule is a {type(claim.rule).__name__}, which is not a rule"
    if claim.seeds < 1 or not 1 <= claim.least_seeds <= claim.seeds:
        return f"it needs {claim.least_seeds} of {claim.seeds} seeds"
    for name in _arms_of(claim.rule):
        if name not in claim.arms:
            return f"its rule is about an arm {name!r}, which it does not have"
    for name, arm in claim.arms.items():
        if "seed" in arm:
            return f"its arm {name!r} sets the seed, which is counted by seeds"
        if "epochs" in arm and not isinstance(arm["epochs"], int):
            return f"its arm {name!r} has no single number of epochs"
    figures = [getattr(claim.rule, name, None) for name in ("value", "margin", "by", "bound")]
    if not all(figure is None or math.isfinite(figure) for figure in figures):
        return "a figure of its rule is not finite"
    return ""


def _arms_of(rule: Rule) -> Iterable[str]:
    return (rule.arm, rule.than) if isinstance(rule, Exceeds | Slower) else (rule.arm,)
