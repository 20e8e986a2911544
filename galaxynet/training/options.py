"""The trainer's options: what holds for every network and every dataset."""

from __future__ import annotations

from typing import Literal

from galaxynet.options import Options, option


class TrainingOptions(Options):
    """How long, on what and how exactly a network is trained."""

    epochs: int = option(10, "passes over the training part", ge=1)
    batch_size: int = option(64, "samples per step, of all devices together", ge=1)
    validation: float = option(
        0.1, "part of the training samples that chooses the best epoch and is not trained on", ge=0, lt=1
    )
    seed: int = option(0, "seed of weights, order and augmentation", ge=0, le=2**32 - 1)
    patience: int = option(0, "stop after so many epochs without a better validation metric; 0: never", ge=0)
    precision: Literal["auto", "float32", "bf16", "fp16"] = option(
        "auto", "number format of the forward pass; auto: bf16 where the hardware has it, else float32"
    )
    accelerator: Literal["auto", "cpu", "gpu", "mps"] = option("auto", "what to compute on")
    devices: int = option(1, "GPUs to use; with --accelerator cpu, processes", ge=1)
    threads: int = option(0, "CPU threads of each process; 0: one on each core that it has", ge=0, le=1024)
