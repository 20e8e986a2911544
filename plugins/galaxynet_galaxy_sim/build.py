"""Write a simulated survey as the competition's two training archives."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from galaxynet.children import SpawnContext
from galaxynet.errors import GalaxynetError
from galaxynet.terminal import progress
from galaxynet_galaxy_sim.options import SimulatorOptions
from galaxynet_galaxy_zoo.votes import COLUMNS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Block = list[tuple[bytes, npt.NDArray[np.float64]]]

IMAGES = "images_training_rev1"
SOLUTIONS = "training_solutions_rev1"

_FIRST_ID = 100_008
_BLOCK = 16
_DATE = (2013, 12, 20, 0, 0, 0)


def simulate(folder: Path, options: SimulatorOptions) -> None:
    """Write `images_training_rev1.zip` and `training_solutions_rev1.zip` of a simulated survey.

    The files depend on the options alone, not on the number of cores, and a smaller survey is the beginning
    of a larger one of the same seed. (Another processor or another release of NumPy or OpenCV may round a
    pixel differently.)

    Args:
        folder: An existing folder. What an error or an interrupt leaves in it is no whole survey: the caller
            builds in a folder that it discards then.
        options: How many galaxies, which seed, how many volunteers.

    Raises:
        OSError: If the files cannot be written.
        GalaxynetError: If a process that draws galaxies is ended from outside.
    """
    rows = io.StringIO()
    rows.write(",".join(("GalaxyID", *COLUMNS)) + "\n")
    with (
        zipfile.ZipFile(folder / f"{IMAGES}.zip", "w") as archive,
        progress("simulating galaxies", options.count, "galaxies") as advance,
        closing(_blocks(options)) as blocks,
    ):
        archive.writestr(_member(f"{IMAGES}/", zipfile.ZIP_STORED), b"")
        number = galaxy_ids(options)
        for block in blocks:
            for jpeg, votes in block:
                galaxy = next(number)
                archive.writestr(_member(f"{IMAGES}/{galaxy}.jpg", zipfile.ZIP_STORED), jpeg)
                rows.write(f"{galaxy},{','.join(map(_decimal, votes))}\n")
            advance(len(block))
    with zipfile.ZipFile(folder / f"{SOLUTIONS}.zip", "w") as archive:
        archive.writestr(_member(f"{SOLUTIONS}.csv", zipfile.ZIP_DEFLATED), rows.getvalue())


def galaxy_ids(options: SimulatorOptions) -> Iterator[int]:
    """Identifiers in rising order with gaps, as the catalogue's: six digits for surveys of common size."""
    import numpy as np

    generator = np.random.default_rng(np.random.SeedSequence(options.seed, spawn_key=(0, 0)))
    galaxy = _FIRST_ID
    for _ in range(options.count):
        yield galaxy
        galaxy += int(generator.integers(1, 29))


def _blocks(options: SimulatorOptions) -> Generator[Block]:
    """The galaxies in order, a block at a time, made by as many processes as there are cores.

    Only a few blocks are under way at once, so that memory does not grow with the survey.
    """
    starts = iter(range(0, options.count, _BLOCK))
    cores = _cores()
    if cores == 1 or options.count <= 2 * _BLOCK:
        for start in starts:
            yield _block(options, start)
        return
    # Processes are spawned: a fork would copy the threads' locks of a program that already runs torch.
    pool = ProcessPoolExecutor(cores, SpawnContext(), initializer=_one_thread)
    try:
        waiting: list[Future[Block]] = [
            pool.submit(_block, options, start) for start in islice(starts, 4 * cores)
        ]
        while waiting:
            block = waiting.pop(0).result()
            waiting.extend(pool.submit(_block, options, start) for start in islice(starts, 1))
            yield block
    except BrokenProcessPool:
        raise GalaxynetError(
            "A process that simulated galaxies ended before its work was done.",
            "Most often the system has ended it, when memory is short.",
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _cores() -> int:
    """The cores that this process may use: in a container or a batch job fewer than the machine has."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, 60)  # Windows waits for 63 handles at most


def _one_thread() -> None:
    """Settings of a worker: its siblings take the other cores, and the parent handles an interrupt."""
    import signal

    import cv2

    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _block(options: SimulatorOptions, start: int) -> Block:
    from galaxynet_galaxy_sim.observe import galaxy_of
    from galaxynet_galaxy_sim.perception import look
    from galaxynet_galaxy_sim.volunteers import classify

    block = []
    for index in range(start, min(start + _BLOCK, options.count)):
        scene, frame, generator = galaxy_of(options.seed, index)
        block.append((frame.jpeg, classify(look(scene, frame), options.volunteers, generator)))
    return block


def _member(name: str, compression: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _DATE)
    member.compress_type = compression
    # The same bytes on every system: zipfile records by default which system it ran on.
    member.create_system = 3
    member.external_attr = (0o40755 << 16 | 0x10) if name.endswith("/") else 0o100644 << 16
    return member


def _decimal(fraction: float) -> str:
    """At most nine decimals and no trailing zeros, as in the catalogue."""
    return f"{fraction:.9f}".rstrip("0").rstrip(".") or "0"
