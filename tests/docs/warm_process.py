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
import traceback
from pathlib import Path
from typing import Any

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

    def call(self, *, folder: Path, environment: dict[str, str], output: Path, **what: Any) -> int:
        """Run `words` (a command line of galaxynet) or `code` (a Python program); its exit code.

        Args:
            folder: The working directory.
            environment: All variables.
            output: The file that its output and errors are written to.
            **what: `words` or `code`.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"folder": str(folder), "environment": environment, "output": str(output), **what}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=30)


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
    nowhere, output = os.open(os.devnull, os.O_RDONLY), os.open(request["output"], os.O_WRONLY | os.O_CREAT)
    for source, target in ((nowhere, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    try:
        if "code" in request:
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
