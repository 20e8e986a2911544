"""A process that has imported PyTorch and Lightning once, and forks for each command.

Importing them takes longer than everything else that a command of a test does. Each command still has a
process of its own, with its own folder, environment, session and output; so have the trials and ranks that it
starts through `multiprocessing`, which are forked from it in place of a new interpreter.

As a script it reads requests from standard input, a line of JSON each, and answers with the process id.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from multiprocessing import util
from pathlib import Path
from typing import Any

import pytest

COMMAND = str(Path(sys.executable).with_name("galaxynet"))
_ENDED = "ended"
_start_python = util.spawnv_passfds


class WarmCommand:
    """A command under way, with the attributes and methods of a `subprocess.Popen[str]` that tests use."""

    def __init__(self, words: list[str], pid: int, folder: Path) -> None:
        self.args = words
        self.pid = pid
        self.returncode: int | None = None
        self._folder = folder

    def poll(self) -> int | None:
        """The exit code; None as long as it runs."""
        ended = self._folder / _ENDED
        if self.returncode is None and ended.exists():
            self.returncode = int(ended.read_text())
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; the exit code."""
        until = time.monotonic() + (timeout or 300)
        while self.poll() is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(self.args, timeout or 300)
            time.sleep(0.01)
        assert self.returncode is not None
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end; what it has written to standard output and to standard error."""
        self.wait(timeout)
        stdout, stderr = ((self._folder / name).read_text(encoding="utf-8") for name in ("1", "2"))
        return stdout, stderr

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self.send_signal(signal.SIGKILL)


class WarmProcess:
    """Starts the process, and sends it what is to be done."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Threads of several tests that wait for one another on few cores take ten times as long.
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        self._outputs = tempfile.TemporaryDirectory()
        self._started: list[WarmCommand] = []

    def start(
        self,
        *words: str,
        folder: Path | None = None,
        environment: dict[str, str] | None = None,
        code: str = "",
        terminal: str = "",
    ) -> WarmCommand:
        """Start `galaxynet WORDS`, or a Python program, as `subprocess.Popen` would.

        Args:
            words: The command line after `galaxynet`, or after the program.
            folder: The working directory; that of the tests if it is left out.
            environment: All variables; those of the test if they are left out.
            code: A program to run in place of the command.
            terminal: The path of a terminal for input and output, which controls it.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        outputs = Path(self._outputs.name, str(len(self._started)))
        outputs.mkdir()
        request = {
            "words": words,
            "code": code,
            "folder": str(folder or Path.cwd()),
            "environment": environment or dict(os.environ),
            "outputs": str(outputs),
            "terminal": terminal,
        }
        print(json.dumps(request), file=self._process.stdin, flush=True)
        command = WarmCommand(["galaxynet", *words], int(self._process.stdout.readline()), outputs)
        self._started.append(command)
        return command

    def run(self, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run a command or a program (see `start`) to its end, as `subprocess.run` would."""
        command = self.start(*words, **more)
        stdout, stderr = command.communicate()
        return subprocess.CompletedProcess(command.args, command.wait(), stdout, stderr)

    def close(self) -> None:
        """End the process, and what is left of its commands."""
        for command in self._started:
            command.kill()
        self._process.communicate(timeout=30)
        self._outputs.cleanup()


@pytest.fixture(scope="session")
def warm() -> Iterator[WarmProcess]:
    """A process in which the slow imports are done."""
    process = WarmProcess()
    yield process
    process.close()


def serve() -> None:
    """Answer requests until standard input is closed."""
    import undrawn  # noqa: F401

    import galaxynet.cli.main
    import galaxynet.report.figures.style
    import galaxynet.sweeps.worker
    import galaxynet.tasks
    import galaxynet.training.fit  # noqa: F401

    for line in sys.stdin:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if os.fork() == 0:
            _end_with(partial(_wait_for_command, json.loads(line)))


def _wait_for_command(request: dict[str, Any]) -> None:
    """Start a command, and leave its exit code where the tests look for it."""
    pid = os.fork()
    if pid == 0:
        _end_with(partial(_do, request))
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    _, status = os.waitpid(pid, 0)
    ended = Path(request["outputs"], _ENDED)
    with contextlib.suppress(FileNotFoundError):  # the tests have ended before it
        ended.with_suffix(".part").write_text(str(os.waitstatus_to_exitcode(status)))
        ended.with_suffix(".part").rename(ended)


def _do(request: dict[str, Any]) -> None:
    """What the process of a command does."""
    os.setsid()
    streams = (
        [os.open(request["terminal"], os.O_RDWR)] * 3
        if request["terminal"]
        else [
            os.open(os.devnull, os.O_RDONLY),
            *(os.open(f"{request['outputs']}/{number}", os.O_WRONLY | os.O_CREAT) for number in (1, 2)),
        ]
    )
    print(os.getpid(), flush=True)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for stream in set(streams):
        os.close(stream)
    # With the properties of the new files: whether one is a terminal, say.
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    errors = "backslashreplace"
    sys.stderr = open(2, "w", 1, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path[:0] = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    importlib.invalidate_caches()
    util.spawnv_passfds = _fork_python
    if request["code"]:
        sys.argv = ["-c", *request["words"]]
        exec(compile(request["code"], "<page>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = [COMMAND, *request["words"]]
        sys.modules["galaxynet.cli.main"].main()


def _fork_python(path: bytes, words: list[str], files: Iterable[int]) -> int:
    """Do what `multiprocessing` starts an interpreter for in a fork of this process; the process id.

    Args:
        path: The interpreter.
        words: Its command line, with `-c` and a program.
        files: The open files that the process gets.
    """
    _, program, *more = words[words.index("-c") :]
    if "resource_tracker" in program:  # imports nothing slow
        return _start_python(path, words, files)
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        for before, after in itertools.pairwise([2, *sorted(files), util.MAXFD]):
            os.closerange(before + 1, after)
        # As after a start: what was ignored still is.
        for number in signal.valid_signals():
            if callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.argv = ["-c", *more]
        _end_with(partial(exec, program, {"__name__": "__main__"}))
    return pid


def _end_with(action: Callable[[], object]) -> None:
    """Do something, and end this process as the interpreter would."""
    code = 0
    try:
        action()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    serve()
    os._exit(0)  # to take down what was imported takes a second
