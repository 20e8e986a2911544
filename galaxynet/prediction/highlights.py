"""The rows of a catalogue that are worth a look, selected while all of its rows pass by.

What is kept does not grow with the catalogue, and depends on the rows alone: not on how they come in blocks,
nor on interruptions.
"""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet.catalogue.columns import Block, Column
from galaxynet.images.flags import UNUSABLE, Flag
from galaxynet.prediction.rows import FLAG

SHOWN = 12
"""Rows of a selection; of many classes, fewer for each."""

NOVELTY = "novelty"
_LABEL = "label"
_PREFIX = "p_"
_MOST_OF_ALL = 120
_FEWEST = 3


@dataclass(frozen=True)
class Row:
    """A row of a catalogue.

    Attributes:
        number: Its number, from 0.
        cells: Its cells, by column.
    """

    number: int
    cells: dict[str, Any]


@dataclass(frozen=True)
class Selection:
    """Some rows, and how they were selected.

    Attributes:
        title: How, for example `Least sure: 12 of 3,210`.
        rows: The rows, by how they were selected.
    """

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Group:
    """Selections of rows that have something in common.

    Attributes:
        title: What, for example the class.
        count: How many rows have it in common.
        kind: `class`, `all`, `novel` or `flag`.
        selections: The selections.
    """

    title: str
    count: int
    kind: str
    selections: tuple[Selection, ...]


class Highlights:
    """Selects rows.

    Args:
        columns: The columns of the catalogue that are not the user's.
        seed: A text that determines the random selections.
        metric: The column by which rows are better or worse where there are no classes; empty for none.
        higher_is_better: Whether a larger value of it is better.
    """

    def __init__(
        self, columns: Sequence[Column], seed: str, metric: str = "", higher_is_better: bool = False
    ) -> None:
        names = [column.name for column in columns]
        self.names = tuple(names)
        self.classes = tuple(
            name.removeprefix(_PREFIX) for name in names if name.startswith(_PREFIX) and _LABEL in names
        )
        numbers = [
            column.name
            for column in columns
            if column.type.startswith("float") and column.name not in (NOVELTY, "entropy")
        ]
        self.score = metric if metric in numbers else next(iter(numbers), "")
        self.score_is_metric = self.score == metric
        self.rows = self.unusable = self.flagged = 0
        self._sign = -1.0 if self.score_is_metric and higher_is_better else 1.0
        self._most = min(SHOWN, max(_FEWEST, _MOST_OF_ALL // max(len(self.classes), 1)))
        self._random = np.random.default_rng(int(hashlib.sha256(seed.encode()).hexdigest()[:16], 16))
        self._of_groups = {name: _Extremes(self._most) for name in self.classes or ("",)}
        self._novel = _Lowest(SHOWN)
        self._of_flags = {bit: _Lowest(SHOWN) for bit in Flag}

    def add(self, block: Block) -> None:
        """Look at the next rows."""
        flags: npt.NDArray[np.int16] = block[FLAG.name]
        keys = self._random.random(len(flags))
        usable = (flags & int(UNUSABLE)) == 0
        passed = _Passed(self.rows, block, self.names)
        for name, extremes in self._of_groups.items():
            member = usable & (block[_LABEL] == name) if self.classes else usable
            scored = f"{_PREFIX}{name}" if self.classes else self.score
            score = block[scored].astype(np.float64) if scored else keys
            extremes.add(passed, np.flatnonzero(member), -score if self.classes else self._sign * score, keys)
        if NOVELTY in self.names:
            novelty = block[NOVELTY].astype(np.float64)
            self._novel.add(passed, np.flatnonzero(usable & np.isfinite(novelty)), -novelty)
        for bit, flagged in self._of_flags.items():
            flagged.add(passed, np.flatnonzero((flags & int(bit)) != 0), keys)
        self.rows += len(flags)
        self.unusable += int((~usable).sum())
        self.flagged += int((usable & (flags != 0)).sum())

    def groups(self) -> list[Group]:
        """What was selected: of each class, then the most novel, then those of each bit of `flag`."""
        best, worst = self._words()
        groups = [
            Group(name or "All", extremes.count, "class" if name else "all", extremes.selections(best, worst))
            for name, extremes in self._of_groups.items()
        ]
        if self._novel.count:
            novel = self._novel
            groups.append(Group("Most novel", novel.count, "novel", (novel.selection("Most novel"),)))
        for bit, flagged in self._of_flags.items():
            if flagged.count:
                title = f"Flag {bit.value}: {str(bit.name).lower().replace('_', ' ')}"
                groups.append(Group(title, flagged.count, "flag", (flagged.selection("At random"),)))
        return groups

    def _words(self) -> tuple[str, str]:
        if self.classes:
            return "Surest", "Least sure"
        if not self.score:
            return "", ""
        return (
            ("Best", "Worst") if self.score_is_metric else (f"Lowest {self.score}", f"Highest {self.score}")
        )


@dataclass(frozen=True)
class _Passed:
    """A block, and the number of its first row."""

    first: int
    block: Block
    names: tuple[str, ...]

    def row(self, index: int) -> Row:
        cells = {name: self.block[name][index] for name in self.names}
        plain = {name: cell.item() if isinstance(cell, np.generic) else cell for name, cell in cells.items()}
        return Row(self.first + index, plain)


class _Lowest:
    """The rows with the lowest keys; of equal ones the first."""

    def __init__(self, most: int) -> None:
        self.count = 0
        self._most = most
        self._kept: list[tuple[float, Row]] = []

    def add(self, passed: _Passed, indices: npt.NDArray[np.intp], keys: npt.NDArray[np.float64]) -> None:
        self.count += len(indices)
        order = np.argsort(keys[indices], kind="stable")[: self._most]
        for index in indices[order].tolist():
            key = float(keys[index])
            if len(self._kept) == self._most and key >= self._kept[-1][0]:
                break
            bisect.insort_right(self._kept, (key, passed.row(index)), key=itemgetter(0))
            del self._kept[self._most :]

    def selection(self, how: str) -> Selection:
        rows = [row for _, row in self._kept]
        if how == "At random":
            rows.sort(key=lambda row: row.number)
        if len(rows) == self.count:
            return Selection(f"All {self.count:,}", tuple(rows))
        return Selection(f"{how}: {len(rows):,} of {self.count:,}", tuple(rows))


class _Extremes:
    """The first, the last, and a random selection of a group."""

    def __init__(self, most: int) -> None:
        self._first, self._last, self._random = (_Lowest(most) for _ in range(3))

    @property
    def count(self) -> int:
        return self._random.count

    def add(
        self,
        passed: _Passed,
        indices: npt.NDArray[np.intp],
        order: npt.NDArray[np.float64],
        keys: npt.NDArray[np.float64],
    ) -> None:
        self._first.add(passed, indices, order)
        self._last.add(passed, indices, -order)
        self._random.add(passed, indices, keys)

    def selections(self, first: str, last: str) -> tuple[Selection, ...]:
        """The three; one where it has all, and the random one alone where there is no order."""
        if not self.count:
            return ()
        drawn = self._random.selection("At random")
        if not first:
            return (drawn,)
        top = self._first.selection(first)
        if len(top.rows) == self.count:
            return (Selection(f"All {self.count:,}, {first[0].lower()}{first[1:]} first", top.rows),)
        return (top, self._last.selection(last), drawn)


def watched(blocks: Iterator[Block], highlights: Highlights | None) -> Iterator[Block]:
    """The same blocks, which `highlights` looks at as they pass."""
    for block in blocks:
        if highlights is not None:
            highlights.add(block)
        yield block
