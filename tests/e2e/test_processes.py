"""A training in several processes, one of which is killed, stopped or left alone."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from warm_process import WarmCommand, WarmProcess

import galaxynet
from galaxynet.runs import Run

pytestmark = [
    pytest.mark.usefixtures("toys"),
    pytest.mark.slow,
    pytest.mark.promise("Several processes"),
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the processes by /proc"),
]
LIMIT_S = 10.0


@pytest.fixture
def start(warm: WarmProcess) -> Any:
    """Starts a training in two processes that takes long."""

    def run(*words: str) -> WarmCommand:
        shape = [] if "--resume" in words else ["toynet", "--accelerator", "cpu", "--devices", "2"]
        return warm.start("train", *shape, *words)

    return run


def ranks(parent: int) -> list[int]:
    """The processes of a training, ordered by id."""
    pids = []
    for folder in Path("/proc").iterdir():
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent and b"resource_tracker" not in (folder / "cmdline").read_bytes():
                pids.append(int(folder.name))
        except (OSError, IndexError, ValueError):
            continue
    return sorted(pids)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition: Any, process: WarmCommand) -> Any:
    for _ in range(1200):
        result = condition()
        if result:
            return result
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(process.communicate())


def both(process: WarmCommand) -> list[int]:
    def two_members() -> list[int] | None:
        members = ranks(process.pid)
        return members if len(members) == 2 else None

    members: list[int] = wait_for(two_members, process)
    return members


def in_training(process: WarmCommand) -> Path:
    """Wait for the first epoch; the run folder."""
    runs = Path(os.environ["GALAXYNET_RUNS"])
    return wait_for(lambda: next(iter(runs.glob("*/checkpoints/last.ckpt")), None), process).parent.parent


def ended(process: WarmCommand, members: list[int], since: float) -> str:
    """What it output, once it and its processes have ended in time."""
    while any(map(is_running, members)):
        assert time.monotonic() - since < LIMIT_S, "a process is left"
        time.sleep(0.05)
    output = process.communicate(timeout=60)[1]
    assert "Traceback" not in output
    return " ".join(output.split())


def test_a_process_that_is_killed_ends_the_training(start: Any) -> None:
    """A killed process ends all within 10 s with its number; --resume continues, and SIGTERM always stops."""
    process = start("--epochs", "500", "--pause", "0.05", "--name", "mine")
    members = both(process)
    folder = in_training(process)
    os.kill(members[1], signal.SIGKILL)
    output = ended(process, members, time.monotonic())
    assert process.returncode == 1
    run = galaxynet.find_run(str(folder))
    assert "error: Process 1 of the 2 processes of the training was killed by SIGKILL." in output
    assert f"galaxynet train --resume {run.record.id}" in output
    assert (run.record.status, run.record.name) == ("failed", "mine")
    assert run.record.message.startswith("Process 1 of the 2 processes")
    assert again(start, run) == 130


def again(start: Any, run: Run) -> int:
    """Continue a run, stop one of its processes so that the other waits in C++, and send SIGTERM."""
    process = start("--resume", run.record.id)
    members = both(process)
    last = run.checkpoint("last")
    before = last.stat().st_mtime_ns
    assert wait_for(lambda: last.stat().st_mtime_ns != before, process)
    os.kill(members[1], signal.SIGSTOP)
    time.sleep(0.5)  # until the first one waits for it
    process.send_signal(signal.SIGTERM)
    output = ended(process, members, time.monotonic())
    assert f"interrupted; continue with: galaxynet train --resume {run.record.id}" in output
    assert Run.open(run.path).record.status == "interrupted"
    return int(process.returncode)


def test_a_process_that_is_killed_while_starting_leaves_none_waiting(start: Any) -> None:
    """A process that is killed before the others have met it does not leave them waiting."""
    process = start("--epochs", "500", "--pause", "0.05")
    members = both(process)
    os.kill(members[1], signal.SIGKILL)
    output = ended(process, members, time.monotonic())
    assert process.returncode == 1
    assert "error: Process 1 of the 2 processes of the training was killed by SIGKILL." in output
    assert all(run.status == "failed" for run in galaxynet.list_runs() if isinstance(run, Run))


def test_processes_end_with_the_one_that_started_them(start: Any) -> None:
    """A command ended by kill -9 leaves no process behind, also where one waits for another."""
    process = start("--epochs", "500", "--pause", "0.05")
    members = both(process)
    folder = in_training(process)
    os.kill(members[1], signal.SIGSTOP)
    process.kill()
    os.kill(members[1], signal.SIGCONT)
    end = time.monotonic() + 3 * LIMIT_S
    while any(map(is_running, members)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(is_running, members))
    process.communicate(timeout=60)
    assert galaxynet.find_run(str(folder)).status == "interrupted"
