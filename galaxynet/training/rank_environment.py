"""The process group of a training in several processes, and what Lightning has to know of it."""

from __future__ import annotations

from pathlib import Path

import torch
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.utilities.rank_zero import rank_zero_only
from torch import distributed


class RankEnvironment(ClusterEnvironment):
    """Tells Lightning which process this is; nothing is read from environment variables.

    Args:
        rank: Number of this process.
        processes: How many there are, all on this machine.
        store: A file that does not exist yet, the same for all of them.
        backend: `gloo` or `nccl`.
    """

    def __init__(self, rank: int, processes: int, store: Path, backend: str) -> None:
        super().__init__()
        self.rank = rank
        self.processes = processes
        self.store = store
        self.backend = backend
        rank_zero_only.rank = rank  # type: ignore[attr-defined]

    def join(self) -> None:
        """Meet the other processes in a process group, by a file and so without a port that may be taken."""
        if self.backend == "nccl":
            torch.cuda.set_device(self.rank)
        store = distributed.FileStore(str(self.store), self.processes)  # type: ignore[attr-defined]
        distributed.init_process_group(self.backend, store=store, rank=self.rank, world_size=self.processes)

    @property
    def creates_processes_externally(self) -> bool:
        """True: galaxynet has started them."""
        return True

    @property
    def main_address(self) -> str:
        """Not used: the process group is there already."""
        return "127.0.0.1"

    @property
    def main_port(self) -> int:
        """Not used: the process group is there already."""
        return 0

    @staticmethod
    def detect() -> bool:
        """False: it is never chosen by itself."""
        return False

    def world_size(self) -> int:
        """The number of processes."""
        return self.processes

    def set_world_size(self, size: int) -> None:
        """Nothing: it is known."""

    def global_rank(self) -> int:
        """The number of this process."""
        return self.rank

    def set_global_rank(self, rank: int) -> None:
        """Nothing: it is known."""

    def local_rank(self) -> int:
        """The number of this process."""
        return self.rank

    def node_rank(self) -> int:
        """Zero: there is one machine."""
        return 0
