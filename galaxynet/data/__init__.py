"""Datasets: prepared arrays, splits, augmentation, and the data modules that networks are trained from."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from galaxynet.data.array_module import ArrayData as ArrayData
    from galaxynet.data.array_module import ArrayDataModule as ArrayDataModule
    from galaxynet.data.arrays import CachedArray as CachedArray
    from galaxynet.data.arrays import cached_array as cached_array
    from galaxynet.data.augmentation import Affine as Affine
    from galaxynet.data.batches import Batch as Batch
    from galaxynet.data.batches import DeviceBatches as DeviceBatches
    from galaxynet.data.batches import Normalization as Normalization
    from galaxynet.data.module import Baseline as Baseline
    from galaxynet.data.module import DataModule as DataModule
    from galaxynet.data.splits import Split as Split

# Imported on first use: most of them need torch, and a dataset's spec must be quick to import.
_HOME = {
    "Affine": "augmentation",
    "ArrayData": "array_module",
    "ArrayDataModule": "array_module",
    "Baseline": "module",
    "Batch": "batches",
    "CachedArray": "arrays",
    "DataModule": "module",
    "DeviceBatches": "batches",
    "Normalization": "batches",
    "Split": "splits",
    "cached_array": "arrays",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
