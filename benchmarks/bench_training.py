"""Training throughput of galaxynet beside a bare PyTorch loop and beside Keras.

All of them train the same network on batches of as many images, taking turns. Keras is run by the Python
that --keras-python names, or by this one if it has tensorflow (pip install 'galaxynet[bench]').

    python -m benchmarks.bench_training [--keras-python PYTHON] [--rounds 15] [--accelerator cpu] [--json]
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.interleaved import BATCH, OURS, Rival, Subject, alexnet, bare_loop, classifier, measure
from benchmarks.measure import Report, busy, parser, ratio

BARE, ORDINARY, KERAS = "bare PyTorch loop", "bare PyTorch loop, ordinary convolutions", "Keras"


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--keras-python", help="a Python that has tensorflow")
    arguments.add_argument("--rounds", type=int, default=15, help="epochs that count (15)")
    arguments.add_argument("--samples", type=int, default=640, help="images in an epoch (640)")
    arguments.add_argument("--accelerator", default="cpu", choices=["cpu", "gpu"])
    given = arguments.parse_args()

    others = busy()
    python, absent = _keras_python(given.keras_python, given.accelerator)
    report = Report("Training", f"Batches of {BATCH}, median of {given.rounds} rounds in turn.")
    # Keras has no equivariant layers.
    subjects = (
        (alexnet(0), 1.5),
        (alexnet(3), 1.5),
        (classifier(equivariant=False), 1.3),
        (classifier(equivariant=True), None),
    )
    for subject, keras_goal in subjects:
        rivals: dict[str, Rival] = {BARE: bare_loop(subject)}
        if subject.spec.name == "galaxy_alexnet":
            rivals[ORDINARY] = bare_loop(subject, ordinary_convolutions=True)
        with contextlib.ExitStack() as stack:
            if python and keras_goal:
                rivals[KERAS], about = stack.enter_context(_keras(python, subject, given.samples))
            result = measure(
                subject, rivals, samples=given.samples, rounds=given.rounds, accelerator=given.accelerator
            )
        rates, network = result.rates, subject.title
        report.add(f"galaxynet / {BARE}, {network}", ratio(rates[OURS], rates[BARE]), goal=0.97)
        if ORDINARY in rates:
            report.add(f"galaxynet / {ORDINARY}, {network}", ratio(rates[OURS], rates[ORDINARY]))
        if KERAS in rates:
            report.add(f"galaxynet / Keras, {network}", ratio(rates[OURS], rates[KERAS]), goal=keras_goal)
        for name, values in rates.items():
            report.add(f"{name}, {network}", statistics.median(values), "samples/s")
        report.notes = [f"galaxynet on {result.device} in {result.precision}"]
    if python:
        report.notes.append(
            f"Keras {about['keras']}, TensorFlow {about['tensorflow']}: model.fit on numpy arrays in float32"
        )
    report.notes += [*absent, *others]
    report.emit(given.json)


def _keras_python(named: str | None, accelerator: str) -> tuple[str | None, list[str]]:
    """The Python that runs Keras, or None and the reason."""
    if accelerator != "cpu":
        return None, ["Keras was left out: the comparison is one of CPUs."]
    if named:
        return named, []
    if importlib.util.find_spec("tensorflow"):
        return sys.executable, []
    return None, [
        "Keras was left out: this Python has no tensorflow. Install it with pip install 'galaxynet[bench]', "
        "or name a Python that has it: --keras-python PYTHON."
    ]


@contextlib.contextmanager
def _keras(python: str, subject: Subject, samples: int) -> Iterator[tuple[Rival, dict[str, Any]]]:
    """A process that trains with Keras whenever the rival is called."""
    script = Path(__file__).with_name("keras_worker.py")
    network = (subject.spec.name, str(getattr(subject.options, "extra_convs", 0)))
    worker = subprocess.Popen(
        [python, str(script), *network, str(samples), str(BATCH)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    stdin, stdout = worker.stdin, worker.stdout

    def answer() -> str:
        line = stdout.readline()
        if not line:
            raise SystemExit(f"{python} could not train with Keras; see its message above.")
        return line

    def rival(_: object) -> float:
        stdin.write("train\n")
        stdin.flush()
        return float(answer())

    try:
        yield rival, json.loads(answer())
    finally:
        stdin.close()
        worker.wait()


if __name__ == "__main__":
    main()
