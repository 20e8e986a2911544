"""The layers of a network: which are frozen, and how far each is from the output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import nn

from galaxynet.errors import UsageError

Blocks = list[list[nn.Parameter]]

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def select_modules(network: nn.Module, prefixes: Sequence[str]) -> list[nn.Module]:
    """The modules that `--freeze` names.

    Args:
        network: The network.
        prefixes: Names of modules, `backbone` or `backbone.stages.0`; a module's parts belong to it.

    Raises:
        UsageError: If there is no such module, or it has no parameters.
    """
    return [_select(network, prefix) for prefix in prefixes]


def _select(network: nn.Module, prefix: str) -> nn.Module:
    module, path = network, ""
    for part in prefix.split("."):
        names = [name for name, child in module.named_children() if _has_parameters(child)]
        if part not in names:
            inside = f"{path} has" if path else "this network has"
            raise UsageError(
                f"--freeze {prefix}: {inside} no module {part!r} with parameters.",
                f"Choose from {', '.join(f'{path}.{name}' if path else name for name in names)}."
                if names
                else f"{path} has no modules: freeze it as a whole.",
            )
        module, path = module.get_submodule(part), f"{path}.{part}" if path else part
    return module


def blocks(network: nn.Module) -> Blocks:
    """The parameters of a network in blocks, from the input to the output, as declared.

    Lists of modules are taken apart, and so is a module that holds a list of blocks (a backbone with its
    stages); every other module is one block, a residual block for example. A layer of vectors alone, such as
    a normalisation, belongs to the block before it.
    """
    collected: Blocks = []
    seen: set[nn.Parameter] = set()
    _collect(network, collected, seen)
    return collected


def _collect(module: nn.Module, collected: Blocks, seen: set[nn.Parameter]) -> None:
    _add(module.parameters(recurse=False), collected, seen)
    for child in module.children():
        if _is_list(child) or any(_is_stack(part) for part in child.children()):
            _collect(child, collected, seen)
        else:
            _add(child.parameters(), collected, seen)


def _add(parameters: Iterable[nn.Parameter], collected: Blocks, seen: set[nn.Parameter]) -> None:
    new = [parameter for parameter in parameters if parameter not in seen]
    seen.update(new)
    if not new:
        return
    if collected and all(parameter.dim() < 2 for parameter in new):
        collected[-1] += new
    else:
        collected.append(new)


def _is_list(module: nn.Module) -> bool:
    return isinstance(module, _CONTAINERS)


def _is_stack(module: nn.Module) -> bool:
    """True for a list of modules that have modules of their own."""
    return _is_list(module) and any(list(child.children()) for child in module.children())


def _has_parameters(module: nn.Module) -> bool:
    return next(module.parameters(), None) is not None
