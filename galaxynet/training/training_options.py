"""The options of the trainer."""

from __future__ import annotations

from typing import Literal

from galaxynet.errors import OptionError
from galaxynet.options import RUN, Options, option


class TrainingOptions(Options):
    """Options of the trainer, the same for every network and dataset."""

    epochs: int = option(10, "passes over the training part", ge=1)
    batch_size: int = option(64, "samples per step, of all devices together", ge=1)
    validation: float = option(
        0.1, "part of the training samples that chooses the best epoch and is not trained on", ge=0, lt=1
    )
    seed: int = option(0, "seed of weights, order and augmentation", ge=0, le=2**32 - 1)
    patience: int = option(
        0, "stop after this many epochs without a better validation metric; 0: never", ge=0
    )
    ema: float = option(
        0.0,
        "decay of a moving average of the weights, which is tested and kept, such as 0.998; 0: no average",
        ge=0,
        lt=1,
    )
    views: Literal[1, 2, 4, 8] = option(
        1, "mirrored and rotated views of an image, over which test and prediction average"
    )
    teacher: tuple[str, ...] = option(
        (), "learn also what the network of this run answers to the training images", metavar=RUN
    )
    unlabelled: bool = option(
        False, "with --teacher: learn what it answers to the dataset's images without a label, too"
    )
    precision: Literal["auto", "float32", "bf16", "fp16"] = option(
        "auto", "number format of the forward pass; auto: bf16 where the hardware has it, else float32"
    )
    accelerator: Literal["auto", "cpu", "gpu", "mps"] = option("auto", "what to compute on")
    devices: int = option(1, "GPUs to use; with --accelerator cpu, processes", ge=1)
    threads: int = option(0, "CPU threads of each process; 0: one on each core that it has", ge=0, le=1024)
    weights: str | None = option(
        None,
        "begin with the weights of this run, or with shipped ones; its network's shape and the size, crop, "
        "channels and normalisation of its images come with them",
        metavar=RUN,
    )
    freeze: tuple[str, ...] = option(
        (), "module of the network to keep as it is, with its batch statistics", metavar="MODULE"
    )
    layer_decay: float = option(
        1.0,
        "factor of the learning rate from a block of layers to the one before it, towards the input; 1: none",
        gt=0,
        le=1,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.unlabelled and not self.teacher:
            raise OptionError(
                "--unlabelled: images without a label are learnt from the answers of a teacher.",
                "Name a trained network with --teacher RUN.",
            )
