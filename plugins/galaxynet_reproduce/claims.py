"""What a publication claims of a network, and by which rule that is judged.

Nothing here trains or judges: a network's plugin declares what its source says and how to test it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Arm = Mapping[str, Any]
"""Options of network, dataset and trainer; one that has several values in a tuple makes a grid."""


@dataclass(frozen=True, kw_only=True)
class Reaches:
    """An arm is as good as a published figure.

    Holds if the figure lies within our interval, or we are better; does not hold if we are worse.

    Attributes:
        arm: The arm; of a grid, its best configuration is judged.
        metric: The metric, for example `test/accuracy`.
        value: The published figure.
        higher_is_better: True if a higher value of the metric is better.
        bound: What no network of this kind can pass, if that is known. A figure beyond it cannot be the
            metric that it is taken for, and so does not hold; the claim's note says why.
    """

    arm: str
    metric: str
    value: float
    higher_is_better: bool = True
    bound: float | None = None


@dataclass(frozen=True, kw_only=True)
class Near:
    """An arm comes to a published figure that is given roughly.

    Holds if our interval lies within `value` ± `margin`, does not hold if it lies outside of that.

    Attributes:
        arm: The arm; it has one configuration.
        metric: The metric.
        value: The published figure.
        margin: How far from it still counts as it.
    """

    arm: str
    metric: str
    value: float
    margin: float


@dataclass(frozen=True, kw_only=True)
class Exceeds:
    """An arm is better than another one.

    Configurations are paired by the options that both arms vary, and by their seeds. Holds if the interval of
    the difference lies above `by`, does not hold if it lies below.

    Attributes:
        arm: The arm that should be better.
        than: The arm that should be worse.
        metric: The metric.
        by: How much better it must be, in units of the metric.
        higher_is_better: True if a higher value of the metric is better.
    """

    arm: str
    than: str
    metric: str
    by: float = 0.0
    higher_is_better: bool = True


@dataclass(frozen=True, kw_only=True)
class Wins:
    """The best configuration of a grid is one of some.

    Judged is the best of those that have the options `winners` against the best of all the others.

    Attributes:
        arm: The arm; a grid.
        winners: Options of the configurations that are said to be best; several values in a tuple.
        metric: The metric.
        higher_is_better: True if a higher value of the metric is better. Turned around, the rule is that the
            worst configuration is one of those.
    """

    arm: str
    winners: Mapping[str, Any]
    metric: str
    higher_is_better: bool = True


@dataclass(frozen=True, kw_only=True)
class Slower:
    """An arm takes longer to train than another one, for the same samples on the same device.

    Attributes:
        arm: The arm that should be slower.
        than: The arm that should be faster; paired with it as in `Exceeds`.
    """

    arm: str
    than: str


@dataclass(frozen=True, kw_only=True)
class Diverges:
    """The loss of an arm becomes undefined.

    Holds if it does in every training, does not hold if it does in none.

    Attributes:
        arm: The arm.
    """

    arm: str


@dataclass(frozen=True, kw_only=True)
class ExceedsMajority:
    """An arm is more accurate than always answering the most frequent class.

    Attributes:
        arm: The arm; of a grid, its best configuration is judged.
        metric: The accuracy.
    """

    arm: str
    metric: str = "test/accuracy"


Rule = Reaches | Near | Exceeds | Wins | Slower | Diverges | ExceedsMajority


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Something that a publication says of a network, and how it is tested.

    Attributes:
        name: `topic/short-name`, in lower case letters, digits and hyphens. Claims of several networks may
            share a topic.
        says: What the source says, in one sentence in your own words.
        source: The publication. Empty for a claim that is not the publication's but yours.
        where: The place in it, for example `section 2.4`.
        arms: The trainings by name. Options that an arm does not give are at the defaults of the network,
            `epochs` too. Equal trainings of several arms and claims are done once.
        rule: How it is judged.
        seeds: How many seeds, from 0 on, each configuration is trained with.
        least_seeds: With fewer than these there is no verdict. Where chance between trainings matters, and
            it does for small differences, give 3.
        dataset: The dataset; empty for the model's own.
        classes: The classes that the claim is about; trainings on others do not test it. Empty if it
            does not depend on them.
        training_samples: How many samples the source trained on, if ours may be fewer. A figure of the source
            cannot be refuted with fewer; of comparisons the table says it.
        note: What a reader of the verdict should know.
    """

    name: str
    says: str
    arms: Mapping[str, Arm]
    rule: Rule
    source: str = ""
    where: str = ""
    seeds: int = 3
    least_seeds: int = 1
    dataset: str = ""
    classes: tuple[str, ...] = ()
    training_samples: int = 0
    note: str = ""

    @property
    def topic(self) -> str:
        """The part of the name before the slash."""
        return self.name.partition("/")[0]

    @property
    def value(self) -> float | None:
        """The published figure; None where the claim is a comparison."""
        return self.rule.value if isinstance(self.rule, Reaches | Near) else None
