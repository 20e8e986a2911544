"""How long it takes to prepare the images, straight out of the zip and by the usual loop.

The usual loop unpacks the archive and then, for one file after the other, calls cv2.imread, cv2.resize
(by area) and cv2.cvtColor. Both sides write the same array to disk. The archive is a part of the real one
where GALAXYNET_TEST_DATA (default ../shared/data) has it, and simulated otherwise.

    python -m benchmarks.bench_cache [--images 2000] [--rounds 5] [--json]
"""

from __future__ import annotations

import itertools
import os
import statistics
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.measure import Report, alternate, parser, ratio
from galaxynet.images.preprocessing import Preprocessing
from galaxynet.terminal import set_quiet
from galaxynet_galaxy_zoo.archives import load_images

NAME = "images_training_rev1.zip"
SIZE = 60
OURS, USUAL = "galaxynet", "unpack, imread, resize, cvtColor"


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--images", type=int, default=2000, help="images in the archive")
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    set_quiet(True)
    with tempfile.TemporaryDirectory(prefix="bench-cache-") as folder:
        archive, kind = real_or_simulated(given.images, Path(folder))
        folders = itertools.count()
        sides = {OURS: fresh(ours, archive, folders), USUAL: fresh(usual, archive, folders)}
        seconds = alternate(sides, given.rounds)
        again = alternate({"opened": lambda: ours(archive, Path(folder, "kept"))}, given.rounds)["opened"]
    report = Report(
        "Preparing the images",
        f"{given.images:,} {kind} JPEGs to {SIZE} x {SIZE} gray, {os.cpu_count()} cores; "
        f"ratio of wall times, median of {given.rounds} rounds in turn.",
    )
    report.add("as fast as the usual loop", ratio(seconds[USUAL], seconds[OURS]), goal=3.0)
    for name, times in seconds.items():
        report.add(f"{name}, median", given.images / statistics.median(times), "images/s")
    report.add("opening prepared images", 1000 * statistics.median(again), "ms")
    report.emit(given.json)


def usual(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    files = sorted(folder.rglob("*.jpg"))
    array = np.empty((len(files), SIZE, SIZE), np.uint8)
    for row, file in zip(array, files, strict=True):
        pixels = cv2.imread(str(file))
        assert pixels is not None
        small = cv2.resize(pixels, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        row[...] = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    np.save(folder / "array.npy", array)


def ours(archive: Path, folder: Path) -> None:
    load_images(archive, folder, Preprocessing(SIZE, SIZE))


def fresh(side: Callable[[Path, Path], None], archive: Path, folders: Iterator[int]) -> Callable[[], None]:
    """The side, each time in a new folder; none is removed meanwhile, because that would be timed too."""
    return lambda: side(archive, archive.parent / f"folder{next(folders)}")


def real_or_simulated(images: int, folder: Path) -> tuple[Path, str]:
    real = Path(os.environ.get("GALAXYNET_TEST_DATA", "../shared/data")) / "galaxy-zoo" / NAME
    if not real.is_file():
        from galaxynet_galaxy_sim.build import simulate
        from galaxynet_galaxy_sim.options import SimulatorOptions

        simulate(folder, SimulatorOptions(count=images))
        return folder / NAME, "simulated"
    with zipfile.ZipFile(real) as packed, zipfile.ZipFile(folder / NAME, "w") as part:
        for info in packed.infolist()[:images]:
            part.writestr(info, packed.read(info))
    return folder / NAME, "real"


if __name__ == "__main__":
    main()
