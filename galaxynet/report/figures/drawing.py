"""The figures of runs: which there are, drawing them, and writing them to files."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from galaxynet import atomic, registry, terminal
from galaxynet.errors import GalaxynetError, RunError, UsageError
from galaxynet.phrases import count
from galaxynet.registry import Plugin
from galaxynet.runs.folder import FIGURES, METRICS, PREDICTIONS, Run
from galaxynet.runs.predictions import keeps_probabilities
from galaxynet.runs.votes import VOTES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Format = Literal["png", "svg"]
LEARNING_CURVES = "learning-curves"
CONFUSION = "confusion"
RELIABILITY = "reliability"
_OF_VOTES = {
    "votes": "votes:votes_figure",
    "vote-tree": "vote_tree:tree_figure",
    "vote-agreement": "vote_agreement:agreement_figure",
}
"""Figures of vote fractions, with their module here and its function."""

_ONE_RUN = {CONFUSION, RELIABILITY, *_OF_VOTES}
"""Figures that show a single run."""


def names(run: Run) -> list[str]:
    """The figures of a run: those of its files and those of its model's plugin."""
    available = []
    if (run.path / METRICS).is_file():
        available.append(LEARNING_CURVES)
    if run.record.task == "classification" and (run.path / PREDICTIONS).is_file():
        available.append(CONFUSION)
        if keeps_probabilities(run.path / PREDICTIONS):
            available.append(RELIABILITY)
    if run.record.vote_tree and (run.path / VOTES).is_file():
        available += _OF_VOTES
    return [*available, *(name for name in _plugin_figures(run)[1] if name not in available)]


def draw(runs: Run | Sequence[Run], name: str) -> Figure:
    """Draw one figure.

    Args:
        runs: A run, or several for a figure that shows several.
        name: `learning-curves`, `confusion`, `reliability`, `votes`, `vote-tree`, `vote-agreement`, or a
            figure of the model's plugin.

    Raises:
        UsageError: If there is no such figure.
        RunError: If the runs lack the data that it shows.
        PluginError: If the plugin's function cannot be imported.
    """
    runs = [runs] if isinstance(runs, Run) else list(runs)
    if not runs:
        raise UsageError("No run is named.")
    from galaxynet.report.figures.style import make_legible, styled

    function = _function(runs, name)
    with styled():
        figure = function(runs)
        make_legible(figure)
        # Compute layout and fonts now, under our settings, not when a caller shows the figure.
        figure.draw_without_rendering()
        return figure


def save(figure: Figure, path: Path) -> Path:
    """Write a figure atomically, in the format of its suffix (`.png`, `.svg`, `.pdf`).

    Raises:
        UsageError: If the suffix is unknown.
        RunError: If the file cannot be written.
    """
    from galaxynet.report.figures.style import make_legible, styled

    suffix = path.suffix.lower().lstrip(".")
    if suffix not in ("png", "svg", "pdf"):
        raise UsageError(f"{path}: a figure's name ends in .png, .svg or .pdf.")
    metadata: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(suffix, {})
    content = io.BytesIO()
    with styled():
        make_legible(figure)
        figure.savefig(content, format=suffix, metadata=metadata)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(path, content.getbuffer())
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}.") from None
    return path


def write_figures(
    run: Run, *, kinds: Sequence[str] = (), formats: Sequence[Format] = ("png", "svg")
) -> list[Path]:
    """Write figures of a run into its figures folder.

    Args:
        run: The run.
        kinds: The figures; all if none are named. Unrequested figures that cannot be drawn are skipped with
            a note.
        formats: The files of each.

    Returns:
        The paths of the files.

    Raises:
        UsageError: If a named figure does not exist.
        RunError: If a named figure cannot be drawn, or a file cannot be written.
    """
    written = []
    for name in kinds or names(run):
        try:
            figure = draw(run, name)
        except Exception as error:  # a plugin's function may raise anything
            if kinds:
                raise
            terminal.note(f"no figure {name} of {run.label}: {_reason(error)}")
            continue
        paths = [run.inside(FIGURES, f"{name}.{format}") for format in formats]
        written += _save_all(figure, paths)
    return written


def runs_by_network(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """The runs of each network, by the beginning of the names of its files.

    That is the name of the network; if two packages have networks of the same name, with the package before.
    """
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.record.model.distribution, run.record.model.name), []).append(run)
    networks = [name for _, name in groups]
    return {
        name if networks.count(name) == 1 else f"{distribution}-{name}": members
        for (distribution, name), members in groups.items()
    }


def write_joint_figures(
    runs: Sequence[Run],
    folder: Path,
    prefix: str,
    kinds: Sequence[str] = (),
    formats: Sequence[Format] = ("png", "svg"),
) -> list[Path]:
    """Write one file `<prefix>-<kind>` for each figure that can show all runs together.

    Figures that cannot are skipped with a note. Figures that show one run are left out for several.

    Args:
        runs: Runs of one network.
        folder: The folder of the files; it is created.
        prefix: The beginning of their names.
        kinds: The figures; if none are named, all that any of the runs has.
        formats: The files of each.

    Returns:
        The paths of the files.

    Raises:
        UsageError: If a named figure does not exist.
        RunError: If a file cannot be written.
    """
    written = []
    for kind in kinds or dict.fromkeys(name for run in runs for name in names(run)):
        if kind in _ONE_RUN and len(runs) > 1:
            continue
        try:
            figure = draw(runs, kind)
        except UsageError:
            raise
        except Exception as error:  # a plugin's function may raise anything
            terminal.note(f"no joint figure {kind} of these {count(len(runs), 'run')}: {_reason(error)}")
            continue
        written += _save_all(figure, [folder / f"{prefix}-{kind}.{format}" for format in formats])
    return written


def _save_all(figure: Figure, paths: Sequence[Path]) -> list[Path]:
    # The layout is known since the figure was drawn; computing it for each file takes as long as drawing.
    figure.set_layout_engine("none")
    return [save(figure, path) for path in paths]


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, GalaxynetError) else repr(error)


def _function(runs: Sequence[Run], name: str) -> Callable[[Sequence[Run]], Figure]:
    if name == LEARNING_CURVES:
        from galaxynet.report.figures.curves import learning_curves

        return learning_curves
    other = next((run for run in runs if run.record.task != "classification"), None)
    if name == CONFUSION and other is None:
        from galaxynet.report.figures.confusion import confusion_matrix

        return confusion_matrix
    if name in _OF_VOTES and all(run.record.vote_tree for run in runs):
        module, _, function = _OF_VOTES[name].partition(":")
        drawing = getattr(importlib.import_module(f"galaxynet.report.figures.{module}"), function)
        return cast("Callable[[Sequence[Run]], Figure]", drawing)
    if name == RELIABILITY and other is None:
        from galaxynet.report.figures.reliability import reliability_diagram

        return reliability_diagram
    for run in runs:
        plugin, figures = _plugin_figures(run)
        if plugin and name in figures:
            return cast("Callable[[Sequence[Run]], Figure]", registry.resolve_for(plugin, figures[name]))
    standard = [LEARNING_CURVES, *([CONFUSION, RELIABILITY] if other is None else [])]
    standard += _OF_VOTES if all(run.record.vote_tree for run in runs) else []
    known = dict.fromkeys([*standard, *(kind for run in runs for kind in _plugin_figures(run)[1])])
    raise UsageError(
        f"There is no figure {name!r} of {(other or runs[0]).label}.", f"There are: {', '.join(known)}."
    )


def _plugin_figures(run: Run) -> tuple[Plugin | None, dict[str, str]]:
    """The plugin of a run's model and its figures; none if it is not installed or broken."""
    model = run.record.model
    for name in (f"{model.distribution}:{model.name}", model.name):
        try:
            plugin = registry.find("model", name)
            return plugin, dict(plugin.load().figures)
        except GalaxynetError:
            continue
    return None, {}
