"""The command line that trains a network again: from its options, however they were given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from galaxynet.options import OptionField
from galaxynet.runs import OptionValues
from galaxynet.training.config import Components


def recipe(components: Components, options: OptionValues) -> list[str]:
    """The words of a `galaxynet train` command with every option that is not at its default.

    Args:
        components: The network and the dataset.
        options: The options, without folders.
    """
    words = ["galaxynet", "train", components.model_spec.name]
    if components.dataset_spec.name != components.model_spec.dataset:
        words += ["--dataset", components.dataset_spec.name]
    defaults = components.plan({}).options()
    known = components.fields()
    for name, value in options.merged().items():
        if name in known and value is not None and value != defaults.get(name):
            words += _words(known[name], value)
    return words


def _words(field: OptionField, value: Any) -> Iterator[str]:
    if isinstance(value, bool):
        yield field.flags[0] if value else field.flags[-1]
        return
    for part in value if isinstance(value, list | tuple) else [value]:
        yield field.flag
        yield f"{part:g}" if isinstance(part, float) else str(part)
