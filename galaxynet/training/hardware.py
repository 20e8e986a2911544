"""Which device, how many, and in which number format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch

from galaxynet.errors import UsageError
from galaxynet.phrases import count
from galaxynet.training.config import TrainingOptions


@dataclass(frozen=True)
class Hardware:
    """What a training runs on.

    Attributes:
        accelerator: `cpu`, `cuda` or `mps`: Lightning's name.
        devices: Number of GPUs; on a CPU, of processes.
        name: What a person calls the device, `cpu` or the GPU's name.
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


def choose(options: TrainingOptions) -> Hardware:
    """The hardware for a training.

    Raises:
        UsageError: If there is no such device here, or not so many.
    """
    accelerator = choose_accelerator(options)
    name = torch.cuda.get_device_name(0) if accelerator == "cuda" else accelerator
    return Hardware(accelerator, options.devices, name, _precision(options, accelerator))


def choose_accelerator(options: TrainingOptions) -> Literal["cpu", "cuda", "mps"]:
    """The accelerator for a training; nothing is done on it, and so none of its memory is taken.

    Raises:
        UsageError: If there is no such device here, or not so many.
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
