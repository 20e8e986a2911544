"""What `galaxynet predict` prints: with --dry-run what would be predicted, else what was."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from galaxynet import terminal

if TYPE_CHECKING:
    from galaxynet.prediction.job import Prediction
    from galaxynet.prediction.preview import Preview


_NAMED = 5


def print_summary(prediction: Prediction) -> None:
    """Print how many images were predicted and flagged, and why others could not be used."""
    predicted = prediction.rows - prediction.unusable
    rate = (prediction.rows - prediction.resumed) / prediction.seconds if prediction.seconds else 0
    speed = f" ({rate:,.0f} images/s)" if rate >= 1 else ""
    terminal.note(f"{prediction.path}: {predicted:,} of {prediction.rows:,} images predicted{speed}")
    if prediction.flagged:
        terminal.note(f"{prediction.flagged:,} of them are flagged: see the columns flag and reason")
    for reason, count in prediction.reasons:
        terminal.note(f"{count:,} could not be used: {reason}")


def print_preview(shown: Preview) -> None:
    """Print how many images there are, how long they take, and the first rows."""
    from galaxynet.report.output import print_tables
    from galaxynet.report.table import Column, make_table
    from galaxynet.report.wording import show_seconds

    lines = [f"{shown.images:,} images; predicting them takes about {show_seconds(shown.seconds)}"]
    looked_at = "" if shown.examined == shown.images else f" of {shown.examined:,} that were read"
    lines.append(f"{len(shown.unusable):,}{looked_at} cannot be used")
    lines += [f"  {name}: {reason}" for name, reason in shown.unusable[:_NAMED]]
    if len(shown.unusable) > _NAMED:
        lines.append(f"  and {len(shown.unusable) - _NAMED:,} more")
    terminal.write("\n".join(lines) + "\n\n")
    # A row of a catalogue is longer than a line, so each is a column here.
    rows = [[column.name, *map(_cell, shown.rows[column.name])] for column in shown.rows.columns]
    titles = ["", *(f"image {number + 1}" for number in range(len(shown.rows)))]
    columns = [
        Column(title, itemgetter(at), overflow="shorten-middle" if at else "keep")
        for at, title in enumerate(titles)
    ]
    print_tables([make_table(columns, rows)])


def _cell(cell: object) -> str:
    number = getattr(cell, "item", lambda: cell)()
    return f"{number:.4g}" if isinstance(number, float) else str(number)
