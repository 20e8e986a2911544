"""Tables as text: which columns fit into a width, and how cells are shortened, wrapped and aligned.

rich's own Table renders each cell as a document of its own, which takes two seconds for a thousand runs; this
one takes a twentieth of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, chop_cells, set_cell_size

from galaxynet.report.table import GAP, Column, Line, Overflow, Table, total_width
from galaxynet.terminal import printable, wrap

if TYPE_CHECKING:
    from rich.text import Text

_MIN_WIDTH = 8
_INDENT = "  "


def hide_columns(
    table: Table, width: int, first: Iterable[str], last: Iterable[str] = ()
) -> tuple[Table, list[int]]:
    """Hide columns until a table fits.

    Args:
        table: The table.
        width: Terminal cells in a line.
        first: Keys of the columns to hide before any cell is shortened, the least important first.
        last: Keys of the columns to hide where shortening is not enough.

    Returns:
        The table that fits, and the numbers of the hidden columns in the order in which they were hidden.
    """
    widths = table.widths()
    by_key = {column.key: index for index, column in enumerate(table.columns)}
    hidden: list[int] = []

    def fits(minimum: int, without: Sequence[int]) -> bool:
        rest = [
            size if column.is_fixed else min(size, minimum)
            for index, (column, size) in enumerate(zip(table.columns, widths, strict=True))
            if index not in without
        ]
        return total_width(rest) <= width

    for keys, minimum in ((first, width), (last, _MIN_WIDTH)):
        for key in keys:
            if fits(minimum, hidden):
                break
            if key in by_key and by_key[key] not in hidden:
                hidden.append(by_key[key])
    # Where a wide column went last, there is room again for some that went before it.
    for index in reversed(hidden[:-1]):
        rest = [other for other in hidden if other != index]
        if fits(width, rest):
            hidden = rest
    return table.select([index for index in by_key.values() if index not in hidden]), hidden


def hidden_notes(
    table: Table, hidden: Sequence[int], alternatives: str, omit: Iterable[str] = ()
) -> list[str]:
    """What to say of hidden columns: the value of those that are the same in all rows, the titles of others.

    Args:
        table: The whole table.
        hidden: The numbers of the hidden columns.
        alternatives: The flags with which all columns are shown.
        omit: Keys of columns not worth a note if all rows are the same.
    """
    constant, varying = [], []
    for index in hidden:
        column, cells = table.columns[index], {line.cells[index] for line in table.lines}
        if len(cells) > 1:
            varying.append(column.title)
        elif column.key not in omit:
            constant.append(f"{column.title} {cells.pop()}")
    notes = [f"all runs: {', '.join(constant)}"] if constant else []
    return notes + ([f"hidden: {', '.join(varying)} (use {alternatives})"] if varying else [])


def split_columns(table: Table, width: int) -> list[Table]:
    """Split a table into tables that fit, to stand below each other; each begins with the first column.

    A column that is wider alone gets a table of its own.
    """
    widths = [size + GAP for size in table.widths()]
    parts: list[list[int]] = []
    for index in range(1, len(widths)):
        # The last column of a line has no gap behind it.
        if parts and sum(widths[other] for other in (0, *parts[-1], index)) - GAP <= width:
            parts[-1].append(index)
        else:
            parts.append([index])
    return [table.select([0, *part]) for part in parts]


def format_table(table: Table, width: int) -> Text:
    """The table as one text, without a newline at its end.

    Cells are shortened or wrapped until the table fits; where that is not enough, its lines are longer.

    Args:
        table: The table.
        width: Terminal cells in a line.
    """
    from rich.text import Text

    widths = _shrink(table, width)
    text = Text(no_wrap=True, overflow="ignore")
    if table.title:
        text.append("\n".join(wrap(printable(table.title), width)) + "\n", style="bold")
    if table.subtitle:
        text.append("\n".join(wrap(printable(table.subtitle), width)) + "\n", style="yellow")
    _append(text, Line(table.titles, style="bold"), table.columns, widths)
    text.append("\n" + "─" * total_width(widths), style="dim")
    for line in table.lines:
        text.append("\n")
        _append(text, line, table.columns, widths)
    for number, line in enumerate(table.summary):
        text.append("\n" if number else "\n\n")
        _append(text, line, table.columns, widths)
    for note in table.footer:
        text.append("\n" + format_note(note, width), style="dim")
    return text


def format_note(note: str, width: int) -> str:
    """A note below a table: indented, and broken between words."""
    return "\n".join(_INDENT + line for line in wrap(printable(note), width - len(_INDENT)))


def _shrink(table: Table, width: int) -> list[int]:
    """The widths of the columns, with room taken from the widest of those that are not fixed."""
    widths = table.widths()
    excess = total_width(widths) - width
    while excess > 0:
        shrinkable = [
            index
            for index, column in enumerate(table.columns)
            if not column.is_fixed and widths[index] > _MIN_WIDTH
        ]
        if not shrinkable:
            break
        widths[max(shrinkable, key=lambda index: widths[index])] -= 1
        excess -= 1
    return widths


def _append(text: Text, line: Line, columns: Sequence[Column[Any]], widths: Sequence[int]) -> None:
    cells = [
        _fit_cell(cell, column.overflow, size)
        for cell, column, size in zip(line.cells, columns, widths, strict=True)
    ]
    for number in range(max(map(len, cells))):
        if number:
            text.append("\n")
        parts = [
            _pad(cell[number] if number < len(cell) else "", size, column.right_aligned)
            for cell, column, size in zip(cells, columns, widths, strict=True)
        ]
        begin = len(text)
        text.append((" " * GAP).join(parts).rstrip())
        if line.style:
            text.stylize(line.style, begin)
        for index, part in enumerate(parts):
            if index in line.styles:
                text.stylize(line.styles[index], begin, begin + len(part))
            begin += len(part) + GAP


def _fit_cell(cell: str, overflow: Overflow, size: int) -> list[str]:
    """The lines of a cell."""
    cell = " ".join(printable(cell).split())  # a newline in a name would break the table
    if cell_len(cell) <= size or overflow == "keep":
        return [cell]
    if overflow == "wrap":
        return [piece for line in wrap(cell, size) for piece in chop_cells(line, size)]
    if overflow == "shorten-middle":  # the end of a path says more than its middle
        begin = (size - 1) // 3
        return [f"{cell[:begin]}…{cell[len(cell) - (size - 1 - begin) :]}"]
    return [set_cell_size(cell, size - 1) + "…"]


def _pad(cell: str, size: int, right_aligned: bool) -> str:
    room = " " * (size - cell_len(cell))
    return room + cell if right_aligned else cell + room
