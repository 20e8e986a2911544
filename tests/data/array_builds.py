"""Arrays to build: at once, never, and slowly in another process."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from galaxynet.data.arrays import Block, Recipe

KEY = {"size": 4}


def recipe(blocks: int = 5, rows: int = 3, spare: int = 0) -> Recipe:
    def make() -> Iterator[Block]:
        for number in range(blocks):
            ids = range(number * rows, (number + 1) * rows)
            filled = np.stack([np.full((4, 4), id_ % 256, np.uint8) for id_ in ids])
            yield Block(filled, list(ids), {f"bad{number}": "broken"} if spare else {})

    return Recipe(blocks * rows + spare, (4, 4), make, {"width": 424})


def never() -> Recipe:
    raise AssertionError("the array was built again")


SLOW_BUILD = """
import sys, time, numpy as np
from pathlib import Path
from galaxynet.data.arrays import Block, Recipe, cached_array

folder, pause = Path(sys.argv[1]), float(sys.argv[2])

def blocks():
    for number in range(20):
        (folder / "count").open("a").write("x")
        time.sleep(pause)
        yield Block(np.full((10, 4, 4), number, np.uint8), list(range(number * 10, number * 10 + 10)), {})

array = cached_array(folder / "arrays", {"size": 4}, lambda: Recipe(200, (4, 4), blocks))
print(len(array.ids), int(array.rows[:, 0, 0].astype(int).sum()))
"""


def start(folder: Path, pause: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SLOW_BUILD, str(folder), str(pause)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until, "nothing happened within 20 s"
        time.sleep(0.01)
