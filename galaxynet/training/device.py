"""The hardware that a training uses, and the settings of PyTorch and Lightning while it runs."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch

from galaxynet.errors import UsageError
from galaxynet.phrases import count
from galaxynet.training.training_options import TrainingOptions

_THREADS_VARIABLE = "OMP_NUM_THREADS"


@dataclass(frozen=True)
class Hardware:
    """What a training runs on.

    Attributes:
        accelerator: `cpu`, `cuda` or `mps`: Lightning's name.
        devices: Number of GPUs; on a CPU, of processes.
        name: The name to show: `cpu`, `mps` or the name of the GPU.
        precision: The number format of the forward pass, as `--precision` names it.
    """

    accelerator: Literal["cpu", "cuda", "mps"]
    devices: int
    name: str
    precision: Literal["float32", "bf16", "fp16"]

    @property
    def lightning_precision(self) -> Any:
        """Lightning's name of the number format."""
        return {"float32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}[self.precision]


def choose_hardware(options: TrainingOptions) -> Hardware:
    """Choose the hardware of a training.

    Raises:
        UsageError: If this machine has no such device, or too few.
    """
    accelerator = choose_accelerator(options)
    name = torch.cuda.get_device_name(0) if accelerator == "cuda" else accelerator
    return Hardware(accelerator, options.devices, name, _precision(options, accelerator))


def choose_accelerator(options: TrainingOptions) -> Literal["cpu", "cuda", "mps"]:
    """Choose the accelerator of a training, without using it, so none of its memory is taken.

    Raises:
        UsageError: If this machine has no such device, or too few.
    """
    accelerator = _accelerator(options)
    available = {"cuda": torch.cuda.device_count(), "mps": 1}.get(accelerator)
    if available is not None and options.devices > available:
        raise UsageError(
            f"--devices {options.devices}, but this machine has {count(available, 'GPU')}.",
            f"Use --devices {available}" + (" or --accelerator cpu." if accelerator == "cuda" else "."),
        )
    if accelerator == "cpu" and options.devices > 1 and options.accelerator == "auto":
        raise UsageError(
            f"--devices {options.devices}, but this machine has no GPU.",
            "Use --devices 1, or --accelerator cpu to train in several processes.",
        )
    return accelerator


def _accelerator(options: TrainingOptions) -> Literal["cpu", "cuda", "mps"]:
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if options.accelerator == "cpu":
        return "cpu"
    if options.accelerator == "mps" and not mps:
        raise UsageError("--accelerator mps, but this machine has no Apple GPU.", "Use --accelerator auto.")
    if options.accelerator == "gpu" and not (cuda or mps):
        raise UsageError(
            "--accelerator gpu, but this machine has no GPU that PyTorch can use.",
            "Use --accelerator auto.",
        )
    if cuda and options.accelerator != "mps":
        return "cuda"
    return "mps" if mps else "cpu"


def _precision(options: TrainingOptions, accelerator: str) -> Literal["float32", "bf16", "fp16"]:
    if options.precision == "fp16" and accelerator == "cpu":
        raise UsageError("--precision fp16 needs a GPU.", "Use --precision auto.")
    if options.precision == "auto":
        return "bf16" if _fast_bf16(accelerator) else "float32"
    return options.precision


def _fast_bf16(accelerator: str) -> bool:
    """Whether bf16 is done in hardware; emulated, it is slower than float32."""
    if accelerator == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if accelerator == "cpu":
        able = torch.cpu.get_capabilities()
        return bool(able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16"))
    return False


@contextmanager
def compute_settings(threads: int) -> Iterator[None]:
    """The settings of a training: threads, denormal numbers, and silence from Lightning.

    Args:
        threads: CPU threads of this process; 0 for as many as there are now.
    """
    with quiet_lightning(), _flushed_denormals(), compute_threads(threads):
        yield


@contextmanager
def compute_threads(threads: int) -> Iterator[None]:
    """Compute with a number of threads, in this process and in those of the same training.

    Args:
        threads: How many; 0 for as many as there are now.
    """
    before, variable = torch.get_num_threads(), os.environ.get(_THREADS_VARIABLE)
    if threads:
        torch.set_num_threads(threads)
        os.environ[_THREADS_VARIABLE] = str(threads)  # or Lightning divides the cores among several processes
    try:
        yield
    finally:
        torch.set_num_threads(before)
        if variable is None:
            os.environ.pop(_THREADS_VARIABLE, None)
        else:
            os.environ[_THREADS_VARIABLE] = variable


@contextmanager
def _flushed_denormals() -> Iterator[None]:
    """Treat denormal numbers as zero: they are slow on a CPU and make no difference to a network."""
    before = sys.float_info.min / 2 == 0.0  # torch has no getter
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Silence Lightning's own messages; galaxynet prints what matters."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning.*")
        warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
