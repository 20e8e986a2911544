"""The network of galaxy_alexnet in Keras, trained on request; run by a Python that has tensorflow.

    python keras_worker.py EXTRA_CONVS SAMPLES BATCH

It prints a JSON line with the versions and the number of parameters, then, for each line on its standard
input, trains for one epoch with `model.fit` and prints the seconds that it took. It does not import
galaxynet.
"""

from __future__ import annotations

import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers

EXTRA = {0: (), 1: (384,), 3: (384, 384, 256)}


def network(extra_convs: int) -> keras.Model:
    steps = [
        layers.Input((60, 60, 1)),
        layers.Conv2D(96, 11, strides=4, padding="same", activation="relu"),
        layers.MaxPooling2D(3, 2, padding="same"),
        layers.Conv2D(265, 5, padding="same", activation="relu"),
        layers.MaxPooling2D(3, 2, padding="same"),
        *(layers.Conv2D(size, 3, padding="same", activation="relu") for size in EXTRA[extra_convs]),
        layers.MaxPooling2D(3, 2, padding="same"),
        layers.Flatten(),
        layers.Dense(1024, activation="relu"),
        layers.Dense(512, activation="relu"),
        layers.Dense(5, activation="softmax"),
    ]
    model = keras.Sequential(steps)
    model.compile(keras.optimizers.Adam(4e-4), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main() -> None:
    extra_convs, samples, batch = map(int, sys.argv[1:])
    generator = np.random.default_rng(0)
    images = generator.random((samples, 60, 60, 1), dtype=np.float32)
    classes = generator.integers(0, 5, samples)
    model = network(extra_convs)
    about = {"parameters": model.count_params(), "keras": keras.__version__, "tensorflow": tf.__version__}
    print(json.dumps(about), flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        model.fit(images, classes, batch_size=batch, epochs=1, verbose=0)
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
