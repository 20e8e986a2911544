"""The command `galaxynet reproduce`, and the claims that it tests.

A network's package declares what its publication says with `Claim` and a rule; the command runs the missing
trainings and gives a verdict. `reproduce` does the same from Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from galaxynet.plugin import CommandSpec
from galaxynet_reproduce.claims import (
    Arm,
    Claim,
    Diverges,
    Exceeds,
    ExceedsMajority,
    Near,
    Reaches,
    Rule,
    Slower,
    Wins,
)

if TYPE_CHECKING:
    from galaxynet_reproduce.reproduction import reproduce

__all__ = [
    "SPEC",
    "Arm",
    "Claim",
    "Diverges",
    "Exceeds",
    "ExceedsMajority",
    "Near",
    "Reaches",
    "Rule",
    "Slower",
    "Wins",
    "reproduce",
]

SPEC = CommandSpec(
    name="reproduce",
    summary="Test published claims about the networks.",
    module="galaxynet_reproduce.command:command",
    panel="Networks",
)


def __getattr__(name: str) -> Any:
    if name == "reproduce":  # imported late: the spec is read for every `galaxynet --help`
        from galaxynet_reproduce.reproduction import reproduce

        return reproduce
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
