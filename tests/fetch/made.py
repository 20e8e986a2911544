"""What the tests of fetching make: archives, a stranger's dataset, and the environment of a command."""

from __future__ import annotations

import hashlib
import io
import os
import random
import sys
import textwrap
import zipfile
from collections.abc import Mapping
from pathlib import Path

from galaxynet.fetching.retry import RetryPolicy

QUICK = RetryPolicy(read_timeout=0.4, retries=3, pause=0.01, max_pause=2)

PREAMBLE = """
from pathlib import Path
from galaxynet.plugin import *

class Nothing(Options):
    pass

class Sky(Options):
    count: int = option(3, "how many stars", ge=1)
    seed: int = option(0, "seed")
"""

GALAXIES = """
SPEC = DatasetSpec(
    name="stars", summary="stars of a stranger", options=Nothing, module="nowhere:Module",
    files=(
        DataFile(name="images.zip", summary="images", folder="images"),
        DataFile(name="labels.zip", summary="labels", folder="labels.csv"),
        DataFile(name="more.zip", summary="more images", group="more"),
    ),
    sources=(KaggleCompetition(slug="star-challenge"),),
    homepage="https://stars.example/data",
    check=f"{__name__}:check",
)

def check(folder):
    import zipfile
    from galaxynet.errors import DataError
    with zipfile.ZipFile(folder / "images.zip") as archive:
        images = [name for name in archive.namelist() if not name.endswith("/")]
    if not images:
        raise DataError(f"{folder / 'images.zip'} has no images in it.")
    return [f"{len(images)} images"]
"""

SIMULATED = """
SPEC = DatasetSpec(
    name="stars", summary="simulated stars", options=Nothing, module="nowhere:Module",
    files=(DataFile(name="images.zip"), DataFile(name="labels.csv")),
    sources=(Simulator(function=f"{__name__}:simulate", options=Sky),),
)

def simulate(folder, options):
    import zipfile
    with open(folder.parent / "calls", "a") as calls:
        calls.write("called ")
    if options.seed == 13:
        raise KeyboardInterrupt
    if options.seed == 16:
        raise OSError("no universe")
    if options.seed == 17:
        1 / 0
    if options.seed != 14:
        with zipfile.ZipFile(folder / "images.zip", "w") as archive:
            for number in range(options.count):
                archive.writestr(f"{number}.jpg", bytes([options.seed]) * 100)
        if options.seed == 15:
            whole = (folder / "images.zip").read_bytes()
            (folder / "images.zip").write_bytes(whole[:-30])
    (folder / "labels.csv").write_text(f"id,label of {options.count}")
"""

IMAGES = {f"images/{number}.jpg": bytes([number]) * 3000 for number in range(5)}
LABELS = {"labels.csv": b"id,label\n0,spiral\n1,smooth\n"}


def write_zip(path: Path, members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """A zip with these members."""
    path.write_bytes(zip_bytes(members, method))
    return path


def challenge() -> dict[str, bytes]:
    """The files of the competition: images of about 1 MB that do not get smaller, and labels."""
    noise = random.Random(1)
    images = {f"images/{number}.jpg": noise.randbytes(100_000) for number in range(10)}
    return {
        "images.zip": zip_bytes(images, zipfile.ZIP_STORED),
        "labels.zip": zip_bytes(LABELS),
        "more.zip": zip_bytes({"more/1.jpg": b"more"}),
        "rules.txt": b"The rules.",
    }


def mirrored(*mirrors: str, md5: bool = False) -> str:
    """A dataset whose two files lie on mirrors."""
    digest = hashlib.md5(challenge()["images.zip"]).hexdigest()
    return f"""
SPEC = DatasetSpec(
    name="stars", summary="stars of a stranger", options=Nothing, module="nowhere:Module",
    files=(
        DataFile(name="images.zip", summary="images", md5={digest if md5 else None!r}),
        DataFile(name="labels.zip", summary="labels"),
    ),
    sources=(Https(mirrors={mirrors!r}),),
)
"""


def whole(data: Path) -> bool:
    """Whether both files are there, right to the last byte, and nothing else."""
    folder = data / "stars"
    return (
        on_disk(folder) == ["images.zip", "labels.zip", "receipt.json"]
        and (folder / "images.zip").read_bytes() == challenge()["images.zip"]
    )


def zip_bytes(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The bytes of a zip with these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2013, 12, 20, 0, 0, 0)), content, method)
    return buffer.getvalue()


def contents(path: Path) -> dict[str, bytes]:
    """The members of a zip."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def downloads(folder: Path) -> Path:
    """A folder as a browser leaves it, with the two archives that the dataset needs."""
    folder.mkdir(exist_ok=True)
    write_zip(folder / "images.zip", IMAGES)
    write_zip(folder / "labels.zip", LABELS)
    return folder


def module(spec: str) -> str:
    """The text of a stranger's module that defines SPEC."""
    return PREAMBLE + textwrap.dedent(spec)


def on_disk(folder: Path) -> list[str]:
    """Everything in a dataset's folder, so that no left-over goes unseen."""
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def command_line(*words: str) -> list[str]:
    """The installed command `galaxynet` with these words."""
    return [str(Path(sys.executable).with_name("galaxynet")), *words]


def clean_environment(folder: Path, **extra: str) -> dict[str, str]:
    """An environment with no credentials, no proxies and folders of its own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith("KAGGLE")
    }
    home = folder / "home"
    home.mkdir(exist_ok=True)
    return {**kept, "HOME": str(home), "COLUMNS": "200", **extra}
