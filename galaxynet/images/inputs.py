"""Images to work on, in order, and what is known of each."""

from __future__ import annotations

import bisect
import hashlib
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet.catalogue.columns import Block, Column, clean_text
from galaxynet.images.picture import Picture, stem
from galaxynet.images.preprocessing import Radius
from galaxynet.images.sources import Source


@dataclass(frozen=True)
class Inputs:
    """Images in order, and what is known of each.

    Attributes:
        sources: Where they lie.
        first: Number of the first image in them that belongs to these.
        count: How many images these are.
        ids: The given ids, for all images of the sources; None for the names of the files.
        columns: Columns of an input table that are passed through.
        values: Their cells, for all images of the sources.
        radii: Radii in arcsec, NaN where unknown; None without any.
        pixel_scale: Side of a pixel in arcsec; None for what each image says.
        notes: What the user should know; a line each.
    """

    sources: tuple[Source, ...]
    first: int
    count: int
    ids: Sequence[str] | None = None
    columns: tuple[Column, ...] = ()
    values: Block = field(default_factory=dict)
    radii: npt.NDArray[np.float64] | None = None
    pixel_scale: float | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.count

    def part(self, start: int, stop: int) -> Inputs:
        """The images from `start` to below `stop`."""
        return replace(self, first=self.first + start, count=stop - start)

    def take(self, rows: Sequence[int]) -> Inputs:
        """Some of the images, in the order given."""
        numbers = [self.first + row for row in rows]
        return replace(
            self,
            sources=(_Taken(self, rows),),
            first=0,
            count=len(rows),
            ids=None if self.ids is None else [self.ids[number] for number in numbers],
            values={name: cells[numbers] for name, cells in self.values.items()},
            radii=None if self.radii is None else self.radii[numbers],
        )

    def name(self, index: int) -> str:
        """An image's path, for display."""
        source, at = self._at(index)
        return clean_text(source.name(at))

    def id(self, index: int) -> str:
        """An image's id: the one given, or the name of its file without folder and suffix."""
        if self.ids is not None:
            return self.ids[self.first + index]
        source, at = self._at(index)
        return clean_text(stem(source.name(at)))

    def read(self, index: int) -> bytes | Picture:
        """The bytes of an image's file, or its pixels.

        Raises:
            ImageError: If they cannot be had.
        """
        source, at = self._at(index)
        return source.read(at)

    def stamp(self, index: int) -> str:
        """What tells an image from another version of it without reading it; empty if it is missing."""
        source, at = self._at(index)
        return source.stamp(at)

    def radius(self, index: int) -> Radius | None:
        """A galaxy's radius; None if unknown."""
        if self.radii is None or not np.isfinite(self.radii[self.first + index]):
            return None
        return Radius(float(self.radii[self.first + index]), self.pixel_scale)

    def passed_through(self, start: int, stop: int) -> dict[str, npt.NDArray[Any]]:
        """The cells of the columns that are passed through."""
        rows = slice(self.first + start, self.first + stop)
        return {name: values[rows] for name, values in self.values.items()}

    def digest(self) -> str:
        """Sixteen hex digits that tell these images, by name and id, from others."""
        text = hashlib.sha256()
        for index in range(len(self)):
            text.update(f"{self.name(index)}\0{self.id(index)}\n".encode())
        return text.hexdigest()[:16]

    def repeated_id(self) -> tuple[str, int] | None:
        """The most frequent id and how often it occurs, if any occurs twice."""
        counts = Counter(self.id(index) for index in range(len(self)))
        name, count = counts.most_common(1)[0] if counts else ("", 0)
        return (name, count) if count > 1 else None

    def _at(self, index: int) -> tuple[Source, int]:
        index += self.first
        if len(self.sources) == 1:
            return self.sources[0], index
        number = bisect.bisect_right(self._ends, index)
        return self.sources[number], index - (self._ends[number - 1] if number else 0)

    @cached_property
    def _ends(self) -> list[int]:
        """How many images the sources up to each one have."""
        return list(itertools.accumulate(map(len, self.sources)))


@dataclass(frozen=True)
class _Taken:
    """Some images of others."""

    inputs: Inputs
    rows: Sequence[int]

    def __len__(self) -> int:
        return len(self.rows)

    def name(self, index: int) -> str:
        return self.inputs.name(self.rows[index])

    def read(self, index: int) -> bytes | Picture:
        return self.inputs.read(self.rows[index])

    def stamp(self, index: int) -> str:
        return self.inputs.stamp(self.rows[index])
