"""A training in several processes: this one starts and watches them, and computes nothing.

PyTorch waits for other processes in C++, where signals have no effect, and takes half an hour to miss a
killed one. So the calling process takes no part in the training: it only waits for messages, can always be
interrupted, and ends all processes when one is gone.
"""

from __future__ import annotations

import pickle
import signal
import tempfile
import time
import traceback
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NoReturn

from galaxynet import terminal
from galaxynet.children import SpawnContext, SpawnProcess
from galaxynet.errors import GalaxynetError, RunError
from galaxynet.runs import Run
from galaxynet.signals import ignored_terminal_signals, stop_signals
from galaxynet.training.ranks import Rank, Request

_GRACE_S = 3.0
"""Seconds for the first process to save its state after a request to stop."""

_ROOT_CAUSE_S = 1.0
"""Seconds to wait after an error for the end of another process, which may have caused it."""


def train_in_processes(request: Request) -> Run:
    """Train in as many processes as the plan has devices; see `galaxynet.training.train.train`.

    Raises:
        GalaxynetError: What one of the processes raised, or that one was killed.
        KeyboardInterrupt: If it was interrupted before there was a run.
    """
    with tempfile.TemporaryDirectory(prefix="galaxynet-") as scratch, stop_signals():
        group = _Group(request, Path(scratch, "store"))
        try:
            group.start()
            group.watch()
        except KeyboardInterrupt:
            group.interrupt()
        finally:
            group.kill()
    if group.folder is None:
        raise KeyboardInterrupt
    return Run.open(group.folder)


class _Group:
    """The processes of a training, seen from the one that starts them."""

    def __init__(self, request: Request, store: Path) -> None:
        self.request = request
        self.store = store
        self.folder: Path | None = None
        self.members: list[SpawnProcess] = []
        self.channels: list[Connection] = []
        self.working: set[int] = set()

    def start(self) -> None:
        processes = self.request.plan.training.devices
        job = pickle.dumps(replace(self.request, on_start=None))
        with ignored_terminal_signals():  # the terminal sends them to all; this process passes them on
            for number in range(processes):
                ours, theirs = SpawnContext().Pipe()
                rank = Rank(number, processes, self.store)
                member = SpawnProcess(
                    target=_work, args=(job, rank, theirs, terminal.is_quiet()), name=f"rank {number}"
                )
                member.grace_s = _GRACE_S if rank.is_first else 0.0  # the first has something to record
                member.start()
                theirs.close()
                self.members.append(member)
                self.channels.append(ours)
                self.working.add(number)

    def watch(self) -> None:
        """Wait until the training is over, as it is when the first process is done.

        Raises:
            GalaxynetError: If one of them was killed.
            Exception: What one of them raised.
        """
        while 0 in self.working:
            for number, (kind, value) in self._messages():
                if kind == "started":
                    self._on_start(value)
                elif kind == "done":
                    self.working.discard(number)
                elif kind == "killed":
                    self._fail(self._killed(number))
                else:
                    self._fail(self._root_cause() or pickle.loads(value))
        for member in self.members:
            member.join(_GRACE_S)

    def interrupt(self) -> None:
        """Give the first process a few seconds to record where it is; then record the interruption."""
        with suppress(KeyboardInterrupt):  # a second Ctrl-C skips the wait
            for member in self.members[:1]:
                member.terminate()
                member.join(_GRACE_S)
        self.kill()
        self._record("interrupted", "")

    def kill(self) -> None:
        """Kill all processes: one that waits for another reacts to nothing else."""
        for member in self.members:
            member.kill()
        for member in self.members:
            member.join()

    def _messages(self, timeout: float | None = None) -> list[tuple[int, tuple[str, Any]]]:
        messages: list[tuple[int, tuple[str, Any]]] = []
        listening = [self.channels[number] for number in self.working]
        for channel in wait(listening, timeout):
            assert isinstance(channel, Connection)
            try:
                message = channel.recv()
            except (EOFError, OSError):
                message = ("killed", None)
            messages.append((self.channels.index(channel), message))
        return messages

    def _on_start(self, folder: Path) -> None:
        self.folder = folder
        for channel in self.channels[1:]:
            with suppress(OSError):  # it was killed, which its channel says too
                channel.send(folder)
        if self.request.on_start is not None:
            self.request.on_start(Run.open(folder))

    def _root_cause(self) -> GalaxynetError | None:
        """The end of a process that made another one fail, if it was killed a moment ago."""
        end = time.monotonic() + _ROOT_CAUSE_S
        while (remaining_s := end - time.monotonic()) > 0:
            messages = self._messages(remaining_s)
            for number, (kind, _) in messages:
                if kind == "killed" and self.members[number].exitcode is None:
                    self.members[number].join(remaining_s)
                if kind == "killed" and (self.members[number].exitcode or 0) < 0:
                    return self._killed(number)
            self.working -= {number for number, _ in messages}
        return None

    def _killed(self, number: int) -> GalaxynetError:
        member = self.members[number]
        member.join(_GRACE_S)
        code = member.exitcode or 0
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        after = "start the training again"
        if self.folder is not None:
            after = f"continue with: galaxynet train --resume {Run.open(self.folder).record.id}"
        return RunError(
            f"Process {number} of the {len(self.members)} processes of the training was {how}.",
            f"If memory was full, use fewer --devices or a smaller --batch-size; else {after}",
        )

    def _fail(self, error: BaseException) -> NoReturn:
        self.kill()
        message = error.message if isinstance(error, GalaxynetError) else f"{type(error).__name__}: {error}"
        self._record("failed", message)
        raise error

    def _record(self, status: Any, message: str) -> None:
        """Complete the record of a run whose first process could not; all processes have ended."""
        if self.folder is None:
            with suppress(EOFError, OSError):  # it may have begun the run a moment ago
                kind, value = self.channels[0].recv()
                if kind == "started":
                    self.folder = value
        if self.folder is None:
            return
        run = Run.open(self.folder)
        if run.record.status in ("finished", "diverged"):
            return
        run.record.status, run.record.message = status, message
        run.record.finished = datetime.now(UTC)
        run.save()


def _work(job: bytes, rank: Rank, channel: Connection, quiet: bool) -> None:
    """The whole of one of the processes."""
    terminal.set_quiet(quiet or not rank.is_first)
    try:
        with terminal.working("loading PyTorch"):
            from galaxynet.training.fit import fit
        if not rank.is_first:
            # The first process prepares the data, which the others find then.
            rank = replace(rank, folder=channel.recv())
        request: Request = pickle.loads(job)
        fit(replace(request, on_start=lambda run: channel.send(("started", run.path))), rank)
        message: tuple[str, Any] = ("done", None)
    except BaseException as error:
        message = ("error", _portable(error, rank))
    with suppress(OSError):  # the parent is gone
        channel.send(message)


def _portable(error: BaseException, rank: Rank) -> bytes:
    """An exception for another process, with its traceback as a note."""
    if not isinstance(error, GalaxynetError):
        lines = "".join(traceback.format_exception(error))
        error.add_note(f"in process {rank.number} of {rank.processes}:\n{lines}")
    try:
        kept = pickle.dumps(error)
        pickle.loads(kept)
    except Exception:  # an exception of a plugin may hold whatever it likes
        return pickle.dumps(RunError(f"{type(error).__name__}: {error}"))
    return kept
