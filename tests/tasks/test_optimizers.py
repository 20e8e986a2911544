"""Optimisers and schedules, as networks' options name them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from galaxynet.plugin import OptimizerOptions
from galaxynet.tasks.optimizers import build_optimizer, build_scheduler, parameter_groups


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one-cycle"])
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "adagrad"])
def test_every_optimiser_takes_every_schedule(optimizer: Any, schedule: Any) -> None:
    """Each pair trains, from a rate of at most `lr` to one near zero unless it is constant."""
    network = nn.Linear(2, 1)
    options = OptimizerOptions(optimizer=optimizer, schedule=schedule, lr=0.1)
    built = build_optimizer(parameter_groups(network, options.lr), options)
    scheduler = build_scheduler(built, options, 20)
    rates = []
    for _ in range(20):
        built.zero_grad()
        torch.autograd.backward(network(torch.ones(4, 2)).square().mean())
        rates.append(built.param_groups[0]["lr"])
        built.step()
        if scheduler is not None:
            scheduler.step()
    assert max(rates) == pytest.approx(0.1)
    assert (rates[-1] < 0.01) is (schedule != "constant")
