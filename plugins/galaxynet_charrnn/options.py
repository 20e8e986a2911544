"""The options of charrnn and of its texts. Imports no torch: `--help` reads this module."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from galaxynet.plugin import Options, option


class CharRNNOptions(Options):
    """Options of the network and of its training."""

    hidden: int = option(100, "units of each recurrent layer", ge=1, le=16384)
    cell: Literal["rnn", "lstm", "gru"] = option("rnn", "type of the recurrent layers")
    layers: int = option(1, "recurrent layers", ge=1, le=32)
    dropout: float = option(0.0, "share of each layer's outputs to drop", ge=0, lt=1)
    mode: Literal["auto", "faithful", "practical"] = option(
        "auto",
        "faithful: learn as min-char-rnn does (Adagrad, gradients clipped to 5 each, summed loss); "
        "practical: Adam and a clipped gradient norm; auto: faithful for what min-char-rnn can do, which is "
        "one rnn layer and one stream",
    )
    lr: float | None = option(
        None, "learning rate; by default 0.1 in faithful mode and 0.002 in practical mode", gt=0, le=100
    )
    schedule: Literal["constant", "cosine", "one-cycle"] = option(
        "constant", "learning-rate schedule over the whole training"
    )
    sample_every: float = option(
        10.0, "seconds between samples of generated text during training; 0: none", ge=0
    )


class TextOptions(Options):
    """How a text is divided and read."""

    sequence: int = option(25, "characters read between two updates of the weights", ge=1)
    streams: int = option(1, "positions in the text that are read in parallel", ge=1)
    iterations: int | None = option(
        None,
        "updates per epoch; by default 1,000 with one stream, else one pass over the text",
        ge=1,
    )
    test_fraction: float = option(
        0.1, "share of the text, at its end, that is held out for the final test", gt=0, lt=1
    )


class TextFileOptions(TextOptions):
    """Options of a text file of the user's."""

    file: Path | None = option(None, "the text to read, UTF-8", metavar="FILE")
