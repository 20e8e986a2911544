"""Language modelling: predict the next character, carry the state along the text, generate new text."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from galaxynet import terminal
from galaxynet.data.batches import Batch
from galaxynet.plugin import DataInfo, Options
from galaxynet.tasks.average import EpochMean
from galaxynet.tasks.shares import rank_and_size
from galaxynet.tasks.task import Task
from galaxynet.tasks.writing import check_request

State = Any
"""What a network carries from one sequence to the next: a tensor or a tuple of them, None at the start."""

IGNORED = -100
"""A target that is not counted: padding behind the end of a stream."""

_SAMPLE_LENGTH = 200


class LanguageModel(Task):
    """A network that reads text character by character and predicts the next one.

    A batch holds a sequence of each stream: `inputs` and `targets` are int64 of shape (streams, characters).
    `indices`, on the CPU, are the position of the sequence in its stream; at 0, its beginning, the carried
    state is reset. The data module gives the number of parallel `streams` and the `vocabulary` in
    `DataInfo.extra`.

    Args:
        network: Maps (inputs of shape (streams, characters), state) to (logits of shape (streams,
            characters, vocabulary), state).
        options: The model's options.
        data_info: Vocabulary and streams.
        sample_every: Seconds between samples of text shown during training; 0 for none.
    """

    task = "language"
    metric = "bits_per_character"
    higher_is_better = False

    def __init__(
        self, network: nn.Module, options: Options, data_info: DataInfo, *, sample_every: float = 0.0
    ) -> None:
        super().__init__(network, options, data_info)
        self.vocabulary = data_info.vocabulary
        self.streams = int(data_info.extra.get("streams", 1))
        self.sample_every = sample_every
        self._state: State = None
        self._losses: list[Tensor] = []
        self._characters = 0
        self._evaluation_state: State = None
        self._sampled = time.monotonic()

    def objective(self, loss: Tensor, characters: int) -> Tensor:
        """The loss to minimise: the mean cross-entropy of an update; a subclass may weight it."""
        return loss

    def first_state(self, streams: int) -> State:
        """The initial state for held-out and generated text; None unless a subclass overrides it."""
        return None

    @property
    def carried_state(self) -> State:
        """The state after the last update, for all streams; None before the first."""
        return self._state

    def training_step(self, batch: Batch, index: int) -> Tensor:
        if int(batch.indices[0]) == 0:
            self._state = None
        logits, state = self.network(batch.inputs, self._state)
        self._state = _detached(state)
        loss = functional.cross_entropy(logits.flatten(0, 1), batch.targets.flatten())
        self._losses.append(loss.detach())
        self._characters += batch.targets.numel()
        return self.objective(loss, batch.targets.shape[1])

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Count the losses, and show a sample of text now and then."""
        if self._losses:
            self.count_losses(torch.stack(self._losses))
            self._losses, self._characters = [], 0
        if not self.sample_every or terminal.is_quiet() or not self.trainer.is_global_zero:
            return
        if time.monotonic() - self._sampled >= self.sample_every:
            text = "".join(self.generate("", _SAMPLE_LENGTH, seed=self.trainer.global_step))
            terminal.note((f"it writes in epoch {self.trainer.current_epoch + 1}:", "dim"), f"\n{text}")
            self._sampled = time.monotonic()

    def count_losses(self, losses: Tensor) -> None:
        """Add the losses of the latest updates to the averages.

        Args:
            losses: The loss of each update before it, in nats per character, shape (updates,).
        """
        self.train_loss.add(losses.mean(), self._characters)

    def on_train_epoch_end(self) -> None:
        """Log the epoch's loss in nats and in bits per character, and the learning rate."""
        self._log("train", self.train_loss)
        self.log("lr", self.learning_rate())

    def on_validation_epoch_start(self) -> None:
        """Give every process a carried state with which held-out text begins."""
        self._share_state()

    def on_test_epoch_start(self) -> None:
        """Give every process a carried state with which held-out text begins."""
        self._share_state()

    def _share_state(self) -> None:
        # The first process always has a stream; the others may have none, and no state.
        if self.streams < self.trainer.world_size:
            state = self.trainer.strategy.broadcast(_on_cpu(self._state))
            if self.trainer.global_rank >= self.streams:
                self._state = _moved(state, self.device)

    def validation_step(self, batch: Batch, index: int) -> None:
        if int(batch.indices[0]) == 0:
            self._evaluation_state = self.first_state(len(batch.inputs))
        logits, self._evaluation_state = self.network(batch.inputs, self._evaluation_state)
        characters = int((batch.targets != IGNORED).sum())
        if characters:
            loss = functional.cross_entropy(
                logits.flatten(0, 1), batch.targets.flatten(), ignore_index=IGNORED
            )
            self.evaluation_loss.add(loss, characters)

    def test_step(self, batch: Batch, index: int) -> None:
        self.validation_step(batch, index)

    def on_validation_epoch_end(self) -> None:
        """Log the validation loss in nats and in bits per character."""
        self._log("val", self.evaluation_loss)

    def on_test_epoch_end(self) -> None:
        """Log the test loss in nats and in bits per character."""
        self._log("test", self.evaluation_loss)

    def _log(self, part: str, mean: EpochMean) -> None:
        loss = mean.compute(self.device)
        self.log(f"{part}/loss", loss)
        self.log(f"{part}/{self.metric}", loss / math.log(2))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save the carried state of every process: an epoch can end in the middle of the text."""
        mine = _on_cpu(self._state)
        states = [mine]
        _, processes = rank_and_size()
        if processes > 1:
            states = [None] * processes
            torch.distributed.all_gather_object(states, mine)
        checkpoint["carried_states"] = states

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        states = checkpoint.get("carried_states", [None])
        rank, _ = rank_and_size()
        state = states[rank] if rank < len(states) else None
        self._state = state  # on the CPU: the network's device is only known when the training starts

    def on_train_start(self) -> None:
        """Move a loaded state to the network's device."""
        self._state = _moved(self._state, self.device)
        self._sampled = time.monotonic()

    def generate(
        self, prime: str = "", length: int = 500, *, temperature: float = 1.0, seed: int = 0
    ) -> Iterator[str]:
        """The characters that follow `prime`, one by one.

        Args:
            prime: The beginning; empty to start a new line. Carriage returns and a byte order mark are
                removed if they were removed from the text.
            length: Number of characters to generate.
            temperature: Divides the logits; 0 always takes the likeliest character.
            seed: The same seed gives the same text; 0 to 2**32 - 1.

        Raises:
            UsageError: If the prime is not a string, or has characters that were not in the text, or a number
                is out of range.
        """
        prime = check_request(self.vocabulary, prime, length, temperature=temperature, seed=seed)
        start = prime or ("\n" if "\n" in self.vocabulary else self.vocabulary[0])
        return self._draw(start, length, temperature, torch.Generator().manual_seed(int(seed)))

    def _draw(self, start: str, length: int, temperature: float, rng: torch.Generator) -> Iterator[str]:
        indices = {char: index for index, char in enumerate(self.vocabulary)}
        read, state = [indices[char] for char in start], self.first_state(1)
        training = self.network.training
        self.network.eval()
        try:
            for _ in range(length):
                with torch.no_grad():
                    logits, state = self.network(torch.tensor([read], device=self.device), state)
                # Sampled on the CPU: every device then gives the same text for the same probabilities.
                last = logits[0, -1].float().cpu()
                if temperature == 0:
                    index = int(last.argmax())
                else:
                    # The maximum is subtracted first, since a very low temperature must not overflow.
                    weights = functional.softmax((last - last.max()) / temperature, dim=0)
                    index = int(torch.multinomial(weights, 1, generator=rng))
                yield self.vocabulary[index]
                read = [index]
        finally:
            self.network.train(training)


def _detached(state: State) -> State:
    return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()


def _moved(state: State, device: torch.device) -> State:
    if state is None:
        return None
    return tuple(part.to(device) for part in state) if isinstance(state, tuple) else state.to(device)


def _on_cpu(state: State) -> State:
    return _moved(state, torch.device("cpu"))
