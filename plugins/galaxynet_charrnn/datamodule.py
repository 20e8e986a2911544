"""Texts as data modules: the first part is for training, the next for validation, the last for the test."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from galaxynet.data.module import DataModule
from galaxynet.errors import DataError, UsageError
from galaxynet.paths import absence, expanded
from galaxynet.plugin import DataInfo
from galaxynet.terminal import note
from galaxynet_charrnn import NOVEL, PRIDE_AND_PREJUDICE, TEXT
from galaxynet_charrnn.options import TextFileOptions, TextOptions
from galaxynet_charrnn.streams import EvaluationBatches, StreamBatches, sequences_of_a_pass
from galaxynet_charrnn.text import Corpus, encode, read_text, without_licence

_ONE_STREAM = 1000
_EVALUATION_STREAMS = 64
_LEAST_CONTEXT = 500


class TextDataModule(DataModule):
    """A text in three contiguous parts. A sample is a sequence of `--sequence` characters.

    The parts are pieces of the text, not sequences drawn from all of it: a sequence whose neighbours were
    trained on would not show how the network does on unseen text.
    """

    options: TextOptions
    _corpus: Corpus | None = None

    @abstractmethod
    def read(self) -> str:
        """The text.

        Raises:
            DataError: If it is missing or cannot be used.
        """

    def prepare_data(self) -> None:
        """Read the text, and print how it is divided. Immediate the second time."""
        if self._corpus is None:
            self.setup()
            counts = [f"{len(tokens):,} {part}" for part, tokens in self.parts.items()]
            note(
                f"{len(self.corpus.tokens):,} characters: {', '.join(counts)}; a sample is a sequence of "
                f"{self.options.sequence}, and an epoch trains on {self.sizes['train']:,} of them"
            )

    def setup(self, stage: str | None = None) -> None:
        """Read the text and check that it can be trained on. Immediate the second time.

        Raises:
            DataError: If it cannot be used.
        """
        if self._corpus is None:
            self._corpus = encode(self.read())
            self._check()

    @property
    def corpus(self) -> Corpus:
        """The text as numbers.

        Raises:
            DataError: Before `setup`.
        """
        if self._corpus is None:
            raise DataError(f"The text of {self.name} is not open.", "Call setup() first.")
        return self._corpus

    @property
    def parts(self) -> dict[str, npt.NDArray[np.int32]]:
        """The training, validation and test part, each an int32 array of shape (characters,)."""
        tokens = self.corpus.tokens
        tested = len(tokens) - int(len(tokens) * self.options.test_fraction)
        validated = tested - int(tested * self.validation)
        return {
            "train": tokens[:validated],
            "validation": tokens[validated:tested],
            "test": tokens[tested:],
        }

    def _check(self) -> None:
        parts, options = self.parts, self.options
        if len(self.corpus.vocabulary) == 1:
            raise DataError(
                f"The only character of the text is {self.corpus.vocabulary!r}: there is nothing to learn.",
                "Take another text.",
            )
        if sequences_of_a_pass(len(parts["train"]), options.streams, options.sequence) < 1:
            least = (options.sequence + 1) * options.streams + 1
            raise DataError(
                f"The text is too short: {len(parts['train']):,} characters are left to learn from, and "
                f"--streams {options.streams} with --sequence {options.sequence} takes {least:,}.",
                "Take a longer text, or fewer streams or a shorter sequence.",
            )
        for part, needed in (("validation", self.validation > 0), ("test", True)):
            if needed and len(parts[part]) < 2:
                raise DataError(
                    f"The text is too short: its {part} part has {len(parts[part])} characters of "
                    f"{len(self.corpus.tokens):,}, and it takes 2.",
                    "Take a longer text, or a larger part of it.",
                )

    @property
    def updates(self) -> int:
        """Updates of the weights in an epoch."""
        options = self.options
        if options.iterations is not None:
            return options.iterations
        if options.streams == 1:
            return _ONE_STREAM
        return sequences_of_a_pass(len(self.parts["train"]), options.streams, options.sequence)

    @property
    def info(self) -> DataInfo:
        """Vocabulary and streams."""
        extra = {"vocabulary": self.corpus.vocabulary, "streams": self.options.streams}
        return DataInfo(self.name, (self.options.sequence,), (), extra)

    @property
    def sizes(self) -> dict[str, int]:
        """Sequences of an epoch, and of the held-out parts."""
        parts, sequence = self.parts, self.options.sequence
        return {
            "train": self.updates * self.options.streams,
            "validation": -(-max(len(parts["validation"]) - 1, 0) // sequence),
            "test": -(-(len(parts["test"]) - 1) // sequence),
        }

    @property
    def summary(self) -> dict[str, Any]:
        """Characters of each part, the vocabulary, and the digest: a run is resumed only on the same text."""
        return {
            "characters": len(self.corpus.tokens),
            **{f"{part}_characters": len(tokens) for part, tokens in self.parts.items()},
            "different_characters": len(self.corpus.vocabulary),
            "vocabulary": self.corpus.vocabulary,
            "digest": self.corpus.digest,
        }

    @property
    def ids(self) -> Sequence[int | str]:
        """The position of each character."""
        return range(len(self.corpus.tokens))

    @property
    def test_ids(self) -> Sequence[int | str]:
        """A hash of the test part: runs are comparable only on the same text."""
        corpus, tested = self.corpus, self.parts["test"]
        text = "".join(corpus.vocabulary[token] for token in tested.tolist())
        return [hashlib.sha256(text.encode()).hexdigest()]

    @property
    def group_size(self) -> int:
        """How many batches training is given at once: `batch_size` sequences."""
        return min(self.updates_per_step, max(1, self.batch_size // self.options.streams))

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Return a batch unchanged: all but the indices is on the device already."""
        return batch

    def train_dataloader(self) -> StreamBatches:
        """Training batches, in text order."""
        streams = self.options.streams
        return StreamBatches(
            self._on_device("train"),
            streams=streams,
            sequence=self.options.sequence,
            updates=self.updates,
            epoch=self.epoch,
            rank=self.rank,
            processes=self.processes,
        )

    def val_dataloader(self) -> EvaluationBatches | list[EvaluationBatches]:
        """The validation part, or an empty list if nothing is held out."""
        return self._evaluation("validation") if len(self.parts["validation"]) > 1 else []

    def test_dataloader(self) -> EvaluationBatches:
        """The test part."""
        return self._evaluation("test")

    def _evaluation(self, part: str) -> EvaluationBatches:
        tokens = self._on_device(part)
        streams = max(1, min(_EVALUATION_STREAMS, len(tokens) // _LEAST_CONTEXT))
        return EvaluationBatches(tokens, streams=streams, rank=self.rank, processes=self.processes)

    def _on_device(self, part: str) -> torch.Tensor:
        tokens = self.parts[part]
        if len(self.corpus.vocabulary) <= 256:
            return torch.from_numpy(tokens.astype(np.uint8)).to(self.device)
        return torch.from_numpy(tokens.copy()).to(self.device)


class TextFileData(TextDataModule):
    """A text file of the user's."""

    name = TEXT.name
    options: TextFileOptions

    def read(self) -> str:
        """The text of `--file`."""
        if self.options.file is None:
            raise UsageError("The dataset text needs a file to read.", "Name it with: --file FILE")
        path = expanded(Path(self.options.file))
        if path.is_dir():
            raise UsageError(f"--file {path}: this is a folder.", "Name a text file in it.")
        if not path.exists():
            raise UsageError(f"--file {path}: there is no such file.", "Check the spelling.")
        # A pipe can be read only once; --resume and the processes of a sweep read again.
        if not path.is_file():
            raise UsageError(f"--file {path}: this is not a regular file.", "Write the text into one first.")
        return read_text(path)


class PrideAndPrejudiceData(TextDataModule):
    """The novel."""

    name = PRIDE_AND_PREJUDICE.name

    def read(self) -> str:
        """The novel without Project Gutenberg's licence."""
        path = self.folder / NOVEL.name
        if not path.is_file():
            raise DataError(
                f"The dataset {self.name} is missing: {path} {absence(path)} ({NOVEL.summary}).",
                f"Fetch it with: galaxynet fetch {self.name}",
            )
        return without_licence(read_text(path))
