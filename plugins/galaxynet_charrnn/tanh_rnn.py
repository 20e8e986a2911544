"""The plain recurrent layer, with a backward pass written out.

PyTorch's own layer records some ten operations per character for the backward pass. Here the whole sequence
is a single operation with a gradient of four lines, which is about twice as fast for small layers.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _Recurrence(torch.autograd.Function):
    """`h[t] = tanh(u[t] + h[t-1] W^T)` for all t."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, start: Tensor) -> Tensor:
        """Hidden states of shape (characters, streams, hidden) from inputs of the same shape."""
        transposed = weight.t()
        hidden = start
        states = []
        for step in inputs.unbind(0):
            hidden = torch.addmm(step, hidden, transposed).tanh_()
            states.append(hidden)
        hidden_states = torch.stack(states)
        ctx.save_for_backward(hidden_states, weight, start)
        return hidden_states

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        """The gradient through time, from the last character to the first; it ends at the carried state."""
        (upper,) = gradients
        states, weight, start = ctx.saved_tensors
        slopes = torch.addcmul(
            torch.ones((), dtype=states.dtype, device=states.device), states, states, value=-1
        )
        above, slope = upper.unbind(0), slopes.unbind(0)
        steps = [above[-1] * slope[-1]]
        for t in range(len(above) - 2, -1, -1):
            steps.append(torch.addmm(above[t], steps[-1], weight).mul_(slope[t]))
        inward = torch.stack(steps[::-1])
        before = torch.cat([start[None], states[:-1]])
        return inward, inward.flatten(0, 1).t() @ before.flatten(0, 1), None


def tanh_recurrence(inputs: Tensor, weight: Tensor, start: Tensor) -> Tensor:
    """A tanh recurrence over a sequence: `h[t] = tanh(u[t] + h[t-1] W^T)`.

    Args:
        inputs: The input of each step (`u`), shape (characters, streams, hidden).
        weight: The recurrent weights (`W`), shape (hidden, hidden).
        start: The state before the first step, shape (streams, hidden). No gradient flows into it.

    Returns:
        The states after each step, of the shape of `inputs`.
    """
    hidden_states: Tensor = _Recurrence.apply(inputs, weight, start)  # type: ignore[no-untyped-call]
    return hidden_states
