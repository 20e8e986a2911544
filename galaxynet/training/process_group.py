"""The process group of a training in several processes, and what Lightning must know of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.utilities.rank_zero import rank_zero_only
from torch import distributed

from galaxynet.training.ranks import Rank


@contextmanager
def process_group(rank: Rank, accelerator: str) -> Iterator[ClusterEnvironment]:
    """Join the other processes in a process group, which meets at a file: a port could be taken.

    Args:
        rank: Which process this is; if it is the only one, there is no group.
        accelerator: `cpu`, `cuda` or `mps`.

    Yields:
        The environment that tells Lightning which process this is.
    """
    if rank.processes == 1:
        yield LightningEnvironment()
        return
    backend = "nccl" if accelerator == "cuda" else "gloo"
    if backend == "nccl":
        torch.cuda.set_device(rank.number)
    store = distributed.FileStore(str(rank.store), rank.processes)  # type: ignore[attr-defined]
    distributed.init_process_group(backend, store=store, rank=rank.number, world_size=rank.processes)
    yield RankEnvironment(rank)
    # Not after an error, where NCCL may wait for a process that is gone.
    distributed.destroy_process_group()


class RankEnvironment(ClusterEnvironment):
    """Tells Lightning which process this is, without environment variables.

    Args:
        rank: Which process; all are on this machine.
    """

    def __init__(self, rank: Rank) -> None:
        super().__init__()
        self.rank = rank
        rank_zero_only.rank = rank.number  # type: ignore[attr-defined]

    @property
    def creates_processes_externally(self) -> bool:
        """True: galaxynet starts them."""
        return True

    @property
    def main_address(self) -> str:
        """Not used: the process group exists."""
        return "127.0.0.1"

    @property
    def main_port(self) -> int:
        """Not used: the process group exists."""
        return 0

    @staticmethod
    def detect() -> bool:
        """False: it is only used when it is passed to the trainer."""
        return False

    def world_size(self) -> int:
        """The number of processes."""
        return self.rank.processes

    def set_world_size(self, size: int) -> None:
        """Ignored: the rank has it."""

    def global_rank(self) -> int:
        """The number of this process."""
        return self.rank.number

    def set_global_rank(self, rank: int) -> None:
        """Ignored: the rank has it."""

    def local_rank(self) -> int:
        """The number of this process."""
        return self.rank.number

    def node_rank(self) -> int:
        """Zero: there is one machine."""
        return 0
