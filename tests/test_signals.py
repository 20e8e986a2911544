"""Signals that ask a program to stop."""

from __future__ import annotations

import errno
import io
import signal
from collections.abc import Iterator

import pytest

from galaxynet.cli import main as command
from galaxynet.signals import deferred_stop_signals, stop_signals


@pytest.fixture
def handlers() -> Iterator[None]:
    """Begin with Python's own handlers, whatever an earlier test's library has left, and put them back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.promise("Interruptions")
@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_command_says_that_it_was_stopped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sent: signal.Signals
) -> None:
    """Ctrl-C, SIGTERM and SIGHUP end every command with the word `interrupted` and exit code 130."""
    monkeypatch.setattr(command, "_call", lambda *_: signal.raise_signal(sent))
    with pytest.raises(SystemExit) as ended:
        command.main(["runs", "list"])
    assert (ended.value.code, capsys.readouterr().err.strip()) == (130, "interrupted")


@pytest.mark.promise("Interruptions")
@pytest.mark.usefixtures("handlers")
def test_a_terminal_that_is_gone_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the terminal itself is gone, a command still ends with exit code 130."""

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(command, "_call", lambda *_: signal.raise_signal(signal.SIGHUP))
    monkeypatch.setattr("sys.stderr", Gone())
    with pytest.raises(SystemExit) as ended:
        command.main(["runs", "list"])
    assert ended.value.code == 130


@pytest.mark.promise("Interruptions")
@pytest.mark.usefixtures("handlers")
def test_nohup_is_respected() -> None:
    """Under `nohup`, SIGHUP stays ignored."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with stop_signals() as requested:
        signal.raise_signal(signal.SIGHUP)
    assert not requested


@pytest.mark.usefixtures("handlers")
def test_a_second_hangup_does_not_interrupt_the_cleaning_up() -> None:
    """The kernel and the shell each send SIGHUP; the second one right after the first does nothing."""
    cleaned = False
    with stop_signals() as outer:
        try:
            with stop_signals() as requested:
                try:
                    signal.raise_signal(signal.SIGHUP)
                finally:
                    signal.raise_signal(signal.SIGHUP)
                    cleaned = True
        except KeyboardInterrupt:
            pass
    assert cleaned
    assert len(requested.received) == len(outer.received) == 2


@pytest.mark.promise("Interruptions")
@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_pytorch_is_imported_is_not_lost(sent: signal.Signals) -> None:
    """A stop signal that comes while PyTorch is imported takes effect right after the import."""
    imported = []

    def load() -> None:
        with deferred_stop_signals():
            signal.raise_signal(sent)
            imported.append("torch")

    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt), stop_signals() as requested:
        load()
    assert imported
    assert requested.received == [sent]


@pytest.mark.usefixtures("handlers")
def test_a_caller_keeps_its_own_handler() -> None:
    """A program's own handler of SIGTERM is called too, and is back in place afterwards."""
    called: list[int] = []

    def handler(number: int, _: object) -> None:
        called.append(number)

    signal.signal(signal.SIGTERM, handler)
    with pytest.raises(KeyboardInterrupt), stop_signals():
        signal.raise_signal(signal.SIGTERM)
    assert called == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is handler
