"""The verbs of the command line for Python."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxynet import paths, registry
from galaxynet.errors import UsageError
from galaxynet.training.plan import Parties

if TYPE_CHECKING:
    from galaxynet.runs import DamagedRun, Run


def train(
    model: str,
    *,
    dataset: str | None = None,
    name: str = "",
    like: str | None = None,
    resume: str | None = None,
    runs_dir: Path | str | None = None,
    data_dir: Path | str | None = None,
    **options: Any,
) -> Run:
    """Train a network, as `galaxynet train MODEL` does.

    Args:
        model: Name of an installed network.
        dataset: Name of a dataset; None for the network's own.
        name: A name for the run.
        like: A run whose options hold where none is given here.
        resume: An interrupted run to go on with; it brings all its options.
        runs_dir: Where the run is kept; None for `GALAXYNET_RUNS` or `./runs`.
        data_dir: Where the datasets are; None for `GALAXYNET_DATA` or `~/.cache/galaxynet`.
        **options: Options of network, dataset and trainer by their names, `extra_convs=3`.

    Returns:
        The run; its `status` tells whether it finished.

    It seeds torch, numpy and Python in the calling process.

    Raises:
        GalaxynetError: If the call is wrong or the data are not fit.
    """
    from galaxynet.training.run import train as train_plan

    if resume and (options or like or name):
        raise UsageError(
            "resume takes the options of the run it goes on with, so nothing else fits beside it.",
            "To train anew with some options changed, use like.",
        )
    earlier = find_run(resume or like or "", runs_dir) if resume or like else None
    record = earlier.record if earlier else None
    if record is not None and dataset is None:
        dataset = registry.recorded("dataset", record.dataset)
    plan = Parties.of(model, dataset).plan(options, name=name, like=record)
    run = train_plan(
        plan,
        runs_dir=_runs(runs_dir),
        data_dir=paths.data_dir(_path(data_dir)),
        resume=earlier if resume else None,
    )
    if run is None:
        raise SystemExit(0)  # a helper process of a multi-device training has done its part
    return run


def find_run(reference: str, runs_dir: Path | str | None = None) -> Run:
    """The run of that id, name or folder, or `last`.

    Raises:
        RunError: If there is none, or several fit.
    """
    from galaxynet import runs

    return runs.find(_runs(runs_dir), reference)


def list_runs(runs_dir: Path | str | None = None) -> list[Run | DamagedRun]:
    """All runs, oldest first; a folder that cannot be read is a `DamagedRun`."""
    from galaxynet import runs

    return runs.scan(_runs(runs_dir))


def generate(
    run: Run | str,
    *,
    length: int = 500,
    temperature: float = 1.0,
    prime: str = "",
    seed: int = 0,
    runs_dir: Path | str | None = None,
) -> Iterator[str]:
    """Let a language model write, as `galaxynet generate RUN` does.

    Args:
        run: A run, or its id, name or folder, or `last`.
        length: Characters to write.
        temperature: Below 1 it keeps to what is likely; 0 takes the likeliest character each time.
        prime: The beginning, which it reads and goes on from; it is not repeated.
        seed: The same seed writes the same text.
        runs_dir: Where the runs are; None for `GALAXYNET_RUNS` or `./runs`.

    Returns:
        The characters, one after the other.

    Raises:
        RunError: If the run's network cannot write, or its weights are gone.
        UsageError: If the prime has characters that it does not know.
    """
    from galaxynet.errors import RunError
    from galaxynet.tasks.language_model import TextGenerator
    from galaxynet.training.restore import model_class, restore

    found = find_run(run, runs_dir) if isinstance(run, str) else run
    _, kind = model_class(found)
    if not hasattr(kind, "generate"):
        raise RunError(
            f"The run {found.label} cannot write text: {found.record.model.name} is a network for "
            f"{found.record.task}.",
            "Train one that can: galaxynet train charrnn",
        )
    network = restore(found)
    assert isinstance(network, TextGenerator)
    return network.generate(prime, length, temperature=temperature, seed=seed)


def _runs(folder: Path | str | None) -> Path:
    return paths.runs_dir(_path(folder))


def _path(folder: Path | str | None) -> Path | None:
    return None if folder is None else Path(folder)
