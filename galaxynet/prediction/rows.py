"""The columns of a catalogue, and its rows block by block."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet.catalogue.columns import Block, Column, clean_text
from galaxynet.evaluation.calibration import FEWEST
from galaxynet.images.decoding import PreparedBatch, prepared_batches
from galaxynet.images.fits import DEFAULT, FitsOptions
from galaxynet.images.flags import UNUSABLE, Flag
from galaxynet.images.inputs import Inputs
from galaxynet.prediction.network import AppliedNetwork

ID = Column("id", "string", "", "meta.id;meta.main", "name of the image's file without folder and suffix")
FILE = Column("file", "string", "", "meta.id;meta.file", "path of the image")
FLAG = Column(
    "flag",
    "int16",
    "",
    "meta.code.qual",
    "bit mask: " + ", ".join(f"{bit.value} {str(bit.name).lower().replace('_', ' ')}" for bit in Flag),
)
REASON = Column("reason", "string", "", "meta.note", "what the bits of flag mean for this image")

_LONGEST_REASON = 200
_STEPS = 20
_SMALLEST_BATCH = 16
"""Smaller batches take longer than the same images in larger ones."""


@dataclass(frozen=True)
class Catalogue:
    """What a catalogue's rows are made of.

    Attributes:
        inputs: The images.
        network: The network.
        fits: How FITS is read; where it says nothing, as in training.
    """

    inputs: Inputs
    network: AppliedNetwork
    fits: FitsOptions = DEFAULT

    def __post_init__(self) -> None:
        object.__setattr__(self, "fits", self.fits.over(self.network.preprocessing.fits))

    @property
    def own_columns(self) -> tuple[Column, ...]:
        """The columns that are ours."""
        return (ID, FILE, *self.network.columns, FLAG, REASON)

    @property
    def passed_columns(self) -> dict[str, Column]:
        """The columns of the input table, by their names there; one of our names is changed."""
        taken = {column.name.casefold() for column in self.own_columns}
        passed = {}
        for column in self.inputs.columns:
            name, number = column.name, 1
            while name.casefold() in taken:
                name = f"input_{column.name}" + ("" if number == 1 else f"_{number}")
                number += 1
            taken.add(name.casefold())
            passed[column.name] = replace(column, name=name)
        return passed

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns: ours, then those of the input table."""
        return (*self.own_columns, *self.passed_columns.values())

    @property
    def notes(self) -> list[str]:
        """What the user should know of the columns; a line each."""
        repeated = self.inputs.repeated_id()
        notes = []
        if self.network.novelty is None:
            notes = [
                f"no column novelty: the run had fewer than {FEWEST} validation samples, or is an old one"
            ]
        if self.network.prior is not None:
            notes.append(f"probabilities are shifted to other class shares, {self.network.prior}")
        without = self.network.questions_without_intervals
        if without:
            notes += [f"no intervals for {', '.join(without)}: too few validation samples have votes of them"]
        if repeated is not None:
            notes += [f"{repeated[1]:,} images have the id {repeated[0]}: the column file tells them apart"]
        return notes + [
            f"the column {old} of the input table is called {column.name} in the catalogue"
            for old, column in self.passed_columns.items()
            if old != column.name
        ]

    def blocks(self, start: int = 0) -> Generator[Block, None, None]:
        """The rows from the given one on, in order, a batch at a time."""
        batches = prepared_batches(
            self.inputs,
            self.network.preprocessing,
            start=start,
            size=self._batch_size,
            fits=self.fits,
        )
        for batch in batches:
            yield self.block(batch)

    @property
    def _batch_size(self) -> int:
        """Fewer images at once where there are few in all, so that progress moves at each twentieth.

        A power of two divides the parts of a prediction, so a continued one has the same batches.
        """
        twentieth = max(len(self.inputs) // _STEPS, _SMALLEST_BATCH)
        return min(self.network.batch_size, 1 << (twentieth.bit_length() - 1))

    def block(self, batch: PreparedBatch) -> dict[str, npt.NDArray[Any]]:
        """The rows of a batch."""
        count, usable = len(batch), (batch.flags & int(UNUSABLE)) == 0
        answers = self.network(batch.pixels[usable] if not usable.all() else batch.pixels)
        flags, reasons = batch.flags.copy(), [clean_text(reason) for reason in batch.reasons]
        cells: dict[str, npt.NDArray[Any]] = {}
        finite = np.ones(count, bool)
        for column in self.network.columns:
            cells[column.name] = np.full(count, column.missing, column.dtype)
            cells[column.name][usable] = answers[column.name]
            if column.type.startswith("float"):
                values = cells[column.name].astype(np.float64)
                finite &= np.isfinite(values) | (np.isnan(values) if column.nullable else False)
        for row in np.flatnonzero(usable & ~finite):
            flags[row] |= int(Flag.UNDEFINED)
            reasons[row] = "; ".join(
                filter(None, [reasons[row], "the network's answer is not a finite number"])
            )
            for column in self.network.columns:
                cells[column.name][row] = column.missing
        indices = range(batch.start, batch.start + count)
        ids = [
            clean_text(identifier) or self.inputs.id(index)
            for identifier, index in zip(batch.identifiers, indices, strict=True)
        ]
        passed = self.inputs.passed_through(batch.start, batch.start + count)
        return {
            ID.name: _texts(ids),
            FILE.name: _texts([self.inputs.name(index) for index in indices]),
            **cells,
            FLAG.name: flags,
            REASON.name: _texts([reason[:_LONGEST_REASON] for reason in reasons]),
            **{self.passed_columns[name].name: values for name, values in passed.items()},
        }


def _texts(cells: Sequence[str]) -> npt.NDArray[Any]:
    return np.array(cells, dtype=object)
