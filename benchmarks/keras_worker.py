"""galaxy_alexnet or galaxy_classifier in Keras, trained on request; run by a Python that has tensorflow.

    python keras_worker.py NETWORK EXTRA_CONVS SAMPLES BATCH

It prints a JSON line with the versions and the number of parameters, then, for each line on its standard
input, trains for one epoch with `model.fit` and prints the seconds that it took. It does not import
galaxynet.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers

EXTRA = {0: (), 1: (384,), 3: (384, 384, 256)}


def alexnet(extra_convs: int) -> keras.Model:
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
    return compiled(keras.Sequential(steps), keras.optimizers.Adam(4e-4))


def classifier() -> keras.Model:
    """Width 32, one block in each of four stages, a stem of stride 2."""

    def convolution(x: Any, size: int, side: int = 3, stride: int = 1, relu: bool = True) -> Any:
        x = layers.Conv2D(size, side, strides=stride, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        return layers.ReLU()(x) if relu else x

    images = layers.Input((96, 96, 3))
    x = convolution(images, 32, stride=2)
    for stage in range(4):
        size, stride = 32 * 2**stage, 2 if stage else 1
        short = x
        if stage:
            short = convolution(layers.AveragePooling2D(2)(x), size, side=1, relu=False)
        x = convolution(convolution(x, size, stride=stride), size, relu=False)
        x = layers.ReLU()(layers.Add()([x, short]))
    classes = layers.Dense(5, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    optimizer = keras.optimizers.AdamW(2e-3, weight_decay=0.05)
    return compiled(keras.Model(images, classes), optimizer)


def compiled(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> keras.Model:
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main() -> None:
    name, *numbers = sys.argv[1:]
    extra_convs, samples, batch = map(int, numbers)
    model = classifier() if name == "galaxy_classifier" else alexnet(extra_convs)
    generator = np.random.default_rng(0)
    images = generator.random((samples, *model.input_shape[1:]), dtype=np.float32)
    classes = generator.integers(0, 5, samples)
    about = {"parameters": model.count_params(), "keras": keras.__version__, "tensorflow": tf.__version__}
    print(json.dumps(about), flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        model.fit(images, classes, batch_size=batch, epochs=1, verbose=0)
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
