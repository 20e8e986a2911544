"""What a training or a sweep says where the processor has no time for it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from galaxynet import terminal
from galaxynet.processor_load import BusyMeter, busy_note, crowded_note
from galaxynet.training.device import compute_threads
from galaxynet.training.progress import BusyProcessorNote


@pytest.mark.promise("Measurements")
@pytest.mark.parametrize(
    ("threads", "stretches", "expected"),
    [
        (2, [(1.0, 1.3)] * 10, 0.65),
        (2, [(1.0, 1.3)] * 9, None),  # not for long enough
        (2, [(1.0, 1.4)] * 30, None),  # not slow enough
        (2, [(1.0, 1.3)] * 6 + [(1.0, 2.0)] + [(1.0, 1.3)] * 9, None),  # it did not stay so
        (1, [(12.0, 3.0)], 0.25),
        (16, [(0.5, 1.0)] * 20, 0.125),
        (1, [(0.0, 0.0)] * 50, None),
    ],
)
def test_slow_for_ten_seconds(
    threads: int, stretches: list[tuple[float, float]], expected: float | None
) -> None:
    """A training is called slow once its threads compute less than 0.7 of ten seconds, and not before."""
    meter = BusyMeter(threads)
    shares = [meter.add(*stretch) for stretch in stretches]
    assert shares[-1] == (None if expected is None else pytest.approx(expected))
    assert shares[:-1] == [None] * (len(shares) - 1)


@given(st.integers(2, 256), st.floats(0, 0.7, exclude_max=True), st.none() | st.floats(0, 1000))
def test_note_proposes_fewer_threads(threads: int, share: float, load: float | None) -> None:
    """The note proposes at least one thread, and fewer than there are."""
    proposed = int(busy_note(share, threads, load).rpartition("--threads ")[2])
    assert 1 <= proposed < threads
    assert "--threads" not in busy_note(share, 1, load)


@pytest.mark.promise("Measurements")
@pytest.mark.parametrize(
    ("trials", "threads", "cores", "note"),
    [
        (2, 1, 2, ""),
        (1, 2, 2, ""),
        (4, 1, 2, "4 trials at once on 2 cores: faster with --parallel 2"),
        (2, 4, 4, "2 trials of 4 threads at once on 4 cores: faster with --parallel 1"),
        (1, 4, 1, "1 trial of 4 threads at once on 1 core: faster with fewer --threads"),
    ],
)
def test_more_trials_than_cores(trials: int, threads: int, cores: int, note: str) -> None:
    """A sweep that runs more trials or threads at once than there are cores says so, and what helps."""
    text = crowded_note(trials, threads, cores)
    assert text.replace("they wait for one another, and the sweep is ", "") == note


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no process can be bound to a core here")
@pytest.mark.promise("Measurements")
def test_busy_core_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training that shares its core with a busy program says so once, with the load of the machine."""
    notes: list[str] = []
    monkeypatch.setattr(terminal, "note", lambda text, **_: notes.append(text))
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    spin = "print(0, flush=True)\nwhile True: pass"
    rivals = [
        subprocess.Popen([sys.executable, "-c", spin], stdout=subprocess.PIPE) for _ in range(2)
    ]  # two, as schedulers may favour the one that has waited longer
    try:
        for rival in rivals:
            assert rival.stdout is not None
            rival.stdout.readline()
        callback: Any = BusyProcessorNote(window_s=0.5)
        module = SimpleNamespace(device=torch.device("cpu"))
        with compute_threads(1):
            callback.on_fit_start(None, module)
        trainer = SimpleNamespace(is_last_batch=True)
        callback.on_train_epoch_start(trainer, module)
        until = time.monotonic() + 5
        while not notes and time.monotonic() < until:
            sum(range(100_000))
            callback.on_train_batch_end(trainer, module, None, None, 0)
        callback.on_train_batch_end(trainer, module, None, None, 0)
    finally:
        os.sched_setaffinity(0, cores)
        for rival in rivals:
            rival.kill()
            rival.communicate()
    assert len(notes) == 1
    assert "other programs keep it busy (load average " in notes[0]


def test_threads_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training with --threads uses that number of threads, and restores the caller's number."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    with compute_threads(0):
        assert torch.get_num_threads() == before
    with compute_threads(before + 1):
        assert (torch.get_num_threads(), os.environ["OMP_NUM_THREADS"]) == (before + 1, str(before + 1))
    assert torch.get_num_threads() == before
    assert "OMP_NUM_THREADS" not in os.environ
