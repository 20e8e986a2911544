"""A trained network, applied to batches of prepared images."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from galaxynet import terminal
from galaxynet.catalogue.columns import Block, Column
from galaxynet.data.batches import Normalization
from galaxynet.errors import GalaxynetError, RunError, UsageError
from galaxynet.evaluation.conformal import ConformalSets
from galaxynet.evaluation.features import FeatureRecorder
from galaxynet.evaluation.novelty import NOVELTY, NoveltyModel
from galaxynet.evaluation.prior import Prior
from galaxynet.evaluation.vote_intervals import VoteIntervals
from galaxynet.images.preprocessing import Preprocessing
from galaxynet.prediction.vote_columns import interval_cells, with_interval_columns
from galaxynet.tasks import Classifier, Task, VoteFractions

Precision = Literal["float32", "bf16", "fp16"]
Accelerator = Literal["auto", "cpu", "gpu", "mps"]

BATCH_SIZE = 256

_CACHED_PIXELS = 1 << 19
"""A CPU gets images of at most this many pixels at once: what the layers compute then stays in its caches.

With more, galaxy_votes was 1.2 to 1.5 times as slow, and galaxy_alexnet as fast.
"""

NOVELTY_COLUMN = Column(
    "novelty",
    "float32",
    "",
    "stat.rank",
    "distance to the training images in the network's features; 99 % of images like those are below 1",
)
_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass
class AppliedNetwork:
    """A network on its device, ready to be given images.

    Attributes:
        task: The network with its outputs.
        preprocessing: How images become its inputs.
        device: Where it computes.
        precision: Number format of the forward pass.
        batch_size: Images at once; on a CPU, fewer of large ones. Halved when memory runs out.
        novelty: What the column `novelty` is computed with; None for no such column.
        conformal: What the column `set` is computed with.
        coverage: Share of sets that hold the true class, between 0 and 1; None for no such column.
        intervals: What the intervals of vote fractions are computed with; None for no such columns.
        prior: Shares of the classes that the probabilities are shifted to; None for those of the training.
    """

    task: Task
    preprocessing: Preprocessing
    device: torch.device
    precision: Precision = "float32"
    batch_size: int = BATCH_SIZE
    novelty: NoveltyModel | None = None
    conformal: ConformalSets | None = None
    coverage: float | None = None
    intervals: VoteIntervals | None = None
    prior: Prior | None = None

    def __post_init__(self) -> None:
        if self.precision == "fp16" and self.device.type == "cpu":
            raise UsageError("--precision fp16 needs a GPU.", "Leave it out.")
        if self.prior is not None and isinstance(self.task, Classifier):
            self.task.prior_shift = self.prior.shift
        self.task = self.task.eval().to(self.device, memory_format=torch.channels_last)
        normalization = Normalization(self.preprocessing.mean, self.preprocessing.std)
        self._normalize = normalization.on(self.device)
        if self.device.type == "cpu":
            images = max(1, _CACHED_PIXELS // (self.preprocessing.height * self.preprocessing.width))
            self.batch_size = min(self.batch_size, 1 << (images.bit_length() - 1))

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that the network gives.

        Raises:
            RunError: If its task declares none.
        """
        columns = self.task.output_columns()
        if not columns:
            raise RunError(f"A network for {self.task.task} gives no columns of a catalogue.")
        if self.intervals is not None and isinstance(self.task, VoteFractions):
            columns = with_interval_columns(columns, self.task)
        if self.novelty is not None:
            columns += (NOVELTY_COLUMN,)
        if self.coverage is not None:
            columns += (_set_column(self.coverage),)
        return columns

    @property
    def questions_without_intervals(self) -> list[str]:
        """Names of the questions whose columns of intervals have NaN in every row."""
        if self.intervals is None or not isinstance(self.task, VoteFractions):
            return []
        return self.intervals.missing(self.task.tree)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, ordered as the probabilities."""
        return self.task.data_info.classes

    def inputs(self, pixels: npt.NDArray[np.uint8]) -> torch.Tensor:
        """Normalised inputs of images of shape (n, height, width, channels)."""
        return self._normalize(torch.from_numpy(pixels).to(self.device).permute(0, 3, 1, 2))

    def __call__(self, pixels: npt.NDArray[np.uint8]) -> Block:
        """The cells of `columns` for some images.

        Args:
            pixels: uint8, shape (n, height, width, channels).
        """
        parts: list[Block] = []
        start = 0
        with torch.inference_mode(), exact_arithmetic():
            while start < len(pixels):
                try:
                    parts.append(self._apply(pixels[start : start + self.batch_size]))
                except RuntimeError as error:
                    if not _is_out_of_memory(error):
                        raise
                    if self.batch_size == 1:
                        raise GalaxynetError("Not even one image fits into the memory.") from error
                    self._halve()
                    continue
                start += self.batch_size
        return {
            column.name: _joined(column, [part[column.name] for part in parts]) for column in self.columns
        }

    def _apply(self, pixels: npt.NDArray[np.uint8]) -> Block:
        inputs = self.inputs(pixels)
        with FeatureRecorder(self.task) as recorder, self._autocast():
            outputs = self.task.outputs(inputs)
            features = recorder.features(inputs) if self.novelty is not None else None
        cells = {
            name: np.array(cells, dtype=object)
            if isinstance(cells, Sequence)
            else cells.detach().float().cpu().numpy()
            for name, cells in outputs.items()
        }
        if self.intervals is not None and isinstance(self.task, VoteFractions):
            cells |= interval_cells(cells, self.task, self.intervals)
        if self.novelty is not None:
            cells[NOVELTY_COLUMN.name] = self._score(self.novelty, features)
        if self.conformal is not None and self.coverage is not None:
            probabilities = np.stack([cells[f"p_{name}"] for name in self.classes], axis=1)
            members = self.conformal.sets(probabilities, self.coverage)
            texts = [
                "|".join(name for name, is_in in zip(self.classes, row, strict=True) if is_in)
                for row in members
            ]
            cells[_set_column(self.coverage).name] = np.array(texts, dtype=object)
        return cells

    def _score(self, novelty: NoveltyModel, features: torch.Tensor | None) -> npt.NDArray[np.float32]:
        if features is None or features.shape[1] != novelty.references.shape[1]:
            raise RunError(
                f"The file {NOVELTY} of the run is of another network.",
                "Remove it to predict without novelty.",
            )
        return novelty.score(features.cpu().numpy()).astype(np.float32)

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        if self.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=_TYPES[self.precision])

    def _halve(self) -> None:
        self.batch_size //= 2
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        terminal.note(f"out of memory: continuing with batches of {self.batch_size}")


def _set_column(coverage: float) -> Column:
    description = (
        f"classes that hold the true one for at least {100 * coverage:g} % of images like those of the "
    )
    return Column("set", "string", "", "meta.code.class", description + "validation part, joined by |")


def _is_out_of_memory(error: RuntimeError) -> bool:
    """True if the memory of the device was too small; for the CPU, PyTorch has no class of its own."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


@contextlib.contextmanager
def exact_arithmetic() -> Iterator[None]:
    """float32 in full: some GPUs compute convolutions with fewer digits by default."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def _joined(column: Column, parts: list[Any]) -> npt.NDArray[Any]:
    return np.concatenate(parts) if parts else np.empty(0, column.dtype)
