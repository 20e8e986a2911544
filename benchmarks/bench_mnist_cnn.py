"""An epoch of mnist_cnn in galaxynet and in Keras, on the same images, with the same batches of 32.

Keras runs in a Python of its own, which has TensorFlow; the two programs take turns, and each times its own
epochs, so that no start of a program is counted. The first epoch of each turn does not count either.

    python -m benchmarks.bench_mnist_cnn --keras-python venv-tf/bin/python --samples 12800
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Report, parser, ratio

_GOAL = 1.5

_OURS = """
import sys, time
from pathlib import Path
import galaxynet
from galaxynet import terminal
from galaxynet.training.callbacks import EpochSeeds
folder, scratch, epochs = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
starts, plain = [], EpochSeeds.on_train_epoch_start
def note(self, trainer, module):
    starts.append(time.perf_counter())
    plain(self, trainer, module)
EpochSeeds.on_train_epoch_start = note
terminal.set_quiet(True)
galaxynet.train("mnist_cnn", epochs=epochs + 2, batch_size=32, validation=0.0, folder=folder,
                runs_dir=scratch / "runs", data_dir=scratch)
print(*(after - before for before, after in zip(starts[1:], starts[2:])))
"""

_KERAS = """
import sys, time
import numpy as np
import tensorflow as tf
from tensorflow.keras import layers, models
images = np.fromfile(sys.argv[1], np.uint8).reshape(-1, 28, 28, 1) / np.float32(255)
labels = np.arange(len(images)) % 10
model = models.Sequential([
    layers.Input((28, 28, 1)),
    layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2),
    layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(2),
    layers.Conv2D(64, 3, activation="relu"), layers.Flatten(),
    layers.Dense(64, activation="relu"), layers.Dense(10)])
model.compile("adam", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
assert model.count_params() == 93_322
model.fit(images, labels, batch_size=32, epochs=1, verbose=0)
for _ in range(int(sys.argv[2])):
    began = time.perf_counter()
    model.fit(images, labels, batch_size=32, epochs=1, verbose=0)
    print(time.perf_counter() - began, end=" ")
"""


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--keras-python", type=Path, required=True, help="a Python that has TensorFlow")
    arguments.add_argument("--samples", type=int, default=12_800, help="images of an epoch")
    arguments.add_argument("--epochs", type=int, default=2, help="epochs of a turn that count")
    arguments.add_argument("--rounds", type=int, default=3, help="turns of each")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        pixels = random_digits(folder, given.samples)
        ours: list[float] = []
        keras: list[float] = []
        for _ in range(given.rounds):
            ours.append(timed([sys.executable, "-c", _OURS, str(folder), scratch, str(given.epochs)]))
            keras.append(timed([str(given.keras_python), "-c", _KERAS, str(pixels), str(given.epochs)]))
    report = Report(
        "mnist_cnn, an epoch beside Keras", f"{given.samples:,} images, batch 32, {os.cpu_count()} cores"
    )
    report.add("galaxynet's speed / Keras'", ratio(keras, ours), goal=_GOAL)
    report.add("galaxynet", given.samples / statistics.median(ours), "samples/s")
    report.add("Keras", given.samples / statistics.median(keras), "samples/s")
    report.emit(given.json)


def timed(words: list[str]) -> float:
    """Median of the seconds that a program prints."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{words[0]} failed:\n{done.stderr[-2000:]}")
    return statistics.median(map(float, done.stdout.split()))


def random_digits(folder: Path, samples: int) -> Path:
    """Idx files of random images, and the same training pixels as a plain file for Keras."""
    import numpy as np

    chance = np.random.default_rng(0)
    for part, count in (("train", samples), ("t10k", 256)):
        images = chance.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        for name, values in (("images-idx3", images), ("labels-idx1", labels)):
            sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
            header = bytes([0, 0, 8, values.ndim])
            (folder / f"{part}-{name}-ubyte").write_bytes(header + sizes + values.tobytes())
        if part == "train":
            (folder / "pixels").write_bytes(images.tobytes())
    return folder / "pixels"


if __name__ == "__main__":
    main()
