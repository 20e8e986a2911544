"""The features of a network's inputs: what its last layer reads."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from galaxynet.tasks import Task


@runtime_checkable
class HasFeatures(Protocol):
    """A task that says itself what the features of its inputs are."""

    def features(self, inputs: Tensor) -> Tensor:
        """Features of a batch of inputs, shape (n, features)."""
        ...


class FeatureRecorder:
    """Records the features of a network's inputs while it computes something else.

    Those of the network's own method `features` where it has one, else what the linear layer that ran last
    was given.

        with FeatureRecorder(task) as recorder:
            outputs = task.outputs(inputs)
        features = recorder.features(inputs)

    Args:
        task: The network, in evaluation mode.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._handles: list[Any] = []
        self._input: Tensor | None = None

    def __enter__(self) -> FeatureRecorder:
        layers = [module for module in self._task.modules() if isinstance(module, nn.Linear)]
        self._handles = [layer.register_forward_pre_hook(self._keep) for layer in layers]
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def features(self, inputs: Tensor) -> Tensor | None:
        """The features of the batch that was computed last; None if the network has no linear layer.

        Args:
            inputs: That batch.

        Returns:
            float32, shape (n, features).
        """
        if isinstance(self._task, HasFeatures):
            return self._task.features(inputs).detach().flatten(1).float()
        recorded = self._input
        return recorded if recorded is not None and len(recorded) == len(inputs) else None

    def _keep(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._input = inputs[0].detach().flatten(1).float() if inputs and inputs[0].ndim > 1 else None
