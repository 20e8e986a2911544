"""What the processes of a training are sent: the request, and which of them each one is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from galaxynet.training.config import Plan

if TYPE_CHECKING:
    from galaxynet.runs import Run


@dataclass(frozen=True)
class Request:
    """The arguments of `galaxynet.training.train.train`, to be sent to other processes.

    Attributes:
        plan: What to train.
        runs_dir: Folder in which the run folder is made.
        data_dir: Folder of the datasets.
        resume: The interrupted run to continue.
        command: The command line, for the record.
        force: Continue a run although its record says that it is running.
        on_start: Called with the run as soon as its folder exists.
    """

    plan: Plan
    runs_dir: Path
    data_dir: Path
    resume: Run | None
    command: tuple[str, ...]
    force: bool
    on_start: Callable[[Run], None] | None


@dataclass(frozen=True)
class Rank:
    """One of the processes of a training.

    Attributes:
        number: Its number; process 0 makes the run folder, writes and prints.
        processes: How many there are.
        store: The file through which they find each other.
        folder: The run folder, for all but the first.
    """

    number: int
    processes: int
    store: Path = Path()
    folder: Path = Path()

    @property
    def is_first(self) -> bool:
        """True for the process that makes the run folder, writes and prints."""
        return self.number == 0


ONLY = Rank(0, 1)
"""The process of a training that has one."""
