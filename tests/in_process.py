"""Commands run in the process of the tests, where PyTorch is imported once and not for each of them."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from unittest import mock

import pytest

from galaxynet import terminal
from galaxynet.cli.main import main
from galaxynet.sweeps.forking import fork


def run_here(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `galaxynet ARGUMENTS` in this process; only what it starts are processes of their own."""
    stdout, stderr, code = io.StringIO(), io.StringIO(), 0
    with (
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
        mock.patch.object(sys, "argv", ["galaxynet", *arguments]),
    ):
        try:
            main(list(arguments))
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            terminal.set_quiet(False)
    return subprocess.CompletedProcess(list(arguments), code, stdout.getvalue(), stderr.getvalue())


def call(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Exit status, standard output, and standard error in one line."""
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    shown = capsys.readouterr()
    return int(end.value.code or 0), shown.out, " ".join(shown.err.split())


@pytest.fixture(scope="session")
def trial_server() -> None:
    """Start the process that trials are forked from, before it could import a test's network for good."""
    process, _ = fork(_nothing, (), ["undrawn"])
    process.join()


def _nothing(*_: object) -> None:
    """Do nothing."""
