"""What all measurements share: alternating runs, ratios of them, and a report that prints itself.

Other programs use the same machine, so nothing is timed alone: the things to compare take turns, and a
ratio is the median over the rounds of the ratio within a round, whose two times saw much the same machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal


@dataclass
class Figure:
    """One measured number.

    Attributes:
        what: What was measured.
        value: The number.
        unit: `times` for a ratio, `samples/s`, `s`, ...
        goal: What it should reach, if anything was promised.
        bound: Whether the goal is a least or a greatest value.
    """

    what: str
    value: float
    unit: str = "times"
    goal: float | None = None
    bound: Literal["at least", "at most"] = "at least"

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None without a goal."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.bound == "at least" else self.value <= self.goal


@dataclass
class Report:
    """The figures of one measurement, with a title and notes."""

    title: str
    about: str = ""
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, *args: Any, **kwargs: Any) -> None:
        """Add a `Figure`."""
        self.figures.append(Figure(*args, **kwargs))

    def emit(self, as_json: bool) -> None:
        """Print as JSON for `benchmarks.run`, or as a table for people."""
        if as_json:
            print(json.dumps(asdict(self)))
        else:
            show(self)

    @classmethod
    def from_json(cls, text: str) -> Report:
        """The inverse of `emit(as_json=True)`."""
        values = json.loads(text)
        return cls(**{**values, "figures": [Figure(**figure) for figure in values["figures"]]})


def rows(report: Report) -> list[tuple[str, str, str, str]]:
    """Name, value, goal and verdict of each figure, as strings."""
    lines = []
    for figure in report.figures:
        goal = "" if figure.goal is None else f"{figure.bound} {figure.goal:g}"
        verdict = {None: "", True: "reached", False: "missed"}[figure.reached]
        lines.append((figure.what, f"{_number(figure.value)} {figure.unit}".strip(), goal, verdict))
    return lines


def show(report: Report) -> None:
    """Print a report as a table."""
    from galaxynet import terminal
    from galaxynet.report.output import print_tables
    from galaxynet.report.table import Column, Line, Table

    columns: list[Column[Any]] = [
        Column("what", overflow="wrap"),
        Column("figure", right_aligned=True),
        Column("goal", overflow="wrap"),
        Column("verdict", overflow="keep"),
    ]
    styles = {"reached": "green", "missed": "red"}
    lines = [Line(row, style=styles.get(row[-1], "")) for row in rows(report)]
    print_tables([Table(columns, lines, title=report.title, footer=[report.about] * bool(report.about))])
    for note in report.notes:
        terminal.echo(note)


def alternate(calls: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Call everything once in turn, `rounds` times over, after one turn that does not count.

    Returns:
        Seconds of each call, round by round.
    """
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(rounds + 1):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            if turn:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def ratio(values: Sequence[float], others: Sequence[float]) -> float:
    """Median over the rounds of `values / others`."""
    return statistics.median(value / other for value, other in zip(values, others, strict=True))


def busy() -> list[str]:
    """A line that says so if other programs are using the cores, to be asked for before measuring.

    It looks at one second; the load average would count the measurement that went before. Linux alone tells.
    """
    statistics_file = Path("/proc/stat")
    if not statistics_file.exists():
        return []

    def ticks() -> tuple[int, int]:
        values = [int(word) for word in statistics_file.read_text().split("\n", 1)[0].split()[1:]]
        return values[3] + values[4], sum(values[:8])  # idle and waiting for a disk; all

    idle, total = ticks()
    time.sleep(1)
    later_idle, later_total = ticks()
    cores = os.cpu_count() or 1
    used = cores * (1 - (later_idle - idle) / max(later_total - total, 1))
    if used < 0.25 * cores:
        return []
    return [f"Other programs kept {used:.1f} of {cores} cores busy when this began: measure again in quiet."]


def command(words: Sequence[str], env: Mapping[str, str] | None = None) -> Callable[[], None]:
    """A function that runs a command to its end and raises if it fails or says nothing."""

    def call() -> None:
        done = subprocess.run(words, env=env, check=True, capture_output=True)
        if not done.stdout.strip():
            raise RuntimeError(f"{' '.join(words)} printed nothing, so there is nothing to time")

    return call


def parser(about: str | None) -> argparse.ArgumentParser:
    """A parser with the flag that every measurement has."""
    result = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("--json", action="store_true", help="print the figures as JSON")
    return result


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}"
