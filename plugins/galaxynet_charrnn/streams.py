"""A text as batches of sequences: consecutive ones in training, every character once in a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from galaxynet.data.batches import Batch
from galaxynet.tasks.language_model import IGNORED

_READ_TOGETHER = 32
"""Batches to read from the text at once: reading a single one takes just as long."""


def sequences_of_a_pass(characters: int, streams: int, sequence: int) -> int:
    """Sequences that a stream holds, by the rule of min-char-rnn.

    min-char-rnn starts over when `position + sequence + 1 >= characters`, so the last character is never
    predicted. 0 or less if the text is too short.
    """
    return ((characters - 1) // streams - 1) // sequence


class StreamBatches:
    """Training batches: consecutive sequences of each stream.

    The text is cut into as many equal pieces as there are streams; update `k` of the training reads
    sequence `k % pass` of each. So the position in the text depends only on the number of the update, and
    a resumed training continues where it stopped.

    Args:
        tokens: The training part, integers of shape (characters,), on the device.
        streams: Positions that are read in parallel, over all processes.
        sequence: Characters of a sequence.
        updates: Batches of an epoch.
        epoch: Returns the number of the epoch; called at its start.
        rank: Number of this process.
        processes: How many share the streams; those without one have empty batches.
    """

    def __init__(
        self,
        tokens: Tensor,
        *,
        streams: int,
        sequence: int,
        updates: int,
        epoch: Callable[[], int],
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self.tokens = tokens
        self.sequence = sequence
        self.updates = updates
        self.epoch = epoch
        self.per_pass = sequences_of_a_pass(len(tokens), streams, sequence)
        length = (len(tokens) - 1) // streams
        self.begins = _share(rank, streams, processes, tokens.device) * length

    def __len__(self) -> int:
        """Batches of an epoch."""
        return self.updates

    def __iter__(self) -> Iterator[Batch]:
        """The batches of the current epoch; sequences of shape (streams, characters)."""
        device = self.tokens.device
        first = self.epoch() * self.updates
        within = torch.arange(self.sequence + 1, device=device)
        for begin in range(first, first + self.updates, _READ_TOGETHER):
            end = min(begin + _READ_TOGETHER, first + self.updates)
            all_positions = torch.arange(begin, end) % self.per_pass
            starts = all_positions.to(device)[:, None] * self.sequence + self.begins
            read = self.tokens[starts[:, :, None] + within].long()
            for sequences, positions in zip(read, all_positions, strict=True):
                yield Batch(sequences[:, :-1], sequences[:, 1:], positions.expand(len(sequences)))


class EvaluationBatches:
    """Held-out text: every character but the first is predicted exactly once, over all processes.

    It is read from several positions in parallel. That is faster, but the first characters of each have
    little context.

    Args:
        tokens: The part, integers of shape (characters,), on the device; at least two.
        streams: Positions that are read in parallel, over all processes.
        rank: Number of this process.
        processes: How many share the streams; those without one have empty batches.
        chunk: Characters of a batch.
    """

    def __init__(
        self, tokens: Tensor, *, streams: int, rank: int = 0, processes: int = 1, chunk: int = 128
    ) -> None:
        self.tokens = tokens
        self.chunk = chunk
        self.length = -(-(len(tokens) - 1) // streams)
        self.begins = _share(rank, streams, processes, tokens.device) * self.length

    def __len__(self) -> int:
        """Batches, the same for every process."""
        return -(-self.length // self.chunk)

    def __iter__(self) -> Iterator[Batch]:
        """Batches of shape (streams, characters); targets behind the end of a stream are `IGNORED`."""
        device, last = self.tokens.device, len(self.tokens) - 1
        for number in range(len(self)):
            begin = number * self.chunk
            end = min(begin + self.chunk, self.length)
            positions = self.begins[:, None] + torch.arange(begin, end, device=device)
            inputs = self.tokens[positions.clamp(max=last)].long()
            targets = self.tokens[(positions + 1).clamp(max=last)].long()
            targets = torch.where(positions < last, targets, IGNORED)
            yield Batch(inputs, targets, torch.full((len(self.begins),), number, device=device))


def _share(rank: int, streams: int, processes: int, device: torch.device) -> Tensor:
    """The streams of a process, int64; none for some if there are more processes than streams."""
    return torch.tensor(range(rank, streams, processes), dtype=torch.int64, device=device)
