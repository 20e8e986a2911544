"""The figures of runs: which there are, drawing them, and writing them to files.

matplotlib is imported when a figure is drawn.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from galaxynet import atomic, registry, terminal
from galaxynet.errors import GalaxynetError, RunError, UsageError
from galaxynet.phrases import count
from galaxynet.registry import Plugin
from galaxynet.report.wording import headings
from galaxynet.runs.folder import FIGURES, METRICS, PREDICTIONS, Run
from galaxynet.runs.predictions import keeps_probabilities
from galaxynet.runs.votes import VOTES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from galaxynet.evaluation.vote_shares import VotedTest

Format = Literal["png", "svg"]
LEARNING_CURVES = "learning-curves"
CONFUSION = "confusion"
RELIABILITY = "reliability"
VOTE_FIGURES = ("votes", "vote-tree", "vote-agreement")

_ONE_RUN = {CONFUSION, RELIABILITY, *VOTE_FIGURES}
"""Figures that show a single run."""

_FILES = {LEARNING_CURVES: METRICS, CONFUSION: PREDICTIONS, RELIABILITY: PREDICTIONS}
"""The file that a figure is drawn from; those of vote fractions are drawn from the votes."""


def names(run: Run) -> list[str]:
    """The figures of a run: those of its files and those of its model's plugin."""
    available = [name for name in _standard(run) if (run.path / _FILES.get(name, VOTES)).is_file()]
    if RELIABILITY in available and not keeps_probabilities(run.path / PREDICTIONS):
        available.remove(RELIABILITY)
    return list(dict.fromkeys([*available, *_plugin_figures(run)[1]]))


def draw(runs: Run | Sequence[Run], name: str) -> Figure:
    """Draw one figure.

    Args:
        runs: A run, or several for a figure that shows several.
        name: `learning-curves`, `confusion`, `reliability`, `votes`, `vote-tree`, `vote-agreement`, or a
            figure of the model's plugin.

    Raises:
        UsageError: If there is no such figure.
        RunError: If the runs lack the data that it shows, or it shows a single run.
        PluginError: If the plugin's function cannot be imported.
    """
    from galaxynet.report.figures.style import make_legible, styled

    runs = [runs] if isinstance(runs, Run) else list(runs)
    if not runs:
        raise UsageError("No run is named.")
    with styled():
        figure = compose(runs, name)
        make_legible(figure)
        # Compute layout and fonts now, under our settings, not when a caller shows the figure.
        figure.draw_without_rendering()
        return figure


def compose(runs: Sequence[Run], name: str) -> Figure:
    """Draw a figure as `draw` does, within `styled` and without computing its layout."""
    unfit = next((run for run in runs if name not in _standard(run)), None)
    if unfit is not None:
        return _plugin_function(runs, name, unfit)(runs)
    if name == LEARNING_CURVES:
        from galaxynet.report.figures.curves import learning_curves

        return learning_curves(runs)
    if len(runs) != 1:
        raise RunError(f"The figure {name} shows one run.", "Name one run.")
    run = runs[0]
    if name == CONFUSION:
        from galaxynet.report.figures.confusion import confusion_matrix

        return confusion_matrix(run)
    if name == RELIABILITY:
        from galaxynet.report.figures.reliability import reliability_diagram

        return reliability_diagram(run)
    from galaxynet.report.figures.votes import voted_test

    return draw_votes(voted_test(run), name, *headings(run))


def draw_votes(test: VotedTest, name: str, title: str, subtitle: str) -> Figure:
    """Draw a figure of vote fractions, within `styled`.

    Args:
        test: The fractions of the volunteers and of the network.
        name: One of `VOTE_FIGURES`.
        title: The heading.
        subtitle: The line below.
    """
    from galaxynet.report.figures.vote_agreement import draw_agreement
    from galaxynet.report.figures.vote_tree import draw_tree
    from galaxynet.report.figures.votes import draw_panels

    drawings = {"votes": draw_panels, "vote-tree": draw_tree, "vote-agreement": draw_agreement}
    return drawings[name](test, title, subtitle)


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


def _standard(run: Run) -> list[str]:
    """The figures that any run of its task can have."""
    figures = [LEARNING_CURVES]
    if run.record.task == "classification":
        figures += [CONFUSION, RELIABILITY]
    if run.record.vote_tree:
        figures += VOTE_FIGURES
    return figures


def _plugin_function(runs: Sequence[Run], name: str, unfit: Run) -> Callable[[Sequence[Run]], Figure]:
    """The function of a figure that is not a standard one of the run `unfit`."""
    known = [kind for kind in _standard(runs[0]) if all(kind in _standard(run) for run in runs)]
    for run in runs:
        plugin, figures = _plugin_figures(run)
        if plugin and name in figures:
            return cast("Callable[[Sequence[Run]], Figure]", registry.resolve_for(plugin, figures[name]))
        known += figures
    raise UsageError(
        f"There is no figure {name!r} of {unfit.label}.", f"There are: {', '.join(dict.fromkeys(known))}."
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
