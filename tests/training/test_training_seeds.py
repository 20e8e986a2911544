"""What `--seed` decides in a training."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

import galaxynet
from galaxynet.training.callbacks import EpochSeeds


@pytest.mark.promise("Measurements")
@pytest.mark.usefixtures("toys")
def test_the_seed_decides_the_initial_weights() -> None:
    """A network's initial weights depend on `--seed`, and on nothing that ran before."""

    def weights(seed: int) -> Any:
        torch.manual_seed(torch.seed())
        run = galaxynet.train("toynet", epochs=1, lr=1e-12, seed=seed)
        return torch.load(run.checkpoint(), weights_only=True)["state_dict"]["network.1.weight"]

    first, again, other = weights(3), weights(3), weights(4)
    assert torch.equal(first, again)
    assert not torch.allclose(first, other, atol=1e-3)


@pytest.mark.promise("Measurements")
def test_every_epoch_has_chance_of_its_own() -> None:
    """Dropout differs from epoch to epoch, process to process and seed to seed, and repeats for the same."""

    def draw(seed: int, epoch: int, rank: int) -> tuple[float, ...]:
        trainer: Any = SimpleNamespace(current_epoch=epoch, global_rank=rank)
        EpochSeeds(seed).on_train_epoch_start(trainer, None)  # type: ignore[arg-type]
        return tuple(torch.rand(4).tolist())

    cases = [(seed, epoch, rank) for seed in range(3) for epoch in range(3) for rank in range(3)]
    drawn = {case: draw(*case) for case in cases}
    assert len(set(drawn.values())) == len(cases)
    assert all(draw(*case) == drawn[case] for case in reversed(cases))
