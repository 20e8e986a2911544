"""What a trial of a sweep costs beside its training: six trials, and six commands `galaxynet train`.

Both are the installed command on simulated galaxies, in folders of their own; the trainings are the same.

    python -m benchmarks.bench_sweep [--rounds 3] [--galaxies 1000] [--epochs 2] [--json]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.measure import Report, alternate, parser, ratio

COMMAND = str(Path(sys.executable).with_name("galaxynet"))
TRIALS = 6


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--rounds", type=int, default=3, help="rounds that count")
    arguments.add_argument("--galaxies", type=int, default=1000, help="simulated galaxies")
    arguments.add_argument("--epochs", type=int, default=2, help="epochs of each training")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch, "data")
        call("fetch", "galaxy-sim", "--count", str(given.galaxies), "--data-dir", str(data))
        training = ["galaxy_alexnet", "--dataset", "galaxy-sim", "--data-dir", str(data)]
        training += ["--epochs", str(given.epochs)]
        seconds = alternate(
            {
                "commands": partial(commands, training, Path(scratch)),
                "sweep": partial(sweep, training, Path(scratch), 1),
                "two at once": partial(sweep, training, Path(scratch), 2),
            },
            given.rounds,
        )
    report = Report(
        f"A sweep of {TRIALS} short trainings",
        f"galaxy_alexnet, {given.galaxies:,} simulated galaxies, {given.epochs} epochs each; "
        f"median of {given.rounds} rounds in turn.",
    )
    median = {name: sorted(times)[len(times) // 2] for name, times in seconds.items()}
    report.add(
        "sweep / the same as commands, one after the other",
        ratio(seconds["sweep"], seconds["commands"]),
        goal=0.6,
        bound="at most",
    )
    report.add("sweep --parallel 2 / sweep", ratio(seconds["two at once"], seconds["sweep"]))
    for name, what in (("commands", "commands"), ("sweep", "sweep"), ("two at once", "sweep --parallel 2")):
        report.add(f"{what}, for each training", median[name] / TRIALS, "s")
    report.emit(given.json)


def commands(training: list[str], scratch: Path) -> None:
    """Six trainings, a command each."""
    with tempfile.TemporaryDirectory(dir=scratch) as runs:
        for seed in range(TRIALS):
            call("train", *training, "--seed", str(seed), "--runs-dir", runs)


def sweep(training: list[str], scratch: Path, parallel: int) -> None:
    """The same as a sweep; its estimate, which times a few steps, is part of it."""
    with tempfile.TemporaryDirectory(dir=scratch) as runs:
        words = ["--seeds", str(TRIALS), "--parallel", str(parallel), "--runs-dir", runs]
        call("sweep", *training, *words)


def call(*words: str) -> None:
    """Run the command; its last words if it fails."""
    done = subprocess.run([COMMAND, *words, "--quiet"], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"galaxynet {' '.join(words)} ended with {done.returncode}: {done.stderr[-500:]}")


if __name__ == "__main__":
    main()
