"""Throughput of `galaxynet predict` and `evaluate`, and peak memory of `predict`.

Throughput: a prediction of a folder of JPEGs takes turns with its two halves, reading and the network, each
alone on all cores, with an evaluation of the same images, and with a plain loop: cv2.imread, crop, resize,
gray, and the network on one image at a time. The bound is 1 / (1/decode + 1/network), what the two halves
allow one after the other.

The network with shipped weights, galaxy_votes, is measured on a tenth of the images, by the number of views.

Memory: the command itself, in a process of its own, on a list that names one small image over and over; the
peak is `ru_maxrss`. Formats that are written row by row have the peak of a short list; of the others, bytes
per row. Merging is measured on two halves.

    python -m benchmarks.bench_predict [--images 2000] [--rounds 5] [--rows 200000] [--json]
"""

from __future__ import annotations

import functools
import os
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch

import galaxynet
from benchmarks.bench_cache import real_or_simulated
from benchmarks.measure import Report, alternate, busy, parser, ratio
from galaxynet.catalogue.columns import Block
from galaxynet.catalogue.stored_table import open_table
from galaxynet.catalogue.writing import write_table
from galaxynet.images.decoding import prepared_batches
from galaxynet.images.input_search import find_inputs
from galaxynet.prediction.job import predict_to_file
from galaxynet.prediction.network import AppliedNetwork
from galaxynet.prediction.network_of_run import applied_network
from galaxynet.prediction.provenance import shard_parameters
from galaxynet.prediction.rows import Catalogue
from galaxynet.runs import Run, find_network
from galaxynet.terminal import set_quiet

FEW = 2000
LAUNCHER = """
import os, sys
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(process, 0)
print(usage.ru_maxrss)
sys.exit(status != 0)
"""
"""On Linux the peak of a process is at least that of the one that started it, so a small one starts it."""

STREAMED = (".csv", ".ecsv", ".parquet")
HELD = (".fits", ".vot")
PREDICT, EVALUATE, PLAIN = "predict", "evaluate --images", "plain loop of batch 1"
DECODE, NETWORK, VIEWS = "reading alone", "network alone", "network alone, 8 views"


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--images", type=int, default=2000, help="images of the throughput")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--rows", type=int, default=200_000, help="rows of the long list")
    given = arguments.parse_args()
    set_quiet(True)
    notes = busy()
    with tempfile.TemporaryDirectory(prefix="bench-predict-") as name:
        folder = Path(name)
        archive, kind = real_or_simulated(given.images, folder)
        report = Report(
            "Predicting",
            f"{given.images:,} {kind} JPEGs to 60 x 60 gray with galaxy_alexnet on {os.cpu_count()} cores, "
            f"median of {given.rounds} rounds in turn; peak memory of the command (`ru_maxrss`) on lists of "
            f"small images, 24 x 24, {FEW:,} in short ones.",
            notes=notes,
        )
        throughput(report, trained(folder, 60), archive, given.rounds)
        shipped(report, archive, given.images // 10, given.rounds)
        memory(report, trained(folder, 24), folder, given.rows)
    report.emit(given.json)


def trained(folder: Path, size: int) -> Run:
    """A run of a few seconds: what a network has learnt changes no time and no memory."""
    data = folder / "data"
    if not data.exists():
        galaxynet.fetch("galaxy-sim", count=300, data_dir=data)
    return galaxynet.train(
        "galaxy_alexnet",
        dataset="galaxy-sim",
        data_dir=data,
        runs_dir=folder / "runs",
        epochs=1,
        crop=212,
        size=size,
        precision="float32",
    )


def throughput(report: Report, run: Run, archive: Path, rounds: int) -> None:
    unpacked = archive.parent / "unpacked"
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(unpacked)
    files = sorted(unpacked.rglob("*.jpg"))
    inputs = find_inputs([str(unpacked)])
    network = applied_network(run, accelerator="cpu")
    preprocessing = network.preprocessing
    pixels = np.concatenate([batch.pixels for batch in prepared_batches(inputs, preprocessing)])
    output = archive.parent / "catalogue.csv"
    crop = preprocessing.crop
    labels = archive.parent / "labels.csv"
    rows = [f"{file.stem},{network.classes[row % len(network.classes)]}" for row, file in enumerate(files)]
    labels.write_text("\n".join(["id,label", *rows]))

    def plain() -> None:
        for file in files:
            image = cv2.imread(str(file))
            assert image is not None
            left, top = (image.shape[1] - crop) // 2, (image.shape[0] - crop) // 2
            image = image[top : top + crop, left : left + crop]
            size = (preprocessing.width, preprocessing.height)
            image = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
            with torch.inference_mode():
                network.task(network.inputs(np.asarray(image, np.uint8)[None, ..., None]))

    def decode() -> None:
        for _ in prepared_batches(inputs, preprocessing):
            pass

    seconds = alternate(
        {
            PREDICT: lambda: predict_to_file(run, Catalogue(inputs, network), output, overwrite=True),
            EVALUATE: lambda: galaxynet.evaluate(run, images=str(unpacked), labels=labels, accelerator="cpu"),
            DECODE: decode,
            NETWORK: lambda: apply(network, pixels),
            VIEWS: lambda: apply(network, pixels, 8),
            PLAIN: plain,
        },
        rounds,
    )
    both = [sum(halves) for halves in zip(seconds[DECODE], seconds[NETWORK], strict=True)]
    report.add("predict / the bound", ratio(both, seconds[PREDICT]), goal=0.9)
    report.add("predict / plain loop of batch 1", ratio(seconds[PLAIN], seconds[PREDICT]), goal=3.0)
    report.add("evaluate / predict", ratio(seconds[PREDICT], seconds[EVALUATE]))
    report.add("8 views / 1, network alone", ratio(seconds[VIEWS], seconds[NETWORK]))
    for name, times in seconds.items():
        report.add(name, len(files) / statistics.median(times), "images/s")


def apply(network: AppliedNetwork, pixels: npt.NDArray[np.uint8], views: int = 1) -> None:
    """Apply a network to prepared images, as the mean over some views."""
    network.task.views = views
    for start in range(0, len(pixels), network.batch_size):
        network(pixels[start : start + network.batch_size])
    network.task.views = 1


def shipped(report: Report, archive: Path, images: int, rounds: int) -> None:
    """The network whose weights come with galaxynet, by the number of views."""
    with zipfile.ZipFile(archive) as packed:
        files = [name for name in packed.namelist() if name.endswith(".jpg")][:images]
        packed.extractall(archive.parent / "some", files)
    inputs = find_inputs([str(archive.parent / "some")])
    run = find_network(archive.parent, "galaxy_votes")
    network = applied_network(run, accelerator="cpu")
    pixels = np.concatenate([batch.pixels for batch in prepared_batches(inputs, network.preprocessing)])
    output = archive.parent / "votes.csv"
    work: dict[str, Callable[[], object]] = {
        "predict, galaxy_votes": lambda: predict_to_file(
            run, Catalogue(inputs, network), output, overwrite=True
        )
    }
    for views in (1, 2, 4, 8):
        name = f"galaxy_votes alone, views: {views}"
        work[name] = functools.partial(apply, network, pixels, views)
    for name, times in alternate(work, rounds).items():
        report.add(name, len(files) / statistics.median(times), "images/s")


def memory(report: Report, run: Run, folder: Path, rows: int) -> None:
    small = np.random.default_rng(0).integers(0, 60, (32, 32), dtype=np.uint8)
    cv2.imwrite(str(folder / "small.jpg"), small)
    lists = {}
    for count in (FEW, rows):
        lists[count] = folder / f"{count}.txt"
        lists[count].write_text("small.jpg\n" * count)

    def predict(count: int, output: str, *more: str) -> int:
        return peak(["predict", str(run.path), str(lists[count]), "-o", str(folder / output), *more])

    for suffix in STREAMED:
        # The page of pictures is made on the way, so that its memory counts too.
        few, many = (
            predict(count, f"{count}{suffix}", "--gallery", str(folder / f"{count}{suffix}.html"))
            for count in (FEW, rows)
        )
        report.add(f"{suffix}: peak of {rows:,} rows / of {FEW:,}", many / few, goal=1.2, bound="at most")
        report.add(f"{suffix}: peak of {rows:,} rows", many / 2**20, "MiB")
    for suffix in HELD:
        few, many = (predict(count, f"{count}{suffix}") for count in (FEW, rows))
        report.add(f"{suffix}: memory of a row", (many - few) / (rows - FEW), "bytes")
    for suffix in STREAMED:
        few, many = (merging(folder / f"{count}.csv", suffix) for count in (FEW, rows))
        report.add(f"{suffix}: --merge to {rows:,} rows / {FEW:,}", many / few, goal=1.2, bound="at most")
        report.add(f"{suffix}: --merge to {rows:,} rows", many / 2**20, "MiB")


def merging(catalogue: Path, suffix: str) -> int:
    """Bytes of the peak of merging a catalogue that was cut in two."""
    table = open_table(catalogue)
    total = table.layout.rows
    names = []
    for index, rows in enumerate((range(total // 2), range(total // 2, total)), start=1):
        facts = shard_parameters(index, 2, rows.start, total, "")
        layout = replace(table.layout, rows=len(rows), parameters=(*table.layout.parameters, *facts))
        names.append(catalogue.with_name(f"{catalogue.stem}-{index}{suffix}"))
        write_table(names[-1], layout, cut(table.blocks(), rows))
    output = catalogue.with_name(f"{catalogue.stem}-merged{suffix}")
    return peak(["predict", "--merge", *map(str, names), "-o", str(output)])


def cut(blocks: Iterable[Block], rows: range) -> Iterator[Block]:
    """Some of the rows."""
    first = 0
    for block in blocks:
        part = slice(max(rows.start - first, 0), max(rows.stop - first, 0))
        if len(block["id"][part]):
            yield {name: cells[part] for name, cells in block.items()}
        first += len(block["id"])


def peak(words: Sequence[str]) -> int:
    """Bytes of the peak memory of the command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", LAUNCHER, sys.executable, "-m", "galaxynet", *words, "--quiet"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
        # Threads that wait for each other on a busy machine take minutes and change no memory.
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return int(done.stdout) * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
