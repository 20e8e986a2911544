"""How long listing and comparing a thousand runs takes, without torch.

python -m benchmarks.bench_runs [--runs 1000] [--json]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.measure import Report, parser
from galaxynet.runs import Environment, MajorityClass, OptionValues, PluginId, RunRecord, create, scan


def record(number: int) -> RunRecord:
    return RunRecord(
        status="finished",
        task="classification",
        metric="test/accuracy",
        model=PluginId(name="galaxy_alexnet", distribution="galaxynet", version="0.1.0"),
        dataset=PluginId(name="galaxy-zoo", distribution="galaxynet", version="0.1.0"),
        options=OptionValues(
            model={"act": ("relu", "tanh")[number % 2], "extra_convs": 0, "lr": 1e-3, "optimizer": "adam"},
            dataset={"size": 60, "channels": "gray", "crop": None, "labels": "plurality"},
            training={"epochs": 12, "batch_size": 64, "seed": number},
        ),
        command=["galaxynet", "train", "galaxy_alexnet", "--seed", str(number)],
        seed=number,
        parameters=2_261_806,
        classes=[f"Class{n}" for n in range(5)],
        splits={"train": 38_000, "validation": 4_000, "test": 18_474},
        test_set="0123456789abcdef",
        baseline=MajorityClass(label="Class4", accuracy=0.596, samples=18_474),
        metrics=dict.fromkeys(("test/accuracy", "test/loss", "val/accuracy"), 0.5 + number % 97 / 500),
        epochs=12,
        seconds={"prepare": 3.0, "train": 120.0, "test": 1.0},
        samples_per_second=357.0,
        environment=Environment(
            versions=dict.fromkeys(("torch", "lightning", "numpy", "galaxynet"), "1.0.0")
        ),
        device="CPU",
    )


def best_of(number: int, function: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds of the quickest of `number` calls, including child processes."""
    times = []
    for _ in range(number):
        began, used = time.perf_counter(), processor_seconds()
        function()
        times.append((time.perf_counter() - began, processor_seconds() - used))
    return min(wall for wall, _ in times), min(cpu for _, cpu in times)


def processor_seconds() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--runs", type=int, default=1000)
    given = arguments.parse_args()
    number = given.runs
    with tempfile.TemporaryDirectory() as folder:
        for n in range(number):
            create(Path(folder), record(n))
        commands = {
            "galaxynet runs list": ["runs", "list"],
            "galaxynet runs list --format json": ["runs", "list", "--format", "json"],
            "galaxynet compare": ["compare"],
        }
        rows = [("scan() of every record, in a process that runs", best_of(5, lambda: scan(Path(folder))))]
        for name, words in commands.items():
            call = [sys.executable, "-m", "galaxynet.cli.main", *words, "--runs-dir", folder]
            rows.append((name, best_of(3, partial(subprocess.run, call, check=True, capture_output=True))))
    report = Report(f"{number:,} runs", "Wall and processor seconds of the quickest call, without torch.")
    for name, (wall, cpu) in rows:
        what = f"`{name}`" if name.startswith("galaxynet") else name
        report.add(what, wall, "s", goal=1.0 if "list" in name else None, bound="at most")
        report.add(f"{what}, of the processor", cpu, "s")
    report.emit(given.json)


if __name__ == "__main__":
    main()
