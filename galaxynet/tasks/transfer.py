"""Begin a training with the weights of another network: what fits is copied, the rest begins at random."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from galaxynet.errors import UsageError
from galaxynet.tasks.task import Task

HEAD = "head"
"""The name of a network's output layer, if it has a module of that name."""


@dataclass(frozen=True)
class Transfer:
    """What was copied.

    Attributes:
        tensors: Parameters and buffers of the network.
        taken: How many of them were copied.
        modules: Names of the modules that were copied whole.
        new: Names of the modules that were not copied.
    """

    tensors: int
    taken: int
    modules: tuple[str, ...]
    new: tuple[str, ...]


def copy_weights(network: Task, source: Task, *, name: str, label: str) -> Transfer:
    """Copy the layers that match by the names and shapes of their tensors.

    The output layer is copied only if both networks give the same columns: two networks may have four classes
    each and mean others.

    Args:
        network: The network to be trained.
        source: The trained one.
        name: The name of the network, for messages.
        label: The name of the source.

    Raises:
        UsageError: If no layer matches.
    """
    ours, theirs = network.network.state_dict(), source.network.state_dict()
    fits = {key for key, tensor in ours.items() if key in theirs and theirs[key].shape == tensor.shape}
    if _outputs(network) != _outputs(source):
        output = output_layer(network.network)
        fits = {key for key in fits if not is_within(key, output)}
    # A bias without its weights, or batch statistics without their scale, mean nothing.
    broken = {_layer(key) for key in ours.keys() - fits}
    taken = {key for key in fits if _layer(key) not in broken}
    if not any(key in taken for key, _ in network.network.named_parameters()):
        raise UsageError(
            f"The weights of {label} ({_children(source.network)}) fit no layer of {name} "
            f"({_children(network.network)}).",
            "Name a run of the same network, or of one with layers of the same name and shape.",
        )
    with torch.no_grad():
        for key in taken:
            ours[key].copy_(theirs[key])
    return Transfer(len(ours), len(taken), _whole(taken, ours), _whole(ours.keys() - taken, ours))


def output_layer(network: nn.Module) -> str:
    """The name of the output layer: `head` if there is one, else the last layer with parameters."""
    if isinstance(getattr(network, HEAD, None), nn.Module):
        return HEAD
    layers: list[str] = [
        name for name, module in network.named_modules() if list(module.parameters(recurse=False))
    ]
    return layers[-1]


def digest(network: nn.Module) -> str:
    """Sixteen hex digits that identify the weights of a network, whatever file they are kept in."""
    hasher = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        hasher.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        hasher.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return hasher.hexdigest()[:16]


def is_within(name: str, prefix: str) -> bool:
    """True if a module or tensor is the module `prefix` or lies in it."""
    return name == prefix or name.startswith(f"{prefix}.")


def _outputs(task: Task) -> tuple[Any, ...]:
    info = task.data_info
    columns = tuple(column.name for column in task.output_columns())
    return task.task, columns, tuple(info.classes), info.extra.get("vocabulary")


def _layer(tensor: str) -> str:
    return tensor.rpartition(".")[0]


def _children(network: nn.Module) -> str:
    names = [name for name, module in network.named_children() if list(module.parameters())]
    return ", ".join(names) or "no layers"


def _whole(selected: Collection[str], everything: Collection[str]) -> tuple[str, ...]:
    """The shortest names of modules, or of tensors, that hold selected tensors alone."""
    names: dict[str, None] = {}
    for tensor in everything:
        if tensor in selected:
            parts = tensor.split(".")
            prefixes: Sequence[str] = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
            whole = (p for p in prefixes if all(t in selected for t in everything if is_within(t, p)))
            names[next(whole)] = None
    return tuple(names)
