"""Functions for runs: find, list, compare, draw, evaluate, load and export them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from galaxynet import paths
from galaxynet.errors import UsageError
from galaxynet.launch import isolated_environment

if TYPE_CHECKING:
    from galaxynet.evaluation.prior import PriorSource
    from galaxynet.evaluation.result import Evaluation
    from galaxynet.prediction.trained_model import TrainedModel
    from galaxynet.report.figures import Format
    from galaxynet.runs import DamagedRun, Run


def find_run(reference: Run | Path | str, runs_dir: Path | str | None = None) -> Run:
    """The run with this id, name or folder, or `last`; a `Run` is read again from its folder.

    Raises:
        RunError: If no run matches, or several do.
    """
    from galaxynet import runs

    if isinstance(reference, runs.Run):
        return runs.Run.open(reference.path)
    return runs.find(_runs(runs_dir), str(reference))


def list_runs(runs_dir: Path | str | None = None) -> list[Run | DamagedRun]:
    """All runs, oldest first; a folder that cannot be read is a `DamagedRun`."""
    from galaxynet import runs

    return runs.scan(_runs(runs_dir))


def compare(
    *runs: Run | Path | str,
    sweep: str | None = None,
    where: Sequence[str] = (),
    sort: str = "",
    top: int | None = None,
    columns: Sequence[str] = (),
    runs_dir: Path | str | None = None,
) -> list[dict[str, Any]]:
    """Compare runs, as `galaxynet compare --format json` does.

    Args:
        *runs: Runs, or their ids, names or folders, or `last`; all if none are named.
        sweep: The runs of this sweep instead.
        where: Conditions that a run meets, `"act=tanh"`, `"lr<0.01"`.
        sort: The column to sort by, best or smallest first; `"-COLUMN"` reverses the order.
        top: Number of rows to keep in each group of comparable runs; None for all.
        columns: The columns; all fields, options and metrics if none are named.
        runs_dir: The folder of the runs; None for `GALAXYNET_RUNS` or `./runs`.

    Returns:
        A row for each run, ready for `pandas.DataFrame`. Runs are comparable if `task`, `dataset` and
        `test_set` agree; an accuracy has its 95 % interval in `low` and `high`.

    Raises:
        GalaxynetError: If there is no such run, column or sweep.
    """
    from galaxynet.report.output import row_to_dict
    from galaxynet.report.rows import Row
    from galaxynet.report.selection import check_name, make_groups, select_runs
    from galaxynet.sweeps.trial_runs import runs_of_sweep

    if sweep is not None and runs:
        raise UsageError("sweep names its runs itself.", "Leave out the runs, or sweep.")
    if sweep is not None:
        selected, varied = runs_of_sweep(_runs(runs_dir), sweep)
    elif runs:
        selected, varied = [find_run(run, runs_dir) for run in runs], ()
    else:
        selected, varied = select_runs(_runs(runs_dir), ())[0], ()
    rows = [Row(run) for run in selected]
    for name in columns:
        check_name(rows, name, "columns")
    groups = make_groups(rows, where, sort, top, varied)
    return [row_to_dict(row, columns) for group in groups for row in group.rows]


def figures(
    *runs: Run | Path | str,
    kinds: Sequence[str] = (),
    formats: Sequence[Format] = ("png", "svg"),
    out: Path | str | None = None,
    runs_dir: Path | str | None = None,
) -> list[Path]:
    """Draw figures of runs, as `galaxynet figures RUN ...` does.

    Args:
        *runs: Runs, or their ids, names or folders, or `last`.
        kinds: `learning-curves`, `confusion`, `reliability` or figures of the networks' plugins; all if none
            are named.
        formats: The files of each: `png`, `svg`.
        out: A folder for figures that show all runs of a network together; None for separate figures in
            each run's folder.
        runs_dir: The folder of the runs; None for `GALAXYNET_RUNS` or `./runs`.

    Returns:
        The paths of the files.

    Raises:
        GalaxynetError: If there is no such run or figure, or a file cannot be written.
    """
    from galaxynet.report.figures import runs_by_network, write_figures, write_joint_figures

    selected = [find_run(run, runs_dir) for run in runs]
    written: list[Path] = []
    if out is None:
        for run in selected:
            written += write_figures(run, kinds=kinds, formats=formats)
    else:
        for name, group in runs_by_network(selected).items():
            written += write_joint_figures(group, Path(out), name, kinds, formats)
    return written


@isolated_environment()
def evaluate(
    run: Run | Path | str,
    *,
    images: str | Path | Sequence[str | Path] = (),
    labels: Path | str | None = None,
    votes: Path | str | None = None,
    label_column: str = "",
    id_column: str = "",
    against: Run | Path | str | None = None,
    accelerator: Literal["auto", "cpu", "gpu", "mps"] = "auto",
    batch_size: int = 256,
    views: Literal[1, 2, 4, 8] | None = None,
    prior: PriorSource | None = None,
    runs_dir: Path | str | None = None,
    data_dir: Path | str | None = None,
) -> Evaluation:
    """Evaluate a trained network, as `galaxynet evaluate RUN` does.

    Args:
        run: A run, or its id, name or folder, or `last`; or the name of shipped weights.
        images: Folders, zip archives, lists or images; none for the run's own test set.
        labels: A table with the labels of the images.
        votes: A table with their vote fractions, for a network that predicts these.
        label_column: Its column of labels; empty for `label`, `labels` or `class`.
        id_column: Its column of ids or paths; empty for the one that names the most images.
        against: Another run, to be tested against on the same samples.
        accelerator: What to compute on, for images.
        batch_size: Images at once.
        views: Mirrored and rotated views of an image to average over; None for as many as the run was
            tested with.
        prior: Shift the probabilities from the shares of the classes in the training to these: `uniform`, a
            table as `galaxynet evaluate --prior` takes it, or the share of each class.
        runs_dir: The folder of the runs; None for `GALAXYNET_RUNS` or `./runs`.
        data_dir: The folder of the datasets; None for `GALAXYNET_DATA` or `~/.cache/galaxynet`.

    Returns:
        The metrics, those of run.json beside them, for a classifier its classes, calibration and single
        predictions, and for vote fractions the errors of each question and the coverage of intervals.

    Raises:
        GalaxynetError: If weights, data, labels or votes are missing, or the two runs cannot be compared.
    """
    from galaxynet.images.labels import LabelColumns
    from galaxynet.prediction.labelled_images import LabelTable
    from galaxynet.prediction.run_evaluation import evaluate_run

    words = [images] if isinstance(images, str | Path) else images
    columns = LabelColumns(label_column, id_column)
    return evaluate_run(
        _network(run, runs_dir),
        data_dir=paths.data_dir(None if data_dir is None else Path(data_dir)),
        images=[str(word) for word in words],
        labels=None if labels is None else LabelTable(Path(labels), columns),
        votes=None if votes is None else LabelTable(Path(votes), columns),
        against=None if against is None else _network(against, runs_dir),
        accelerator=accelerator,
        batch_size=batch_size,
        views=views,
        prior=prior,
    )


@isolated_environment()
def load(run: Run | Path | str, runs_dir: Path | str | None = None) -> TrainedModel:
    """The trained network of a run, with the weights of its best epoch; or shipped weights.

    Args:
        run: A run, or its id, name or folder, or `last`; or the name of shipped weights.
        runs_dir: The folder of the runs; None for `GALAXYNET_RUNS` or `./runs`.

    Returns:
        The model, in evaluation mode on the CPU: `model.network` is the `torch.nn.Module`.

    Raises:
        RunError: If there is no such run, its network's plugin is not installed, or its weights are missing
            or damaged. No code in the run folder is executed.
    """
    from galaxynet.evaluation.restore import restore
    from galaxynet.prediction.trained_model import TrainedModel

    trained = _network(run, runs_dir)
    return TrainedModel(trained, restore(trained))


@isolated_environment()
def export_weights(
    run: Run | Path | str,
    folder: Path | str,
    *,
    name: str = "",
    notes: Path | str | None = None,
    overwrite: bool = False,
    runs_dir: Path | str | None = None,
    data_dir: Path | str | None = None,
) -> Run:
    """Export a finished run as a folder that a plugin can ship, as `galaxynet runs export RUN FOLDER` does.

    Args:
        run: A run, or its id, name or folder, or `last`.
        folder: The folder to write.
        name: The name of the weights; empty for that of the folder.
        notes: A Markdown file with your sections of the card.
        overwrite: Replace an earlier export.
        runs_dir: The folder of the runs; None for `GALAXYNET_RUNS` or `./runs`.
        data_dir: The folder of the datasets; None for `GALAXYNET_DATA` or `~/.cache/galaxynet`.

    Returns:
        The folder, as a run; `record.exported` has the digest, the size and what rounding changed.

    Raises:
        GalaxynetError: If the run is not finished, its weights or data are missing, or the folder exists.
    """
    from galaxynet.shipping.export import export

    return export(
        find_run(run, runs_dir),
        Path(folder),
        data_dir=paths.data_dir(None if data_dir is None else Path(data_dir)),
        name=name,
        notes=None if notes is None else Path(notes),
        overwrite=overwrite,
    ).run


def _runs(folder: Path | str | None) -> Path:
    return paths.runs_dir(None if folder is None else Path(folder))


def _network(reference: Run | Path | str, runs_dir: Path | str | None) -> Run:
    from galaxynet import runs

    return runs.find_network(_runs(runs_dir), reference)
