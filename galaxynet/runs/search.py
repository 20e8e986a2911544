"""The runs of a folder: all of them, or the one that a reference means."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from galaxynet import paths, untrusted
from galaxynet.errors import RunError, UsageError
from galaxynet.phrases import suggest
from galaxynet.runs.folder import CHECKPOINTS, FOLDER_NAME, METRICS, RECORD, DamagedRun, Run, reason

_SHOWN_MATCHES = 5


def scan(runs_dir: Path) -> list[Run | DamagedRun]:
    """Every run in a folder, ordered by folder name, so oldest first; none if there is no such folder.

    Folders without anything of a run (its name, a record, checkpoints, metrics) are skipped.

    Raises:
        RunError: If the folder cannot be listed.
    """
    try:
        names = sorted(path.name for path in runs_dir.iterdir() if untrusted.is_folder(path))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"The runs in {runs_dir} cannot be listed: {reason(error)}.") from None
    runs: list[Run | DamagedRun] = []
    for path in (runs_dir / name for name in names if not name.startswith(".")):
        try:
            runs.append(Run.open(path))
        except RunError as error:
            if _looks_like_run(path):
                runs.append(DamagedRun(path, _without_path(str(error), path)))
    return runs


def find(runs_dir: Path, reference: str, *, exact: bool = False, others: Sequence[str] = ()) -> Run:
    """The run that a reference means.

    Args:
        runs_dir: The folder of the runs.
        reference: The path of a run folder, an id, a folder name, a name, the beginning of an id or of a
            folder name, or `last` for the run that was started last.
        exact: Accept neither the beginning of a name nor `last`, which may be slips.
        others: Names that could be used in place of a run, to be suggested where none matches.

    Raises:
        RunError: If no run matches (the nearest name is suggested), several match, or the record cannot be
            read.
    """
    entries: list[Run | DamagedRun] = []
    run = lookup(runs_dir, reference, exact=exact, entries=entries)
    if run is None:
        raise _unknown(runs_dir, reference, [run for run in entries if isinstance(run, Run)], others)
    return run


def lookup(
    runs_dir: Path, reference: str, *, exact: bool = False, entries: list[Run | DamagedRun] | None = None
) -> Run | None:
    """The run that a reference means, as for `find`; None if there is none.

    Args:
        runs_dir: The folder of the runs.
        reference: As for `find`.
        exact: As for `find`.
        entries: Filled with all runs of the folder, where they had to be read.

    Raises:
        RunError: If several runs match, or the record cannot be read.
    """
    path = _as_path(reference)
    if path.name == RECORD:
        path = path.parent
    is_run = os.path.lexists(path / RECORD) or FOLDER_NAME.fullmatch(path.name)
    if reference and is_run and untrusted.is_folder(path):
        return Run.open(path)
    entries = [] if entries is None else entries
    entries += scan(runs_dir)
    runs = [run for run in entries if isinstance(run, Run)]
    if reference == "last" and runs and not exact:
        return max(runs, key=lambda run: (run.record.started, run.path.name))
    for matches in _matches(runs, reference, exact):
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise _ambiguous(reference, matches)
    for damaged in entries:
        if isinstance(damaged, DamagedRun) and reference in (damaged.path.name, damaged.path.name[-6:]):
            raise RunError(f"The run folder {damaged.path} is damaged: {damaged.reason}")
    return None


def find_to_remove(runs_dir: Path, reference: str) -> Run | DamagedRun:
    """The run with this id, name, folder name or path; a damaged one by its folder name or path.

    The beginning of an id is not enough here: what is deleted by a slip does not come back.

    Raises:
        RunError: If no run matches.
    """
    for run in scan(runs_dir):
        if isinstance(run, DamagedRun) and (run.path.name == reference or run.path == Path(reference)):
            return run
    return find(runs_dir, reference, exact=True)


def _matches(runs: list[Run], reference: str, exact: bool) -> list[list[Run]]:
    """The runs that match in full, then by name, then by a beginning."""
    if not reference:
        return []
    matches = [
        [run for run in runs if reference in (run.record.id, run.path.name)],
        [run for run in runs if reference == run.record.name],
    ]
    if not exact:
        matches.append(
            [
                run
                for run in runs
                if run.record.id.startswith(reference) or run.path.name.startswith(reference)
            ]
        )
    return matches


def _looks_like_run(path: Path) -> bool:
    parts = (RECORD, CHECKPOINTS, METRICS)
    return bool(FOLDER_NAME.fullmatch(path.name)) or any(os.path.lexists(path / part) for part in parts)


def _without_path(message: str, path: Path) -> str:
    """A message about a run folder, to be shown beside its path."""
    message = message.replace(f"{path / RECORD}: ", "").replace(f"{path / RECORD} ", f"{RECORD} ")
    return message.replace(f"{path} is not a run folder: it has no", "it has no")


def _as_path(reference: str) -> Path:
    try:
        return paths.expanded(Path(reference))
    except UsageError:  # the `~user` does not exist, or it is the name of a run
        return Path(reference)


def _ambiguous(reference: str, matches: list[Run]) -> RunError:
    copied = len({run.record.id for run in matches}) < len(matches)  # a copied folder keeps its id
    names = [str(run.path) if copied else run.record.id for run in matches]
    shown = ", ".join(names[:_SHOWN_MATCHES]) + (", ..." if len(names) > _SHOWN_MATCHES else "")
    return RunError(
        f"{len(matches)} runs match {reference!r}: {shown}.",
        "Name one by its folder." if copied else "Name one by its id.",
    )


def _unknown(runs_dir: Path, reference: str, runs: list[Run], others: Sequence[str]) -> RunError:
    if not runs:
        hint = "Make one with: galaxynet train MODEL"
        if others:
            hint = suggest(reference, others, f"{hint}; or name shipped weights: {', '.join(others)}")
        return RunError(f"There are no runs in {runs_dir}.", hint)
    known = [word for run in runs for word in (run.record.id, run.record.name, run.path.name) if word]
    known += others
    hint = suggest(reference, known, "See them with: galaxynet runs list")
    return RunError(f"There is no run {reference!r} in {runs_dir}.", hint)
