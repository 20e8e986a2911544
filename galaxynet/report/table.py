"""Tables of text: columns, rows, and the notes around them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any, Generic, Literal, TypeVar

from rich.cells import cell_len

from galaxynet.terminal import printable

Item = TypeVar("Item")
Overflow = Literal["keep", "shorten", "shorten-middle", "wrap"]

GAP = 2
"""Spaces between two columns."""

BEST_STYLE = "bold green"
STATUS_STYLE = {
    "finished": "green",
    "running": "cyan",
    "interrupted": "yellow",
    "diverged": "magenta",
    "failed": "red",
    "damaged": "red",
}


@dataclass(frozen=True)
class Column(Generic[Item]):
    """A column of a table.

    Attributes:
        title: The heading.
        show: The cell of an item.
        name: What `--columns` and the page call it; the title if empty.
        right_aligned: True for numbers, which are never shortened.
        overflow: What happens to cells that do not fit: kept whole, shortened at the end or in the middle, or
            wrapped.
        is_code: True for names that Markdown shows as code.
        style: The rich style of its cells, or a function that returns that of an item.
    """

    title: str
    show: Callable[[Item], str] = str
    name: str = ""
    right_aligned: bool = False
    overflow: Overflow = "shorten"
    is_code: bool = False
    style: str | Callable[[Item], str] = ""

    @property
    def key(self) -> str:
        """The name, or the title without one."""
        return self.name or self.title

    @property
    def is_fixed(self) -> bool:
        """True if its cells are never shortened or wrapped."""
        return self.overflow == "keep" or (self.right_aligned and self.overflow != "wrap")


@dataclass(frozen=True)
class Line:
    """A row of a table.

    Attributes:
        cells: A text for each column.
        styles: rich styles by the number of the column.
        style: The style of the whole row.
        sort_keys: What each cell is sorted by on a page.
    """

    cells: Sequence[str]
    styles: dict[int, str] = field(default_factory=dict)
    style: str = ""
    sort_keys: Sequence[Any] = ()

    def select(self, indices: Sequence[int]) -> Line:
        """The row with some of its cells."""
        return replace(
            self,
            cells=[self.cells[index] for index in indices],
            styles={new: self.styles[old] for new, old in enumerate(indices) if old in self.styles},
            sort_keys=[self.sort_keys[index] for index in indices] if self.sort_keys else (),
        )


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        columns: The columns.
        lines: The rows.
        summary: Further rows, below an empty line.
        title: The heading of the table, or empty.
        subtitle: A line below the title, or empty.
        footer: Notes below the table.
    """

    columns: Sequence[Column[Any]]
    lines: Sequence[Line]
    summary: Sequence[Line] = ()
    title: str = ""
    subtitle: str = ""
    footer: Sequence[str] = ()

    @property
    def titles(self) -> list[str]:
        """The headings of the columns."""
        return [column.title for column in self.columns]

    @property
    def right_aligned(self) -> list[bool]:
        """Whether each column is aligned to the right."""
        return [column.right_aligned for column in self.columns]

    def widths(self) -> list[int]:
        """The width of each column when nothing in it is shortened, in terminal cells."""
        rows = [line.cells for line in (*self.lines, *self.summary)]
        return [
            max(cell_len(printable(cell)) for cell in cells) for cells in zip(self.titles, *rows, strict=True)
        ]

    def width(self) -> int:
        """The width of the widest line when nothing is shortened, in terminal cells."""
        return total_width(self.widths())

    def select(self, indices: Sequence[int]) -> Table:
        """The table with some of its columns."""
        return replace(
            self,
            columns=[self.columns[index] for index in indices],
            lines=[line.select(indices) for line in self.lines],
            summary=[line.select(indices) for line in self.summary],
        )


def make_table(columns: Sequence[Column[Item]], items: Iterable[Item], **parts: Any) -> Table:
    """A table of items; `parts` are further attributes of `Table`."""
    styled = [(index, column.style) for index, column in enumerate(columns) if column.style]
    lines = [
        Line(
            [column.show(item) for column in columns],
            {index: style if isinstance(style, str) else style(item) for index, style in styled},
        )
        for item in items
    ]
    return Table(columns, lines, **parts)


def text_table(titles: Sequence[str], rows: Iterable[Sequence[str]], **parts: Any) -> Table:
    """A table of texts, with names in the first column and numbers in the others."""
    columns: list[Column[Any]] = [
        Column(name, itemgetter(at), right_aligned=at > 0, overflow="keep" if at else "shorten-middle")
        for at, name in enumerate(titles)
    ]
    return make_table(columns, rows, **parts)


def total_width(widths: Sequence[int]) -> int:
    """The width of a line of columns with these widths, in terminal cells."""
    return sum(widths) + GAP * (len(widths) - 1)
