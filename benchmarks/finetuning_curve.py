"""Accuracy by the number of labels, from scratch and finetuned: a row of a table for each training.

    python benchmarks/finetuning_curve.py --labels five.csv --test-ids fair_test_ids.csv --weights votes36

Each training has the first N galaxies of a random order of all that may be trained on; the order depends on
the seed. All trainings have the same number of updates, so few labels are seen more often. A network from
scratch has the shape and the images of the finetuned one. Every row is written when its training ends, and a
second call continues with the rows that are missing. --figure draws the table.
"""

from __future__ import annotations

import argparse
import csv
import random
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import galaxynet
from galaxynet import paths
from galaxynet.report.figures import style
from galaxynet.training.builders import build_data
from galaxynet.training.config import Components
from galaxynet.training.pretrained import Pretrained

NETWORK = "galaxy_classifier"
COLUMNS = ("labels", "start", "seed", "accuracy", "low", "high", "tested", "epochs", "seconds")
STARTS: dict[str, dict[str, Any]] = {"scratch": {}, "finetuned": {}, "frozen": {"freeze": ["backbone"]}}
LINES = {"scratch": "from scratch", "finetuned": "finetuned", "frozen": "last layer alone finetuned"}


@dataclass(frozen=True)
class Trial:
    """A training of the table: how many labels, how it starts, and the seed of order and weights."""

    labels: int
    start: str
    seed: int


def main() -> None:
    """Train what the table lacks, and print its summary."""
    arguments = _arguments()
    labels = _labels(arguments.labels)
    shown = _with_image(arguments) & set(labels)
    tested = set(_column(arguments.test_ids)) & shown
    pool = sorted(shown - tested)
    for trial in _missing(arguments):
        if trial.labels > len(pool):
            print(f"{trial.labels} labels: there are {len(pool)}", flush=True)
            continue
        order = random.Random(trial.seed).sample(pool, len(pool))
        _append(arguments.out, _train(arguments, trial, labels, order[: trial.labels], tested))
    print(summary(arguments.out))
    if arguments.figure:
        draw(arguments.out, arguments.figure)


def _missing(arguments: argparse.Namespace) -> Iterator[Trial]:
    done = {(row["labels"], row["start"], row["seed"]) for row in _rows(arguments.out)}
    for seed in range(arguments.seeds):
        for size in arguments.sizes:
            for start in arguments.starts:
                if (str(size), start, str(seed)) not in done:
                    yield Trial(size, start, seed)


def _train(
    arguments: argparse.Namespace, trial: Trial, labels: dict[str, str], shown: list[str], tested: set[str]
) -> dict[str, Any]:
    steps = -(-trial.labels // arguments.batch_size)
    epochs = arguments.epochs or -(-arguments.updates // steps)
    settings = {"weights": arguments.weights, **STARTS[trial.start]}
    if trial.start == "scratch":
        settings = _shape(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        table, tests = Path(scratch, "labels.csv"), Path(scratch, "tests.csv")
        _write(table, "GalaxyID,label", [f"{i},{labels[i]}" for i in (*sorted(tested), *shown)])
        _write(tests, "GalaxyID", sorted(tested))
        run = galaxynet.train(
            NETWORK,
            dataset=arguments.dataset,
            labels=str(table),
            test_ids=tests,
            validation=0.0,
            batch_size=arguments.batch_size,
            epochs=epochs,
            seed=trial.seed,
            name=f"curve-{trial.start}-{trial.labels}-{trial.seed}",
            **settings,
        )
    (row,) = galaxynet.compare(run)
    return {
        "labels": trial.labels,
        "start": trial.start,
        "seed": trial.seed,
        "accuracy": f"{run.record.metrics['test/accuracy']:.4f}",
        "low": f"{row['low']:.4f}",
        "high": f"{row['high']:.4f}",
        "tested": run.record.splits["test"],
        "epochs": run.record.epochs,
        "seconds": f"{run.record.seconds['train']:.0f}",
    }


def _with_image(arguments: argparse.Namespace) -> set[str]:
    """The galaxies of the table of labels that the dataset has an image of."""
    options = {**_shape(arguments), "labels": str(arguments.labels), "test_ids": arguments.test_ids}
    plan = Components.load(NETWORK, arguments.dataset).plan(options)
    return {str(galaxy) for galaxy in build_data(plan, paths.data_dir()).ids}


def _shape(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options of network and images that come with the weights."""
    components = Components.load(NETWORK, arguments.dataset)
    pretrained = Pretrained.find(paths.runs_dir(), arguments.weights)
    options = pretrained.options(components.model_spec.options, components.dataset_spec.options)
    return {**options["model"], **options["dataset"]}


def summary(path: Path) -> str:
    """The table in Markdown: mean and deviation of the accuracy over the seeds, in per cent."""
    values = _accuracies(path)
    starts = _starts(values)
    lines = ["| labels | " + " | ".join(starts) + " |", "| ---: |" + " ---: |" * len(starts)]
    for size in sorted({size for size, _ in values}):
        cells = [_cell(values.get((size, start), [])) for start in starts]
        lines.append(f"| {size:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(path: Path, target: Path) -> None:
    """Draw the accuracies, in per cent, over the number of labels: a dot for each seed, a line of means."""
    values = _accuracies(path)
    sizes = sorted({size for size, _ in values})
    with style.styled():
        figure = style.new_figure(6.2, 3.8)
        axes = figure.add_subplot()
        for start, colour in zip(_starts(values), style.COLOURS, strict=False):
            shown = [size for size in sizes if (size, start) in values]
            axes.plot(shown, [mean(values[size, start]) for size in shown], color=colour, label=LINES[start])
            for size in shown:
                accuracies = values[size, start]
                axes.plot([size] * len(accuracies), accuracies, "o", color=colour, markersize=3.5)
        axes.set_xscale("log")
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.minorticks_off()
        axes.set_xlabel("labels")
        axes.set_ylabel("accuracy [%]")
        style.plain_axes(axes)
        axes.legend(frameon=False, loc="lower right")
        figure.savefig(target)


def _accuracies(path: Path) -> dict[tuple[int, str], list[float]]:
    """In per cent, of all seeds, by the number of labels and the start."""
    values: dict[tuple[int, str], list[float]] = defaultdict(list)
    for row in _rows(path):
        values[int(row["labels"]), row["start"]].append(100 * float(row["accuracy"]))
    return values


def _starts(values: Mapping[tuple[int, str], Sequence[float]]) -> list[str]:
    return [start for start in STARTS if any(key[1] == start for key in values)]


def _cell(values: list[float]) -> str:
    if not values:
        return ""
    spread = f" ± {stdev(values):.1f}" if len(values) > 1 else ""
    return f"{mean(values):.1f}{spread} %"


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def _append(path: Path, row: dict[str, Any]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        if new:
            writer.writeheader()
        writer.writerow(row)


def _write(path: Path, header: str, lines: Sequence[str]) -> None:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


def _labels(path: Path) -> dict[str, str]:
    with path.open(newline="") as stream:
        return {row["GalaxyID"]: row["label"] for row in csv.DictReader(stream)}


def _column(path: Path) -> list[str]:
    with path.open(newline="") as stream:
        return [row["GalaxyID"] for row in csv.DictReader(stream)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--labels", type=Path, required=True, help="table with GalaxyID and label")
    parser.add_argument("--test-ids", type=Path, required=True, help="table with GalaxyID: test on these")
    parser.add_argument("--weights", required=True, help="a run that has not seen these labels")
    parser.add_argument("--dataset", default="galaxy-zoo")
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 100, 200, 500, 1000, 2500])
    parser.add_argument("--starts", nargs="+", choices=tuple(STARTS), default=list(STARTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--updates", type=int, default=600, help="updates of the weights in each training")
    parser.add_argument("--epochs", type=int, default=0, help="epochs of each training, instead of --updates")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--out", type=Path, default=Path("finetuning.csv"))
    parser.add_argument("--figure", type=Path, help="PNG to draw the table to")
    return parser.parse_args()


if __name__ == "__main__":
    main()
