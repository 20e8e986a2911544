"""Figures of several runs in one file: what a person expects who names more than one run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape

from galaxynet import terminal
from galaxynet.errors import GalaxynetError, UsageError
from galaxynet.report.figures.drawing import CONFUSION, Format, draw, names, save
from galaxynet.runs import Run


def by_network(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """The runs of each network, by the name that its files begin with, in the order in which they were named.

    The name is the network's own; where two packages call theirs the same, the package's stands before it.
    """
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.record.model.distribution, run.record.model.name), []).append(run)
    called = [name for _, name in groups]
    return {
        name if called.count(name) == 1 else f"{distribution}-{name}": group
        for (distribution, name), group in groups.items()
    }


def write_together(
    runs: Sequence[Run],
    folder: Path,
    beginning: str,
    kinds: Sequence[str] = (),
    formats: Sequence[Format] = ("png", "svg"),
) -> list[Path]:
    """Draw all runs together, a file `<beginning>-<kind>` for each figure that can show them all.

    A figure that cannot costs a note with the reason, not the others. The confusion matrix is left out
    where there are several runs: it shows one.

    Args:
        runs: Runs of one network.
        folder: Where the files go; it is made.
        beginning: What their names begin with.
        kinds: The figures; all that any of the runs has, if none are named.
        formats: The files of each.

    Returns:
        The paths of the files.

    Raises:
        UsageError: If a figure is named that there is not.
        RunError: If a file cannot be written.
    """
    wanted = list(kinds) or list(dict.fromkeys(name for run in runs for name in names(run)))
    written = []
    for kind in wanted:
        if kind == CONFUSION and len(runs) > 1:
            continue
        try:
            figure = draw(runs, kind)
        except UsageError:
            raise
        except Exception as error:  # a plugin's function may raise whatever it likes
            reason = str(error) if isinstance(error, GalaxynetError) else repr(error)
            terminal.note(f"no figure {kind} of these {len(runs)} runs together: {escape(reason)}")
            continue
        written += [save(figure, folder / f"{beginning}-{kind}.{ending}") for ending in formats]
    return written
