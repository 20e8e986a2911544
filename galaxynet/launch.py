"""The launch environment: variables of a launcher or a shell that could change a training.

Lightning takes its rank from them when it is imported, the number of processes when a trainer is made, and
defaults of the trainer from `PL_TRAINER_*`; PyTorch takes address and port from them, Matplotlib its backend.
Some are left over: from an earlier torchrun, from the batch job around the shell, from Jupyter. galaxynet
starts its own processes, so none of them may get through. Nothing is imported here that reads any of them.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from galaxynet.errors import UsageError

_PREFIXES = ("SLURM_", "JSM_", "LSB_", "PMI_", "PMIX_", "OMPI_", "TORCHELASTIC_", "PL_", "LT_")
_RANKS = ("RANK", "LOCAL_RANK", "GROUP_RANK", "NODE_RANK", "ROLE_RANK")
_SIZES = ("WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE", "ROLE_WORLD_SIZE")
_ADDRESSES = ("MASTER_ADDR", "MASTER_PORT", "STANDALONE_PORT")
_LAUNCH = {*_RANKS, *_SIZES, *_ADDRESSES}

_WIDTHS = ("COLUMNS", "LINES", "TERMINAL_WIDTH")
"""Rich and Typer print nothing where one of them is 0."""

_CHANGED_MEANWHILE = {"MPLBACKEND", *_WIDTHS, "CUBLAS_WORKSPACE_CONFIG", "OMP_NUM_THREADS"}
"""Further variables that are changed here or by Lightning, and put back."""


@dataclass(frozen=True)
class Launcher:
    """A program that starts several processes and describes to each which one it is.

    Attributes:
        name: Its name in messages.
        size: The variable with the number of processes.
        needs: Other variables that a complete description has.
        hint: How to train without it.
    """

    name: str
    size: str
    needs: tuple[str, ...]
    hint: str


_SRUN_HINT = (
    "Give SLURM one task, and galaxynet the number: srun --ntasks=1 galaxynet train MODEL --devices N"
)
_LAUNCHERS = (
    Launcher(
        "torchrun",
        "WORLD_SIZE",
        ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"),
        "Let galaxynet start them: galaxynet train MODEL --devices N",
    ),
    Launcher("srun", "SLURM_STEP_NUM_TASKS", ("SLURM_PROCID", "SLURM_LOCALID"), _SRUN_HINT),
    # A batch script has these too; with them, Lightning would wait forever for the other tasks.
    Launcher(
        "srun",
        "SLURM_NTASKS",
        ("SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID", "SLURM_NTASKS_PER_NODE"),
        _SRUN_HINT,
    ),
    *(
        Launcher(name, size, needs, f"Start it without {name}: galaxynet train MODEL --devices N")
        for name, size, needs in (
            ("jsrun", "JSM_NAMESPACE_SIZE", ("JSM_NAMESPACE_RANK", "JSM_NAMESPACE_LOCAL_RANK")),
            ("mpirun", "OMPI_COMM_WORLD_SIZE", ("OMPI_COMM_WORLD_RANK",)),
            ("mpirun", "PMI_SIZE", ("PMI_RANK",)),
        )
    ),
)


@dataclass
class _State:
    """What this process has hidden, and for how many blocks."""

    blocks: int = 0
    environment: dict[str, str] = field(default_factory=dict)
    rank: int | None = None
    backend: str | None = None
    noted: bool = False


_state = _State()
_lock = threading.Lock()


@contextmanager
def isolated_environment() -> Iterator[None]:
    """Hide the launch environment from Lightning, PyTorch and Matplotlib within this block.

    Enter it before any of them is imported. If Lightning is imported already, as in a notebook, its rank is
    reset. If blocks overlap, nested or in threads, the first one hides the variables and the last one puts
    them back.
    """
    with _lock:
        if not _state.blocks:
            _put_aside()
            isolate_environment()
        _state.blocks += 1
    try:
        yield
    finally:
        with _lock:
            _state.blocks -= 1
            if not _state.blocks:
                _put_back()


def isolate_environment() -> None:
    """Hide the launch environment for good, in a process that galaxynet has started."""
    for name in filter(_is_launch, list(os.environ)):
        del os.environ[name]
    if "MPLBACKEND" in os.environ and "matplotlib" not in sys.modules:
        # Figures go to files, and a notebook's backend may not be installed here.
        os.environ["MPLBACKEND"] = "agg"
    for name in _WIDTHS:
        if name in os.environ and not _is_positive(os.environ[name]):
            del os.environ[name]
    if _rank_holder() is not None:
        _rank_holder().rank = 0


def check_launcher() -> None:
    """Ensure that this process was started alone, or by galaxynet; note settings that are ignored.

    Raises:
        UsageError: If another launcher has started several processes: they would not know of one another's
            run folder.
    """
    from galaxynet import terminal

    before = _state.environment
    counted: set[str] = set()
    for launcher in _LAUNCHERS:
        size = before.get(launcher.size, "")
        if not _is_positive(size) or launcher.name in counted:  # a step of SLURM may have fewer than its job
            continue
        counted.add(launcher.name)
        if int(size) > 1 and all(before.get(name) for name in launcher.needs):
            raise UsageError(
                f"This is one of {size} processes of {launcher.name} ({launcher.size}={size}), but galaxynet "
                "starts its processes itself.",
                f"{launcher.hint} (if nothing but variables is left of it: unset {launcher.size})",
            )
    settings = sorted(name for name in before if name.startswith("PL_TRAINER_"))
    if settings and not _state.noted:
        terminal.note(f"ignored: {', '.join(settings)} (a training is set by the flags of galaxynet alone)")
        _state.noted = True


def _put_aside() -> None:
    _state.environment = {name: value for name, value in os.environ.items() if _is_put_back(name)}
    _state.backend = None if "matplotlib" in sys.modules else os.environ.get("MPLBACKEND")
    _state.rank = getattr(_rank_holder(), "rank", None)


def _put_back() -> None:
    for name in [name for name in os.environ if _is_put_back(name)]:
        del os.environ[name]
    os.environ.update(_state.environment)
    if _state.rank is not None:
        _rank_holder().rank = _state.rank
    if _state.backend and "matplotlib" in sys.modules:
        with suppress(ValueError):  # this Matplotlib does not know it
            sys.modules["matplotlib"].rcParams["backend"] = _state.backend
    _state.environment, _state.noted = {}, False


def _rank_holder() -> Any:
    """The object that has Lightning's rank; None if Lightning is not imported."""
    return getattr(sys.modules.get("lightning_utilities.core.rank_zero"), "rank_zero_only", None)


def _is_launch(name: str) -> bool:
    return name in _LAUNCH or name.startswith(_PREFIXES)


def _is_put_back(name: str) -> bool:
    return name in _CHANGED_MEANWHILE or _is_launch(name)


def _is_positive(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10 and int(text) > 0
