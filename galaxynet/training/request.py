"""A training that is asked for, with where it is kept; it can be sent to another process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from galaxynet.runs import Run
from galaxynet.training.plan import Plan


@dataclass(frozen=True)
class Request:
    """What `galaxynet.training.start.train` was called with.

    Attributes:
        plan: What is to be trained.
        runs_dir: Where the run folder is made.
        data_dir: The folder of the datasets.
        resume: The interrupted run to continue.
        command: The words of the call, for the record.
        force: Whether to continue a run although its record says that it is running.
        begun: Called with the run as soon as its folder exists.
    """

    plan: Plan
    runs_dir: Path
    data_dir: Path
    resume: Run | None
    command: tuple[str, ...]
    force: bool
    begun: Callable[[Run], None] | None
