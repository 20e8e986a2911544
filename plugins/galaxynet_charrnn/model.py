"""charrnn as a LightningModule: trained as min-char-rnn was, or as networks are today."""

from __future__ import annotations

import math
from typing import Any

import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.optim import Optimizer

from galaxynet.errors import OptionError
from galaxynet.plugin import DataInfo, OptimizerOptions
from galaxynet.tasks.language_model import LanguageModel
from galaxynet.tasks.shares import rank_and_size
from galaxynet_charrnn.network import CharRNNNetwork
from galaxynet_charrnn.options import CharRNNOptions

_FAITHFUL_LR, _PRACTICAL_LR = 0.1, 2e-3
_LARGEST_GRADIENT, _LARGEST_NORM = 5.0, 1.0
_MEMORY = 0.999
_GATES = {"rnn": 1, "gru": 3, "lstm": 4}
_SMALL = 2**22
"""Multiplications for one character of all streams, below which a second thread costs more than it gains."""


class CharRNN(LanguageModel):
    """Trains a `CharRNNNetwork` to predict the next character.

    Faithful mode is A. Karpathy's min-char-rnn (2015): weights 0.01 N(0, 1), the loss summed over a
    sequence, each gradient clipped to 5, Adagrad with 1e-8 under the root.

    Args:
        options: Layers, mode, and how it learns.
        data_info: Vocabulary, streams, and the length of a sequence as `input_shape`.

    Attributes:
        faithful: Whether it trains as min-char-rnn does.
        smooth_loss: The summed loss of a sequence in nats, `0.999 smooth + 0.001 loss` after each update,
            from that of equally likely characters; it is logged as `train/smooth_loss`.
        small: Whether the steps are so small that a single thread is fastest.

    Raises:
        OptionError: If faithful mode is combined with options that min-char-rnn lacks.
    """

    options: CharRNNOptions

    precisions = ("float32",)
    updates_per_step = 100

    def __init__(self, options: CharRNNOptions, data_info: DataInfo) -> None:
        characters = len(data_info.vocabulary)
        network = CharRNNNetwork(characters, options.hidden, options.layers, options.dropout, options.cell)
        super().__init__(network, options, data_info, sample_every=options.sample_every)
        self.faithful = _is_faithful(options, self.streams)
        if self.faithful:
            network.initialise_like_min_char_rnn()
        self.small = self.streams * options.hidden**2 * _GATES[options.cell] <= _SMALL
        (sequence,) = data_info.input_shape
        self.smooth_loss = sequence * math.log(characters)

    def objective(self, loss: Tensor, characters: int) -> Tensor:
        """The sum over the sequence in faithful mode, else the mean."""
        return loss * characters if self.faithful else loss

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip each gradient to 5 in faithful mode, else their norm to 1."""
        if self.faithful:
            torch.nn.utils.clip_grad_value_(self.network.parameters(), _LARGEST_GRADIENT)
        else:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), _LARGEST_NORM)

    def first_state(self, streams: int) -> Tensor | None:
        """The carried state in faithful mode, as min-char-rnn's own samples have it; else zeros.

        Adagrad's first steps are so large that units saturate. A state of zeros, which the single stream sees
        only once per pass, can then lead to states that the network was never trained on.
        """
        carried = self.carried_state
        if not self.faithful or carried is None:
            return None
        expanded: Tensor = carried.to(self.device).expand(-1, streams, -1)
        return expanded

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Adagrad in faithful mode, else Adam."""
        options = self.options
        if not self.faithful:
            return self.optimize_with(
                OptimizerOptions(lr=options.lr or _PRACTICAL_LR, schedule=options.schedule)
            )
        # Sums that begin at 1e-8 are min-char-rnn's sqrt(sum + 1e-8).
        return torch.optim.Adagrad(
            [parameter for parameter in self.network.parameters() if parameter.requires_grad],
            lr=options.lr or _FAITHFUL_LR,
            initial_accumulator_value=1e-8,
            eps=0.0,
            fused=self.device.type == "cpu",
        )

    def setup(self, stage: str) -> None:
        """Use one thread if a second one would only slow the training down."""
        self._threads = torch.get_num_threads()
        if self.small and self.trainer.strategy.root_device.type == "cpu":
            torch.set_num_threads(1)

    def teardown(self, stage: str) -> None:
        """Restore the number of threads."""
        torch.set_num_threads(self._threads)

    def count_losses(self, losses: Tensor) -> None:
        """Add the losses of the latest updates to the averages."""
        super().count_losses(losses)
        (sequence,) = self.data_info.input_shape
        for loss in losses.tolist():
            self.smooth_loss = _MEMORY * self.smooth_loss + (1 - _MEMORY) * loss * sequence

    def on_train_epoch_end(self) -> None:
        """Also log the smoothed loss."""
        super().on_train_epoch_end()
        self._average_smooth_loss()
        self.log("train/smooth_loss", self.smooth_loss)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Also save the smoothed loss."""
        super().on_save_checkpoint(checkpoint)
        self._average_smooth_loss()
        checkpoint["smooth_loss"] = self.smooth_loss

    def _average_smooth_loss(self) -> None:
        """Average the smoothed loss over all streams; each process has smoothed that of its own."""
        rank, processes = rank_and_size()
        if processes == 1:
            return
        streams = len(range(rank, self.streams, processes))
        # Smoothing is linear, so the smoothed losses can be averaged over the streams.
        mine = self.smooth_loss * streams / self.streams
        part = torch.tensor(mine, dtype=torch.float64, device=self.device)
        self.smooth_loss = float(self.trainer.strategy.reduce(part, reduce_op="sum"))

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Also restore the smoothed loss."""
        super().on_load_checkpoint(checkpoint)
        self.smooth_loss = checkpoint["smooth_loss"]


def _is_faithful(options: CharRNNOptions, streams: int) -> bool:
    checks = {
        f"--cell {options.cell}": options.cell != "rnn",
        f"--layers {options.layers}": options.layers > 1,
        f"--dropout {options.dropout:g}": options.dropout > 0,
        f"--schedule {options.schedule}": options.schedule != "constant",
        f"--streams {streams}": streams > 1,
    }
    unsupported = [flag for flag, is_unsupported in checks.items() if is_unsupported]
    if options.mode == "faithful" and unsupported:
        raise OptionError(
            f"--mode faithful does what min-char-rnn does, and that has no {', '.join(unsupported)}.",
            "Use --mode practical, or leave these options out.",
        )
    return options.mode == "faithful" or (options.mode == "auto" and not unsupported)
