"""The old home of `galaxynet_reproduce.Claim` and its rules."""

from __future__ import annotations

from galaxynet.deprecation import moved_names

_RULES = ("Diverges", "Exceeds", "ExceedsMajority", "Near", "Reaches", "Slower", "Wins")
_TARGETS = {name: f"galaxynet_reproduce:{name}" for name in ("Arm", "Claim", "Rule", *_RULES)}

__getattr__ = moved_names(__name__, _TARGETS, removed_in="0.3")
