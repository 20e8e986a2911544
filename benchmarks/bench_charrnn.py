"""charrnn beside min-char-rnn in numpy: updates and characters a second, on one text of random words.

    python -m benchmarks.bench_charrnn [--rounds N] [--json]

The two modes run through the whole of galaxynet (data module, task, Lightning's Trainer); the other side is
the arithmetic of A. Karpathy's gist, a Python loop over numpy with one-hot vectors.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch

from benchmarks.measure import Report
from galaxynet_charrnn.datamodule import TextFileData
from galaxynet_charrnn.model import CharRNN
from galaxynet_charrnn.options import CharRNNOptions, TextFileOptions

HIDDEN, SEQUENCE, STREAMS = 100, 25, 64


def text(characters: int) -> str:
    """Random words over the 75 characters that the novel has."""
    rng = np.random.default_rng(0)
    return "".join(map(chr, rng.integers(48, 48 + 75, characters)))


def min_char_rnn(tokens: Any, vocabulary: int, updates: int) -> float:
    """Updates a second of the gist's loop: 25 characters, one-hot columns, Adagrad."""
    rng = np.random.default_rng(0)
    wxh = rng.standard_normal((HIDDEN, vocabulary)) * 0.01
    whh = rng.standard_normal((HIDDEN, HIDDEN)) * 0.01
    why = rng.standard_normal((vocabulary, HIDDEN)) * 0.01
    bh, by = np.zeros((HIDDEN, 1)), np.zeros((vocabulary, 1))
    weights = [wxh, whh, why, bh, by]
    memory = [np.zeros_like(weight) for weight in weights]
    before = np.zeros((HIDDEN, 1))
    began = time.perf_counter()
    for number in range(updates):
        inputs = tokens[number * SEQUENCE : (number + 1) * SEQUENCE]
        targets = tokens[number * SEQUENCE + 1 : (number + 1) * SEQUENCE + 1]
        xs, hs, ps = {}, {-1: before}, {}
        for t in range(SEQUENCE):
            xs[t] = np.zeros((vocabulary, 1))
            xs[t][inputs[t]] = 1
            hs[t] = np.tanh(wxh @ xs[t] + whh @ hs[t - 1] + bh)
            ys = why @ hs[t] + by
            ps[t] = np.exp(ys) / np.sum(np.exp(ys))
        gradients = [np.zeros_like(weight) for weight in weights]
        dwxh, dwhh, dwhy, dbh, dby = gradients
        later = np.zeros_like(before)
        for t in reversed(range(SEQUENCE)):
            dy = ps[t].copy()
            dy[targets[t]] -= 1
            dwhy += dy @ hs[t].T
            dby += dy
            raw = (1 - hs[t] * hs[t]) * (why.T @ dy + later)
            dbh += raw
            dwxh += raw @ xs[t].T
            dwhh += raw @ hs[t - 1].T
            later = whh.T @ raw
        before = hs[SEQUENCE - 1]
        for weight, gradient, squares in zip(weights, gradients, memory, strict=True):
            np.clip(gradient, -5, 5, out=gradient)
            squares += gradient * gradient
            weight -= 0.1 * gradient / np.sqrt(squares + 1e-8)
    return updates / (time.perf_counter() - began)


class Clock(lightning.Callback):
    """Times an epoch without the start of the Trainer, and without the first batch, which warms up."""

    def __init__(self) -> None:
        self.seconds, self.sequences, self._since = 0.0, 0, 0.0

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, index: int) -> None:
        """Count sequences."""
        if index == 0:
            self._since = time.perf_counter()
            return
        self.sequences += len(batch.inputs)
        self.seconds = time.perf_counter() - self._since


def galaxynet(file: Path, updates: int, model: dict[str, Any], data: dict[str, Any]) -> float:
    """Sequences a second of a training through the Trainer."""
    module = TextFileData(
        TextFileOptions(file=file, sequence=SEQUENCE, iterations=updates, **data),
        data_dir=file.parent,
        batch_size=100,
    )
    module.setup()
    clock = Clock()
    trainer = lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        callbacks=[clock],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        limit_val_batches=0,
        num_sanity_val_steps=0,
    )
    trainer.fit(CharRNN(CharRNNOptions(hidden=HIDDEN, sample_every=0, **model), module.info), module)
    return clock.sequences / clock.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--updates", type=int, default=1000, help="updates a round in one stream")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    torch.set_flush_denormal(True)
    practical = {"streams": STREAMS}
    measured: dict[str, list[float]] = {name: [] for name in ("numpy", "faithful", "rnn", "lstm", "gru")}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "words.txt"
        file.write_text(text(700_000))
        # The same characters for numpy: codes from 0 to 74.
        tokens = np.frombuffer(file.read_bytes(), dtype=np.uint8).astype(np.int64) - 48
        for _ in range(args.rounds):
            measured["numpy"].append(min_char_rnn(tokens, 75, max(args.updates // 4, 1)))
            measured["faithful"].append(galaxynet(file, args.updates, {}, {}))
            for cell in ("rnn", "lstm", "gru"):
                measured[cell].append(galaxynet(file, max(args.updates // 10, 3), {"cell": cell}, practical))
    medians = {name: float(np.median(rates)) for name, rates in measured.items()}
    ratio = {name: float(np.median(np.divide(rates, measured["numpy"]))) for name, rates in measured.items()}
    report = Report(
        "charrnn",
        f"{HIDDEN} units, sequences of {SEQUENCE} characters, {STREAMS} streams in practical mode; "
        f"{torch.get_num_threads()} threads, median of {args.rounds} alternating rounds",
    )
    report.add("min-char-rnn in numpy", medians["numpy"], "updates/s")
    report.add("charrnn, faithful mode", medians["faithful"], "updates/s")
    report.add("faithful mode against numpy, updates", ratio["faithful"], "times", 1.0)
    for cell in ("rnn", "lstm", "gru"):
        report.add(f"practical mode, {cell}", medians[cell] * SEQUENCE, "characters/s")
    report.add("practical mode (rnn) against numpy, characters", ratio["rnn"], "times", 15.0)
    report.emit(args.json)


if __name__ == "__main__":
    main()
