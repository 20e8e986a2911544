"""Optimisers and learning-rate schedules from a model's options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR

from galaxynet.plugin import OptimizerOptions
from galaxynet.tasks.layers import blocks

_FUSED_DEVICES = ("cpu", "cuda", "mps")


def parameter_groups(network: nn.Module, lr: float, layer_decay: float = 1.0) -> list[dict[str, Any]]:
    """Parameters with their learning rates, as PyTorch's optimisers take them; those of the output first.

    The rate of each block of layers is `layer_decay` times that of the block after it, so a pretrained
    network changes less towards its input (Howard and Ruder 2018, arXiv:1801.06146, section 3.2; Bao et al.
    2021, arXiv:2106.08254).

    Args:
        network: The network; its frozen parameters are left out.
        lr: The learning rate of the output layer.
        layer_decay: The factor, over 0 to 1; 1 gives a single group.
    """
    if layer_decay == 1:
        trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
        return [{"params": trainable, "lr": lr}] if trainable else []
    groups = [
        {"params": [p for p in block if p.requires_grad], "lr": lr * layer_decay**distance}
        for distance, block in enumerate(reversed(blocks(network)))
    ]
    return [group for group in groups if group["params"]]


def build_optimizer(
    groups: Sequence[Mapping[str, Any]], options: OptimizerOptions, *, fused: bool = True
) -> torch.optim.Optimizer:
    """The optimiser that the options name, with a fused update if `fused` and the device has one.

    A fused update passes over the weights once instead of once per term of the formula. On a CPU that saves
    a good part of a small network's step.

    Args:
        groups: What `parameter_groups` returns.
        options: Optimiser, learning rate and weight decay.
        fused: Allow a fused update.
    """
    trainable = [parameter for group in groups for parameter in group["params"]]
    fused = (
        fused
        and bool(trainable)
        and all(
            parameter.device.type in _FUSED_DEVICES and parameter.is_floating_point()
            for parameter in trainable
        )
    )
    lr, decay = options.lr, options.weight_decay
    parameters = [dict(group) for group in groups]
    match options.optimizer:
        case "adam":
            return torch.optim.Adam(parameters, lr=lr, weight_decay=decay, fused=fused)
        case "adamw":
            return torch.optim.AdamW(parameters, lr=lr, weight_decay=decay, fused=fused)
        case "sgd":
            return torch.optim.SGD(parameters, lr=lr, weight_decay=decay, momentum=0.9, fused=fused)
        case "adagrad":
            # Its fused form exists only for the CPU.
            fused = fused and all(parameter.device.type == "cpu" for parameter in trainable)
            return torch.optim.Adagrad(parameters, lr=lr, weight_decay=decay, fused=fused)


def build_scheduler(
    optimizer: torch.optim.Optimizer, options: OptimizerOptions, steps: int
) -> LRScheduler | None:
    """The learning-rate schedule over `steps` optimiser steps; None if the rate is constant.

    `one-cycle` is Smith and Topin (2018): a rise from lr/25 to lr over the first 30 % of the steps, then a
    fall to lr/250,000. `cosine` falls from lr to zero (Loshchilov and Hutter, 2016). Each group has its own
    lr.
    """
    if options.schedule == "one-cycle":
        highest = [group["lr"] for group in optimizer.param_groups]
        # The momentum goes the other way, if there is one: Adagrad has none.
        has_momentum = bool({"betas", "momentum"} & optimizer.defaults.keys())
        return OneCycleLR(optimizer, max_lr=highest, total_steps=max(steps, 1), cycle_momentum=has_momentum)
    if options.schedule == "cosine":
        return CosineAnnealingLR(optimizer, T_max=max(steps, 1))
    return None
