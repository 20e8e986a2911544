"""Make all measurements, print their tables and keep them in docs/benchmarks.md.

    python -m benchmarks.run [--only NAME ...] [--keras-python PYTHON] [--output docs/benchmarks.md]

A measurement is a module `benchmarks.bench_NAME` that prints a `benchmarks.measure.Report` with --json. One
that fails is shown as failed, and the others are made all the same. With --only nothing is written.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import Report, rows, show
from galaxynet import atomic
from galaxynet.runs.environment import describe_environment
from galaxynet.terminal import note

HERE = Path(__file__).parent
NEED_KERAS = {"mnist_cnn"}
TAKE_KERAS = {"training", *NEED_KERAS}
HEAD = """# Benchmarks

Side-by-side measurements, written by `make bench` (or `python -m benchmarks.run`). What is compared takes
turns on the same machine in the same minutes. A figure in "times" is the median of the ratios within a round;
only such figures mean much on another machine.

The whole Galaxy Zoo challenge at its size, on simulated galaxies, is measured apart: see
[Vote fractions](evidence/votes.md#the-whole-challenge).
"""


def main() -> None:
    names = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    arguments.add_argument("--keras-python", metavar="PYTHON", help="a Python that has tensorflow")
    arguments.add_argument("--output", type=Path, default=HERE.parent / "docs" / "benchmarks.md")
    given = arguments.parse_args()

    keras = given.keras_python or (sys.executable if importlib.util.find_spec("tensorflow") else None)
    reports: list[Report] = []
    failed: list[str] = []
    for name in given.only or names:
        note(f"measuring {name}")
        if name in NEED_KERAS and not keras:
            note(f"{name} was left out: it needs tensorflow; name a Python that has it with --keras-python")
            continue
        extra = ["--keras-python", keras] if name in TAKE_KERAS and keras else []
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.bench_{name}", "--json", *extra],
            cwd=HERE.parent,
            stdout=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            failed.append(name)
            continue
        reports.append(Report.from_json(done.stdout))
        show(reports[-1])
    if failed:
        # The page keeps what it has: a page with holes would pass for the whole.
        sys.exit(f"failed, see above: {', '.join(failed)}. Nothing was written.")
    if not given.only:
        atomic.write_text(given.output, page(reports))
        note(f"written to {given.output}")


def page(reports: list[Report]) -> str:
    """The measurements as a page of the documentation."""
    parts = [HEAD, machine()]
    for report in reports:
        lines = [f"## {report.title}", ""]
        if report.about:
            lines += [report.about, ""]
        lines += ["| what | figure | goal | verdict |", "| --- | ---: | --- | --- |"]
        lines += ["| " + " | ".join(row) + " |" for row in rows(report)]
        if report.notes:
            lines += ["", *(f"- {line}" for line in report.notes)]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def machine() -> str:
    """What was measured on, in a few lines."""
    here = describe_environment()
    # The libraries alone; galaxynet's own version is that of the page.
    versions = ", ".join(
        f"{name} {version}" for name, version in here.versions.items() if name != "galaxynet"
    )
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {here.processor}, {here.cores} cores, "
        f"{_gibibytes(here.memory)} of memory, {here.system}, Python {here.python}, {versions}.\n"
    )


def _gibibytes(memory: int | None) -> str:
    return f"{memory / 2**30:.0f} GiB" if memory else "an unknown amount"


if __name__ == "__main__":
    main()
