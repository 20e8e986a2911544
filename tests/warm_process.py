"""A process that has imported PyTorch and Lightning once, and forks for each command.

Importing them takes longer than everything else that a command of a test does. Each command still has a
process of its own, with its own folder, environment and output.

As a script it reads requests from standard input, a line of JSON each, and answers with the exit code.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

COMMAND = str(Path(sys.executable).with_name("galaxynet"))


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

    def run(
        self,
        *words: str,
        folder: Path | None = None,
        environment: dict[str, str] | None = None,
        code: str = "",
    ) -> subprocess.CompletedProcess[str]:
        """Run `galaxynet WORDS`, or a Python program, to its end, as `subprocess.run` would.

        Args:
            words: The command line after `galaxynet`.
            folder: The working directory; that of the tests if it is left out.
            environment: All variables; those of the test if they are left out.
            code: A program to run in place of the command.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.TemporaryDirectory() as outputs:
            request = {
                "words": words,
                "code": code,
                "folder": str(folder or Path.cwd()),
                "environment": environment or dict(os.environ),
                "outputs": outputs,
            }
            print(json.dumps(request), file=self._process.stdin, flush=True)
            code_of_exit = int(self._process.stdout.readline())
            stdout, stderr = ((Path(outputs) / name).read_text(encoding="utf-8") for name in ("1", "2"))
        return subprocess.CompletedProcess(["galaxynet", *words], code_of_exit, stdout, stderr)

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=30)


@pytest.fixture(scope="session")
def warm() -> Iterator[WarmProcess]:
    """A process in which the slow imports are done."""
    process = WarmProcess()
    yield process
    process.close()


def serve() -> None:
    """Answer requests until standard input is closed."""
    import galaxynet.cli.main
    import galaxynet.tasks
    import galaxynet.training.fit  # noqa: F401

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(_do(json.loads(line)))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _do(request: dict[str, Any]) -> int:
    """What the child does; its exit code."""
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path[:0] = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    importlib.invalidate_caches()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number in (1, 2):
        os.dup2(os.open(f"{request['outputs']}/{number}", os.O_WRONLY | os.O_CREAT), number)
    try:
        if request["code"]:
            exec(compile(request["code"], "<page>", "exec"), {"__name__": "__main__"})
        else:
            sys.argv = [COMMAND, *request["words"]]
            sys.modules["galaxynet.cli.main"].main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
    return 0


if __name__ == "__main__":
    serve()
