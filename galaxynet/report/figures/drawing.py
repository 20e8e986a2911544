"""Which figures a run has, and how they become files."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from rich.markup import escape

from galaxynet import atomic, registry, terminal
from galaxynet.errors import GalaxynetError, RunError, UsageError
from galaxynet.registry import Plugin
from galaxynet.runs.folder import FIGURES, METRICS, PREDICTIONS, Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Format = Literal["png", "svg"]
LEARNING_CURVES = "learning-curves"
CONFUSION = "confusion"


def names(run: Run) -> list[str]:
    """The figures that can be drawn of a run: those of its files, and those of its model's plugin."""
    found = []
    if (run.path / METRICS).is_file():
        found.append(LEARNING_CURVES)
    if run.record.task == "classification" and (run.path / PREDICTIONS).is_file():
        found.append(CONFUSION)
    return [*found, *(name for name in _of_plugin(run)[1] if name not in found)]


def draw(runs: Run | Sequence[Run], name: str) -> Figure:
    """Draw one figure.

    Args:
        runs: A run, or several for a figure that shows several.
        name: `learning-curves`, `confusion`, or a figure of the model's plugin.

    Raises:
        UsageError: If there is no such figure.
        RunError: If the runs lack what it shows.
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
        # The layout and the fonts are settled here, under our settings, not when a caller shows it.
        figure.draw_without_rendering()
        return figure


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as what its name ends in (`.png`, `.svg`, `.pdf`), in one step.

    Raises:
        RunError: If the ending is unknown or the file cannot be written.
    """
    from galaxynet.report.figures.style import make_legible, styled

    kind = path.suffix.lower().lstrip(".")
    if kind not in ("png", "svg", "pdf"):
        raise UsageError(f"{path}: a figure's name ends in .png, .svg or .pdf.")
    metadata: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {})
    content = io.BytesIO()
    with styled():
        make_legible(figure)
        figure.savefig(content, format=kind, metadata=metadata)
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
        kinds: The figures; all if none are named. Of all, those that cannot be drawn are skipped with a note.
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
        except Exception as error:  # a plugin's function may raise whatever it likes
            if kinds:
                raise
            reason = str(error) if isinstance(error, GalaxynetError) else repr(error)
            terminal.note(escape(f"no figure {name} of {run.label}: {reason}"))
            continue
        written += [save(figure, run.inside(FIGURES, f"{name}.{kind}")) for kind in formats]
    return written


def _function(runs: Sequence[Run], name: str) -> Callable[[Sequence[Run]], Figure]:
    if name == LEARNING_CURVES:
        from galaxynet.report.figures.curves import learning_curves

        return learning_curves
    other = next((run for run in runs if run.record.task != "classification"), None)
    if name == CONFUSION and other is None:
        from galaxynet.report.figures.confusion import confusion_matrix

        return confusion_matrix
    for run in runs:
        plugin, figures = _of_plugin(run)
        if plugin and name in figures:
            return cast("Callable[[Sequence[Run]], Figure]", registry.resolve_for(plugin, figures[name]))
    usual = [LEARNING_CURVES, *([CONFUSION] if other is None else [])]
    known = dict.fromkeys([*usual, *(kind for run in runs for kind in _of_plugin(run)[1])])
    raise UsageError(
        f"There is no figure {name!r} of {(other or runs[0]).label}.", f"There are: {', '.join(known)}."
    )


def _of_plugin(run: Run) -> tuple[Plugin | None, dict[str, str]]:
    """The plugin of a run's model and the figures that it brings; none if it is gone or broken."""
    model = run.record.model
    for name in (f"{model.distribution}:{model.name}", model.name):
        try:
            plugin = registry.find("model", name)
            return plugin, dict(plugin.load().figures)
        except GalaxynetError:
            continue
    return None, {}
