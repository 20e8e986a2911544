"""Locks between processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from galaxynet.errors import DataError
from galaxynet.locks import Lock, hold, is_locked

HOLD = """
import sys, time
from pathlib import Path
from galaxynet.locks import Lock
lock = Lock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
time.sleep(60)
"""

# The process that holds the lock ends; one that it forked lives on.
FORK = """
import os, sys, time
from pathlib import Path
from galaxynet.locks import Lock
lock = Lock(Path(sys.argv[1]))
assert lock.acquire()
if os.fork() == 0:
    print("forked", flush=True)
    time.sleep(60)
time.sleep(60)
"""


def holder(code: str, path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() in ("True", "forked")
    return process


@pytest.mark.promise("Interruptions")
def test_a_lock_is_free_once_its_holder_is_killed(tmp_path: Path) -> None:
    """A lock excludes other processes, and is released when its process is killed."""
    path = tmp_path / "lock"
    process = holder(HOLD, path)
    assert is_locked(path)
    with pytest.raises(DataError, match="busy"), hold(path, busy=DataError("busy")):
        pass
    process.kill()
    process.communicate()
    assert not is_locked(path)


def test_a_forked_process_does_not_keep_the_lock(tmp_path: Path) -> None:
    """The lock ends with the process that took it, though one that it forked lives on."""
    path = tmp_path / "lock"
    process = holder(FORK, path)
    try:
        assert is_locked(path)
        process.kill()
        process.wait()
        assert not is_locked(path)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_a_lock_whose_file_is_removed_is_taken_on_the_new_file(tmp_path: Path) -> None:
    """If the holder removes the lock file, a waiting process locks the new file, not the old one."""
    path = tmp_path / "lock"
    first, second = Lock(path), Lock(path)
    assert first.acquire()
    waiting = threading.Thread(target=second.acquire, kwargs={"wait": True})
    waiting.start()
    time.sleep(0.3)  # so that it has opened the file
    path.unlink()
    first.release()
    waiting.join(10)
    assert path.exists()
    assert not Lock(path).acquire()
    second.release()
    assert not is_locked(path)
