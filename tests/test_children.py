"""Processes that end with their parent, and that import nothing from the current directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from galaxynet.children import isolated_start
from galaxynet.safe_path import without_current_directory

PARENT = """
import os, signal, subprocess, sys, time
from galaxynet.children import ForkServerProcess, SpawnProcess

for kind in (SpawnProcess, ForkServerProcess):
    process = kind(target=exec, args=(STAY,))
    process.start()
    print(process.pid, flush=True)
command = f"from galaxynet.children import end_with_parent; end_with_parent({os.getpid()}); {STAY}"
print(subprocess.Popen([sys.executable, "-c", command]).pid, flush=True)
time.sleep(60)
"""


def gone(pids: list[int], seconds: float = 20.0) -> bool:
    """True if all these processes end in time; a zombie counts as ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        states = subprocess.run(
            ["ps", "-o", "stat=", "-p", ",".join(map(str, pids))], capture_output=True, text=True
        )
        if all(state.startswith("Z") for state in states.stdout.split()):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.promise("Interruptions")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_children_end_with_their_parent(number: signal.Signals) -> None:
    """However a command ends, SIGKILL included, the processes that it started end with it."""
    program = f"STAY = 'import time; time.sleep(60)'\n{PARENT}"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        children = [int(process.stdout.readline()) for _ in range(3)]
        process.send_signal(number)
    assert gone(children)


def test_child_that_holds_out_against_sigterm_is_killed() -> None:
    """A child that SIGTERM does not end is killed once its time to end by itself is over."""
    stay = (
        "import signal, time, galaxynet.children as c; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "c.end_with_parent(grace_s={grace}); print(0, flush=True); time.sleep(60)"
    )
    programs = [
        "import os, subprocess, sys; "
        f"child = subprocess.Popen([sys.executable, '-c', {stay.format(grace=grace)!r}], "
        "stdout=subprocess.PIPE); child.stdout.readline(); print(child.pid)"
        for grace in (0, 0.5)
    ]
    children = [
        int(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout)
        for program in programs
    ]
    assert gone(children)


def test_current_directory_leaves_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current directory leaves the module path, but where PYTHONPATH or an installation names it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    here, library = str(tmp_path), str(Path(os.__file__).parent)
    assert without_current_directory(["", here, "/script", library, "/site", here]) == [
        "/script", library, "/site", here
    ]  # fmt: skip
    monkeypatch.setenv("PYTHONPATH", f":{here}")
    assert without_current_directory(["", here, library]) == [here, library]


def test_threads_that_start_processes_wait_for_one_another() -> None:
    """Of two threads that start processes at once, neither takes what the other changed for the program's."""
    main, path = sys.modules["__main__"], list(sys.path)
    before = getattr(main, "__file__", None), main.__spec__
    inside, leave = threading.Event(), threading.Event()

    def first() -> None:
        with isolated_start():
            inside.set()
            leave.wait(10)

    def second() -> None:
        inside.wait(10)
        threading.Timer(0.1, leave.set).start()
        with isolated_start():
            pass

    threads = [threading.Thread(target=target) for target in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (getattr(main, "__file__", None), main.__spec__) == before
    assert sys.path == path


def test_isolated_start_puts_everything_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Main module, path and environment of a program are as before, once a process of it is started."""
    main = sys.modules["__main__"]

    def state() -> tuple[object, ...]:
        return getattr(main, "__file__", None), main.__spec__, list(sys.path), dict(os.environ)

    for value in (None, ""):
        if value is None:
            monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
        else:
            monkeypatch.setenv("PYTHONSAFEPATH", value)
        before = state()
        with isolated_start():
            assert os.environ["PYTHONSAFEPATH"] == "1"
            assert not hasattr(main, "__file__")
        assert state() == before
