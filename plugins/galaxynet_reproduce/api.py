"""`galaxynet reproduce` for Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from galaxynet import paths
from galaxynet.launch import settled
from galaxynet_reproduce.catalogue import catalogue
from galaxynet_reproduce.experiments import Extent
from galaxynet_reproduce.judging import Outcome
from galaxynet_reproduce.plan import Request, make_reproduction_plan
from galaxynet_reproduce.run import judge_all, train


@settled()
def reproduce(
    *topics: str,
    seeds: int | None = None,
    epochs: int | None = None,
    parallel: int | None = None,
    runs_dir: Path | str | None = None,
    data_dir: Path | str | None = None,
    **options: Any,
) -> list[Outcome]:
    """Test what publications say of the networks, as `galaxynet reproduce TOPIC` does.

    Args:
        *topics: Topics, claims or networks, or `all`.
        seeds: At most this many seeds of each network; None for all of the full test, 0 to train nothing.
        epochs: At most this many epochs of each training; None for all of the full test.
        parallel: Trainings at once; None for one per GPU, or one at a time on a CPU.
        runs_dir: The folder of the runs; None for `GALAXYNET_RUNS` or `./runs`.
        data_dir: The folder of the datasets; None for `GALAXYNET_DATA` or `~/.cache/galaxynet`.
        **options: Options of the datasets that claims cannot know, `labels="labels.csv"`.

    Returns:
        A verdict for each claim, with our figure, the reason and the runs.

    Each training is a process of its own, so a script guards the call with `if __name__ == "__main__":`.

    Raises:
        GalaxynetError: If the call is wrong, or runs cannot be kept. A failed training is named in the reason
            of its claim.
    """
    plan = make_reproduction_plan(
        Request(
            selected=catalogue().select(topics),
            given={name: str(value) for name, value in options.items()},
            extent=Extent(seeds, epochs),
            parallel=parallel,
            runs_dir=paths.runs_dir(None if runs_dir is None else Path(runs_dir)),
            data_dir=paths.data_dir(None if data_dir is None else Path(data_dir)),
        )
    )
    train(plan)
    return judge_all(plan)
