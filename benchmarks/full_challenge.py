"""The whole Galaxy Zoo challenge at its size, with simulated galaxies: time, memory and disk of each step.

    python -m benchmarks.full_challenge --folder FOLDER [--threads 1] [--json]

The archives have the challenge's names, its 61,578 JPEGs of 424 x 424 in about 792 MB, and as many rows of
votes. Their galaxies are SIMULATED: some hundreds of `galaxy-sim`, each in eight positions and many times
over; every file says so in a comment of its own, and so do the archives. The figures are of time, memory and
disk. What is learnt means nothing.

The training that docs/evidence/votes.md shows is interrupted after some steps. A small network on the same
prepared images is then interrupted in its second epoch and resumed, and trained and tested to the end.

Each command is a process of its own, looked at four times a second (on Linux): its memory with the pages of
the prepared images, which the system can drop, and its own memory, which it cannot; and its processor time,
which other programs change little. Archives that are in the folder already are used again.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

import galaxynet
from benchmarks.measure import Report, busy, parser
from galaxynet.runs import Run
from galaxynet.runs.folder import CHECKPOINTS
from galaxynet.terminal import note
from galaxynet.training.training_options import TrainingOptions
from galaxynet_galaxy_sim.build import galaxy_ids
from galaxynet_galaxy_sim.options import SimulatorOptions

GALAXIES = 61_578
EPOCHS = 16
IMAGES, SOLUTIONS = "images_training_rev1", "training_solutions_rev1"
SIMULATED = "SIMULATED by galaxynet, not the challenge's"
QUALITY = 75
"""That of the simulator, so that a JPEG is about as large as the one that it is made of."""
TRAIN = ("train", "galaxy_votes", "--test-fraction", "0.1")
WHOLE = ("--epochs", str(EPOCHS), "--name", "simulated")
SMALL = ("--name", "simulated-small", "--width", "8", "--stem-stride", "4", "--no-augment", "--epochs", "2")
MIB = 1 << 20
_EVERY_S = 0.25


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--folder", type=Path, required=True, help="where to work; it takes 4 GB")
    arguments.add_argument("--galaxies", type=int, default=GALAXIES, help="images in the archive")
    arguments.add_argument("--different", type=int, default=200, help="galaxies to simulate for them")
    arguments.add_argument("--steps-for", type=float, default=30, help="processor seconds of training steps")
    arguments.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    given = arguments.parse_args()
    # In the background of a shell, Ctrl-C is ignored, also by the commands that are started.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    notes = busy()
    source, data, runs = (given.folder / name for name in ("challenge", "data", "runs"))
    runs.mkdir(parents=True, exist_ok=True)
    make(source, given.galaxies, given.different)
    report = Report(
        "The whole challenge, simulated",
        f"{given.galaxies:,} SIMULATED images ({given.different:,} galaxies in eight positions) in "
        f"{size_of(source) / 1e6:,.0f} MB; {given.threads} threads on {os.cpu_count()} cores; s of the "
        "processor are those of all threads.",
        notes=notes,
    )
    fetched = Process(["fetch", "galaxy-zoo", "--from", str(source), "--data-dir", str(data)])
    fetched.wait()
    add(report, "fetch --from", fetched)
    more = ["--threads", str(given.threads), "--data-dir", str(data), "--runs-dir", str(runs)]
    train(report, Process([*TRAIN, *WHOLE, *more]), runs, given.steps_for)
    train_small(report, [*TRAIN, *SMALL, *more], more[2:], runs)
    report.add("data folder", size_of(data) / 1e6, "MB")
    report.add("folder of the finished run", size_of(newest(runs).path) / 1e6, "MB")
    report.emit(given.json)


def make(folder: Path, galaxies: int, different: int) -> None:
    """Write the two archives, unless they are there."""
    images, solutions = (folder / f"{name}.zip" for name in (IMAGES, SOLUTIONS))
    if images.is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    galaxynet.fetch("galaxy-sim", count=different, data_dir=folder.parent / "galaxies")
    jpegs, header, votes = positions(folder.parent / "galaxies" / "galaxy-sim")
    note(f"writing {galaxies:,} simulated images")
    indices = np.random.default_rng(0).integers(0, len(jpegs), galaxies).tolist()
    ids = list(galaxy_ids(SimulatorOptions(count=galaxies)))
    rows = [f"{galaxy},{votes[index]}" for galaxy, index in zip(ids, indices, strict=True)]
    with zipfile.ZipFile(solutions, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = SIMULATED.encode()
        archive.writestr(f"{SOLUTIONS}.csv", "\n".join([header, *rows]) + "\n")
    part = images.with_suffix(".part")
    with zipfile.ZipFile(part, "w") as archive:
        archive.comment = SIMULATED.encode()
        for galaxy, index in zip(ids, indices, strict=True):
            archive.writestr(f"{IMAGES}/{galaxy}.jpg", commented(jpegs[index], f"{SIMULATED}: {galaxy}"))
    part.rename(images)


def positions(folder: Path) -> tuple[list[bytes], str, list[str]]:
    """A survey's JPEGs in eight positions, the header of its votes, and the votes of each JPEG."""
    with zipfile.ZipFile(folder / f"{SOLUTIONS}.zip") as archive:
        header, *lines = archive.read(f"{SOLUTIONS}.csv").decode().splitlines()
    votes_of = dict(line.split(",", 1) for line in lines)
    jpegs, votes = [], []
    with zipfile.ZipFile(folder / f"{IMAGES}.zip") as archive:
        for name in archive.namelist():
            if not name.endswith(".jpg"):
                continue
            picture = cv2.imdecode(np.frombuffer(archive.read(name), np.uint8), cv2.IMREAD_COLOR)
            assert picture is not None
            for turn in range(8):
                turned = np.rot90(picture[:, ::-1] if turn >= 4 else picture, turn % 4)
                _, coded = cv2.imencode(
                    ".jpg", np.ascontiguousarray(turned), [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
                )
                jpegs.append(coded.tobytes())
                votes.append(votes_of[Path(name).stem])
    return jpegs, header, votes


def commented(jpeg: bytes, text: str) -> bytes:
    """A JPEG with a comment (ITU-T T.81, B.2.4.5), so that no two files are the same."""
    return jpeg[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text.encode() + jpeg[2:]


@dataclass
class Usage:
    """What a process has used so far: wall and processor seconds, and bytes at the peak."""

    seconds: float = 0.0
    processor: float = 0.0
    mapped: int = 0
    own: int = 0


class Process:
    """A command of galaxynet, which is watched while it runs."""

    def __init__(self, words: Sequence[str]) -> None:
        note(f"galaxynet {' '.join(words)}")
        self.words, self.used, self._began = words, Usage(), time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "galaxynet", *words], stdin=subprocess.DEVNULL
        )

    def wait(self, until: Callable[[], bool] = lambda: False) -> Usage:
        """Watch until the command ends well, or a condition holds; the usage at that time."""
        while self._process.poll() is None:
            self._look()
            if until():
                note(f"so far: {self.used}")
                return replace(self.used)
            time.sleep(_EVERY_S)
        if self._process.returncode:
            sys.exit(f"galaxynet {' '.join(self.words)} failed")
        note(f"ended: {self.used}")
        return self.used

    def interrupt(self) -> float:
        """Send Ctrl-C, and wait for the end; the seconds that it took."""
        began = time.monotonic()
        self._process.send_signal(signal.SIGINT)
        while self._process.poll() is None:
            self._look()
            time.sleep(_EVERY_S)
        if self._process.returncode not in (-signal.SIGINT, 130):
            sys.exit(f"galaxynet {' '.join(self.words)} ended with {self._process.returncode}")
        note(f"interrupted: {self.used}")
        return time.monotonic() - began

    def _look(self) -> None:
        folder = Path("/proc", str(self._process.pid))
        lines = (line.split() for line in (folder / "status").read_text().splitlines())
        memory = {words[0]: int(words[1]) * 1024 for words in lines if words[-1] == "kB"}
        ticks = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
        used = self.used
        used.seconds = time.monotonic() - self._began
        used.processor = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK") or used.processor
        used.mapped = max(used.mapped, memory.get("VmHWM:", 0))
        used.own = max(used.own, memory.get("RssAnon:", 0))


def train(report: Report, process: Process, runs: Path, steps_for: float) -> None:
    """The training of the page: its preparation and some of its steps."""
    ready = process.wait(until=lambda: any(runs.glob("*/run.json")))
    add_times(report, "train, until its first step (images are read)", ready)
    stepped = process.wait(until=lambda: process.used.processor > ready.processor + steps_for)
    stopping = process.interrupt()
    record = newest(runs).record
    batch = TrainingOptions.from_dict(record.options.training).batch_size
    speed = (record.steps or 0) * batch / (stepped.processor - ready.processor)
    add_memory(report, "train", process)
    report.add("train: from Ctrl-C to the end", stopping, "s")
    report.add("train: steps", speed, "samples/s of the processor")
    hours = EPOCHS * record.splits["train"] / speed / 3600
    report.add(f"train: steps of {EPOCHS} epochs, extrapolated", hours, "h of the processor")


def train_small(report: Report, words: Sequence[str], folders: Sequence[str], runs: Path) -> None:
    """A small network to the end, which shows what all that is not the network takes."""
    before = set(runs.iterdir())
    process = Process(words)
    opened = process.wait(until=lambda: bool(set(runs.iterdir()) - before))
    add_times(report, "small network, until its first step", opened)
    run = newest(runs)
    process.wait(until=(run.path / CHECKPOINTS / "last.ckpt").is_file)
    report.add("small network: from Ctrl-C to the end", process.interrupt(), "s")
    add_memory(report, "small network, interrupted", process)
    process = Process(["train", "--resume", run.record.id, *folders])
    process.wait()
    add(report, "small network, resumed to the end", process)
    report.add("small network: the test", newest(runs).record.seconds["test"], "s")


def add(report: Report, name: str, process: Process) -> None:
    add_times(report, name, process.used)
    add_memory(report, name, process)


def add_times(report: Report, name: str, used: Usage) -> None:
    report.add(name, used.seconds, "s")
    report.add(name, used.processor, "s of the processor")


def add_memory(report: Report, name: str, process: Process) -> None:
    report.add(f"{name}: peak of memory", process.used.mapped / MIB, "MiB")
    report.add(f"{name}: peak of its own memory", process.used.own / MIB, "MiB")


def newest(runs: Path) -> Run:
    return Run.open(max(path for path in runs.iterdir() if (path / "run.json").is_file()))


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
