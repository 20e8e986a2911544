"""What galaxynet costs beside a bare PyTorch loop: an epoch of the small autoencoder, 600 batches of 100.

Both train 784-32-784 with sigmoid and Adagrad on the same 60,000 images in memory, in one process, an epoch
each in turn; galaxynet's epoch has everything in it that `galaxynet train` does between two epochs (losses,
metrics.csv, checkpoints). Without --data the images are random: the time is the same.

    python -m benchmarks.bench_fashion_ae --epochs 9 --threads 1
"""

from __future__ import annotations

import gzip
import os
import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import Report, parser, ratio

_GOAL = 1.10


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--epochs", type=int, default=9, help="epochs of each that count")
    arguments.add_argument("--threads", type=int, default=0, help="threads of PyTorch; 0: as many as cores")
    arguments.add_argument("--data", type=Path, help="folder of Fashion-MNIST's idx files")
    given = arguments.parse_args()
    import torch

    if given.threads:
        torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.data or random_images(Path(scratch) / "images")
        bare, fused, ours = alternate_epochs(folder.absolute(), Path(scratch), given.epochs)
    report = Report(
        "fashion_ae, an epoch of 600 batches",
        f"784-32-784, batch 100, float32, {torch.get_num_threads()} threads of {os.cpu_count()} cores",
    )
    report.add("galaxynet / bare PyTorch loop", ratio(ours, bare), goal=_GOAL, bound="at most", unit="times")
    report.add("galaxynet / bare loop with the fused optimiser", ratio(ours, fused))
    report.add("bare PyTorch loop", sorted(bare)[len(bare) // 2], "s")
    report.add("galaxynet train", sorted(ours)[len(ours) // 2], "s")
    report.emit(given.json)


def alternate_epochs(
    folder: Path, scratch: Path, epochs: int
) -> tuple[list[float], list[float], list[float]]:
    """Seconds of each epoch of the bare loop, of the same with a fused optimiser, and of galaxynet."""
    import galaxynet
    from galaxynet import terminal
    from galaxynet.data.idx import read_idx
    from galaxynet.training.callbacks import EpochSeeds

    images = read_idx(next(folder.glob("train-images*")), axes=3)
    bare, fused = bare_loop(images, fused=False), bare_loop(images, fused=True)
    seconds: tuple[list[float], list[float], list[float]] = ([], [], [])
    resumed: list[float] = []
    plain = EpochSeeds.on_train_epoch_start

    def between(self: EpochSeeds, trainer: Any, pl_module: Any) -> None:
        if resumed:
            seconds[2].append(time.perf_counter() - resumed[-1])
        for index, loop in enumerate((bare, fused)):
            began = time.perf_counter()
            loop()
            seconds[index].append(time.perf_counter() - began)
        plain(self, trainer, pl_module)
        resumed.append(time.perf_counter())

    # The callback that runs first in an epoch; there is no other place between two epochs of one fit.
    EpochSeeds.on_train_epoch_start = between  # type: ignore[method-assign]
    terminal.set_quiet(True)
    try:
        # One epoch more at the start, which does not count, and one at the end, whose end is not seen.
        galaxynet.train(
            "fashion_ae", epochs=epochs + 2, folder=folder, runs_dir=scratch / "runs", data_dir=scratch
        )
    finally:
        EpochSeeds.on_train_epoch_start = plain  # type: ignore[method-assign]
    return seconds[0][1:-1], seconds[1][1:-1], seconds[2][1:]


def bare_loop(images: Any, fused: bool) -> Callable[[], float]:
    """A function that trains one epoch as one would write it without any framework."""
    import torch
    from torch import nn

    pixels = torch.from_numpy(images).flatten(1)
    network = nn.Sequential(nn.Linear(784, 32), nn.Sigmoid(), nn.Linear(32, 784))
    for parameter in network.parameters():
        nn.init.normal_(parameter)
    optimizer = torch.optim.Adagrad(network.parameters(), lr=0.1, fused=fused)

    def epoch() -> float:
        order = torch.randperm(len(pixels))
        total = torch.zeros(())
        for start in range(0, len(pixels), 100):
            batch = pixels[order[start : start + 100]].float()
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(network(batch), batch)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += loss.detach()
        return float(total)

    return epoch


def random_images(folder: Path) -> Path:
    """Four idx files of Fashion-MNIST's sizes with random pixels."""
    import numpy as np

    folder.mkdir()
    chance = np.random.default_rng(0)
    for part, count in (("train", 60_000), ("t10k", 1_000)):
        for name, shape, top in (("images-idx3", (count, 28, 28), 256), ("labels-idx1", (count,), 10)):
            values = chance.integers(0, top, shape, dtype=np.uint8)
            header = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
            with gzip.open(folder / f"{part}-{name}-ubyte.gz", "wb", compresslevel=1) as stream:
                stream.write(header + values.tobytes())
    return folder


if __name__ == "__main__":
    main()
