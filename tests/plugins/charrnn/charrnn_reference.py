"""min-char-rnn in float64 numpy, character by character: what faithful mode is measured against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass
class MinCharRNN:
    """One tanh layer; the names of the weights are those of A. Karpathy's gist."""

    wxh: Array
    whh: Array
    why: Array
    bh: Array
    by: Array
    lr: float = 0.1
    memory: list[Array] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.memory = [np.zeros_like(weight) for weight in self.weights]
        self.hidden = np.zeros_like(self.bh)

    @property
    def weights(self) -> list[Array]:
        return [self.wxh, self.whh, self.why, self.bh, self.by]

    def update(self, inputs: Array, targets: Array) -> float:
        """Learn from one sequence; its summed loss."""
        states, chances, loss = {-1: self.hidden}, {}, 0.0
        for t, (char, target) in enumerate(zip(inputs, targets, strict=True)):
            states[t] = np.tanh(self.wxh[:, char] + self.whh @ states[t - 1] + self.bh)
            scores = self.why @ states[t] + self.by
            chances[t] = np.exp(scores) / np.exp(scores).sum()
            loss -= float(np.log(chances[t][target]))
        gradients = [np.zeros_like(weight) for weight in self.weights]
        dwxh, dwhh, dwhy, dbh, dby = gradients
        later = np.zeros_like(self.bh)
        for t in reversed(range(len(inputs))):
            dy = chances[t].copy()
            dy[targets[t]] -= 1
            dwhy += np.outer(dy, states[t])
            dby += dy
            raw = (1 - states[t] ** 2) * (self.why.T @ dy + later)
            dbh += raw
            dwxh[:, inputs[t]] += raw
            dwhh += np.outer(raw, states[t - 1])
            later = self.whh.T @ raw
        self.hidden = states[len(inputs) - 1]
        for weight, gradient, memory in zip(self.weights, gradients, self.memory, strict=True):
            np.clip(gradient, -5, 5, out=gradient)
            memory += gradient * gradient
            weight -= self.lr * gradient / np.sqrt(memory + 1e-8)
        return loss
