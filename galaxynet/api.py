"""The commands of the command line as Python functions: fetch, train, sweep, generate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from galaxynet import paths, registry
from galaxynet.errors import UsageError
from galaxynet.launch import isolated_environment
from galaxynet.runs_api import find_run
from galaxynet.signals import deferred_stop_signals
from galaxynet.training.config import Components

if TYPE_CHECKING:
    from galaxynet.fetching.request import FetchResult
    from galaxynet.runs import Run


def fetch(
    dataset: str,
    *,
    folder: Path | str | None = None,
    link: bool = False,
    groups: Sequence[str] = (),
    source: str | None = None,
    force: bool = False,
    data_dir: Path | str | None = None,
    **options: Any,
) -> FetchResult:
    """Ensure a dataset's files are present and verified, as `galaxynet fetch DATASET` does.

    Args:
        dataset: Name of an installed dataset.
        folder: A folder to take the files from, as `--from` does; None to download or simulate them.
        link: Link to the files of `folder` instead of copying them.
        groups: Optional groups of files to fetch as well.
        source: Name of a source, such as `kaggle` or `https`; None for the dataset's first.
        force: Fetch again what is already there.
        data_dir: The folder of the datasets; None for `GALAXYNET_DATA` or `~/.cache/galaxynet`.
        **options: Options of a simulator, `count=2000`.

    Returns:
        The dataset's folder, the new and the existing files, and what the dataset reports about them.

    Raises:
        GalaxynetError: If the call is wrong, or files are unavailable or damaged.
    """
    from galaxynet.fetching.fetch import fetch as fetch_files
    from galaxynet.fetching.request import FetchRequest

    given = _path(folder)
    return fetch_files(
        FetchRequest(
            plugin=registry.find("dataset", dataset),
            data_dir=paths.data_dir(_path(data_dir)),
            groups=tuple(groups),
            folder=None if given is None else paths.expanded(given),
            source=source,
            link=link,
            force=force,
            options=options,
        )
    )


@isolated_environment()
def train(
    model: str,
    *,
    dataset: str | None = None,
    name: str = "",
    like: Run | Path | str | None = None,
    resume: Run | Path | str | None = None,
    runs_dir: Path | str | None = None,
    data_dir: Path | str | None = None,
    **options: Any,
) -> Run:
    """Train a network, as `galaxynet train MODEL` does.

    Args:
        model: Name of an installed network.
        dataset: Name of a dataset; None for the network's own.
        name: A name for the run.
        like: A run, or its id, name or folder, or `last`, whose options are used unless given here.
        resume: An interrupted run to continue, given in the same way; all options are its own.
        runs_dir: The folder of the runs; None for `GALAXYNET_RUNS` or `./runs`.
        data_dir: The folder of the datasets; None for `GALAXYNET_DATA` or `~/.cache/galaxynet`.
        **options: Options of the network, dataset and trainer, such as `extra_convs=3`.

    Returns:
        The run; its `status` says whether it finished.

    Seeds torch, numpy and Python in the calling process.

    Raises:
        GalaxynetError: If the call is wrong, or the data are unsuitable.
    """
    from galaxynet.report.run_summary import print_start, report_end
    from galaxynet.training.train import train as train_plan

    if resume and (options or like or name):
        raise UsageError(
            "resume takes all options from the run that it continues, so nothing else can be given.",
            "To start a new run with some options changed, use like.",
        )
    earlier = find_run(resume or like or "", runs_dir) if resume or like else None
    record = earlier.record if earlier else None
    if record is not None and dataset is None:
        dataset = registry.recorded("dataset", record.dataset)
    plan = Components.load(model, dataset).plan(options, name=name, like=record, runs_dir=_runs(runs_dir))
    run = train_plan(
        plan,
        runs_dir=_runs(runs_dir),
        data_dir=paths.data_dir(_path(data_dir)),
        resume=earlier if resume else None,
        on_start=print_start,
    )
    report_end(run)
    return run


@isolated_environment()
def sweep(
    model: str,
    *,
    dataset: str | None = None,
    name: str = "",
    seeds: int = 1,
    random: int | None = None,
    random_seed: int = 0,
    parallel: int | None = None,
    engine: Literal["local", "ray"] = "local",
    trial_cpus: int | None = None,
    retry_failed: bool = False,
    yes: bool = False,
    runs_dir: Path | str | None = None,
    data_dir: Path | str | None = None,
    **options: Any,
) -> list[Run]:
    """Train a network with many values of its options, as `galaxynet sweep MODEL` does.

    Repeating the call continues the sweep: finished trials are not trained again.

    Args:
        model: Name of an installed network.
        dataset: Name of a dataset; None for the network's own.
        name: Name of the sweep; if empty, derived from the arguments.
        seeds: Number of seeds for each configuration.
        random: Number of configurations to sample at random; None for all combinations.
        random_seed: Seed of the sample.
        parallel: Number of trials to run at once; None for one per GPU, or one at a time on a CPU.
        engine: Where trials run: in processes of this machine, or on a Ray cluster.
        trial_cpus: CPUs of each trial on a cluster; None for one.
        retry_failed: Run failed trials again.
        yes: Allow more than 1,000 trials.
        runs_dir: The folder of the runs; None for `GALAXYNET_RUNS` or `./runs`.
        data_dir: The folder of the datasets; None for `GALAXYNET_DATA` or `~/.cache/galaxynet`.
        **options: Options of the network, dataset and trainer: a value, a list of values, or text as on the
            command line, such as `lr="1e-4..1e-2:5:log"`.

    Returns:
        The runs of the trials, in planned order; trials without a run are left out.

    Each trial runs in a process of its own, which does not run the calling program again.

    Raises:
        GalaxynetError: If the call is wrong, or another process is running the sweep.
    """
    from galaxynet.sweeps.dimensions import check_names, dimension_from
    from galaxynet.sweeps.estimate import Estimate
    from galaxynet.sweeps.progress_display import ProgressDisplay
    from galaxynet.sweeps.scheduler import run_sweep
    from galaxynet.sweeps.sweep_plan import plan_sweep

    components = Components.load(model, dataset)
    known = components.fields()
    check_names(list(options), list(known), model)
    plan = plan_sweep(
        components,
        [
            dimension_from(known[option], value, sampled=random is not None and option != "seed")
            for option, value in options.items()
        ],
        runs_dir=_runs(runs_dir),
        data_dir=paths.data_dir(_path(data_dir)),
        name=name,
        seeds=seeds,
        n_samples=random,
        sample_seed=random_seed,
        parallel=parallel,
        engine=engine,
        trial_cpus=trial_cpus,
        yes=yes,
    )
    with ProgressDisplay(plan, Estimate({}, "")) as display:
        runs = run_sweep(plan, display, command=["galaxynet.sweep", model], retry=retry_failed).runs()
    return [runs[trial.key] for trial in plan.trials if trial.key in runs]


@isolated_environment()
def generate(
    run: Run | Path | str,
    *,
    length: int = 500,
    temperature: float = 1.0,
    prime: str = "",
    seed: int = 0,
    runs_dir: Path | str | None = None,
) -> Iterator[str]:
    """Generate text with a language model, as `galaxynet generate RUN` does.

    Args:
        run: A run, or its id, name or folder, or `last`; or the name of shipped weights.
        length: Number of characters to generate.
        temperature: Below 1, likely characters become likelier; 0 always takes the likeliest.
        prime: The beginning of the text, which is not repeated in the result.
        seed: The same seed gives the same text.
        runs_dir: The folder of the runs; None for `GALAXYNET_RUNS` or `./runs`.

    Returns:
        The characters, one by one.

    Raises:
        RunError: If the run's network cannot generate text, or its weights are gone.
        UsageError: If the prime has characters that the network does not know, or a number is out of range.
    """
    from galaxynet import runs
    from galaxynet.errors import RunError

    with deferred_stop_signals():
        from galaxynet.evaluation.restore import model_class, restore
        from galaxynet.tasks.writing import TextGenerator

    trained = runs.find_network(_runs(runs_dir), run)
    _, task_class = model_class(trained)
    if not hasattr(task_class, "generate"):
        raise RunError(
            f"The run {trained.label} cannot write text: {trained.record.model.name} is a network for "
            f"{trained.record.task}.",
            "Train one that can: galaxynet train charrnn",
        )
    network = restore(trained)
    assert isinstance(network, TextGenerator)
    return network.generate(prime, length, temperature=temperature, seed=seed)


def _runs(folder: Path | str | None) -> Path:
    return paths.runs_dir(_path(folder))


def _path(folder: Path | str | None) -> Path | None:
    return None if folder is None else Path(folder)
