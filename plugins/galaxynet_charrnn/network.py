"""The network: recurrent layers over characters, and a linear layer that scores the next one."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from galaxynet_charrnn.tanh_rnn import tanh_recurrence

State = Any


class TanhLayers(nn.Module):
    """Layers of tanh units, each with one bias, as in min-char-rnn.

    The first layer's input weights are a table with a row per character: the product with a one-hot vector
    selects a row.

    Args:
        characters: Size of the vocabulary.
        hidden: Units of each layer.
        layers: Number of layers.
        dropout: Share of the outputs between two layers that is dropped in training.
    """

    def __init__(self, characters: int, hidden: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Embedding(characters, hidden)
        self.inputs = nn.ModuleList(nn.Linear(hidden, hidden, bias=False) for _ in range(layers - 1))
        self.recurrent = nn.ParameterList(torch.empty(hidden, hidden) for _ in range(layers))
        self.biases = nn.ParameterList(torch.zeros(hidden) for _ in range(layers))
        self.dropout = dropout
        bound = hidden**-0.5
        for weight in [self.first.weight, *self.recurrent]:
            nn.init.uniform_(weight, -bound, bound)

    def forward(self, tokens: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Outputs of the last layer, shape (characters, streams, hidden), and the state to carry on.

        Args:
            tokens: int64, shape (characters, streams).
            state: Shape (layers, streams, hidden); None for zeros.
        """
        outputs = self.first(tokens)
        if state is None:
            state = outputs.new_zeros(len(self.recurrent), tokens.shape[1], outputs.shape[2])
        ends = []
        for layer, (weight, bias) in enumerate(zip(self.recurrent, self.biases, strict=True)):
            if layer:
                outputs = functional.dropout(outputs, self.dropout, self.training)
                outputs = self.inputs[layer - 1](outputs)
            outputs = tanh_recurrence(outputs + bias, weight, state[layer])
            ends.append(outputs[-1])
        return outputs, torch.stack(ends)


class GatedLayers(nn.Module):
    """PyTorch's LSTM or GRU over a table of characters.

    Args:
        characters: Size of the vocabulary.
        hidden: Units of each layer, and width of the table.
        layers: Number of layers.
        dropout: Share of the outputs between two layers that is dropped in training.
        cell: Which of the two.
    """

    def __init__(
        self, characters: int, hidden: int, layers: int, dropout: float, cell: Literal["lstm", "gru"]
    ) -> None:
        super().__init__()
        self.table = nn.Embedding(characters, hidden)
        layer_class = nn.LSTM if cell == "lstm" else nn.GRU
        # PyTorch warns if there is dropout but only one layer.
        self.layers = layer_class(hidden, hidden, layers, dropout=dropout if layers > 1 else 0.0)

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """As `TanhLayers`; the state is PyTorch's own."""
        outputs, state = self.layers(self.table(tokens), state)
        return outputs, state


class CharRNNNetwork(nn.Module):
    """Scores for the next character after each character of a sequence.

    Args:
        characters: Size of the vocabulary.
        hidden: Units of each recurrent layer.
        layers: Number of recurrent layers.
        dropout: Share of the outputs of each layer that is dropped in training.
        cell: Type of the layers.
    """

    def __init__(
        self,
        characters: int,
        hidden: int = 100,
        layers: int = 1,
        dropout: float = 0.0,
        cell: Literal["rnn", "lstm", "gru"] = "rnn",
    ) -> None:
        super().__init__()
        self.recurrent: nn.Module = (
            TanhLayers(characters, hidden, layers, dropout)
            if cell == "rnn"
            else GatedLayers(characters, hidden, layers, dropout, cell)
        )
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden, characters)

    def forward(self, tokens: Tensor, state: State = None) -> tuple[Tensor, State]:
        """Logits of shape (streams, characters, vocabulary), and the state to carry on.

        Args:
            tokens: Indices in the vocabulary, int64, shape (streams, characters).
            state: The state that the last call returned; None at the beginning of a text.
        """
        # On a CPU, PyTorch's gated layers fail or are slow in bf16, and the plain one is too small to
        # benefit.
        with torch.autocast(tokens.device.type, enabled=False):
            outputs, state = self.recurrent(tokens.t(), state)
            logits: Tensor = self.output(self.dropout(outputs)).transpose(0, 1)
        return logits, state

    def initialise_like_min_char_rnn(self) -> None:
        """All weights normally distributed with standard deviation 0.01, all biases zero."""
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.01)
            else:
                nn.init.zeros_(parameter)
