"""What a person sees while something runs: notes and progress bars, or plain lines without a terminal.

Results (tables, JSON, CSV) go to standard output; notes, progress and errors go to standard error, so that
`galaxynet compare --format csv > runs.csv` writes rows and nothing else.
"""

from __future__ import annotations

import contextlib
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_PLAIN_SECONDS = 5.0
_COMMAND = re.compile(r"\bgalaxynet [a-z][^;,()]*")
_GLUE = "\ue000"
"""Stands for a space at which no line may end; of the private characters, so that no text has it."""

_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)

_settings = {"quiet": False}
_format_warning = warnings.formatwarning


def set_quiet(quiet: bool) -> None:
    """Silence notes and progress; errors are still printed."""
    _settings["quiet"] = quiet


def is_quiet() -> bool:
    """Whether notes and progress are silenced."""
    return _settings["quiet"]


@cache
def notes() -> Console:
    """The console on standard error."""
    from galaxynet.console import PrintableConsole

    return PrintableConsole(stderr=True, highlight=False)


@cache
def results() -> Console:
    """The console on standard output."""
    from galaxynet.console import PrintableConsole

    return PrintableConsole(highlight=False)


def printable(text: str) -> str:
    r"""A text as a terminal can be given it: control characters but `\n` and `\t` are spelt out, as `\x1b`.

    Names, labels and what a network writes are other people's text, and a terminal obeys what is in it:
    escape sequences set its title, its colours and the clipboard. Marks that turn the direction of writing
    around, which make a text read as another one, lone surrogates and what XML forbids are spelt out as well.
    """
    return _UNPRINTABLE.sub(_spelt_out, text) if _UNPRINTABLE.search(text) else text


def _spelt_out(found: re.Match[str]) -> str:
    place = ord(found.group())
    return f"\\x{place:02x}" if place < 0x100 else f"\\u{place:04x}"


def write(text: str) -> None:
    """Write a result to standard output: as it is to a pipe or a file, printable to a terminal."""
    sys.stdout.write(printable(text) if sys.stdout.isatty() else text)


def tell_traceback(error: BaseException) -> None:
    """Print the traceback of an error to standard error."""
    import traceback

    sys.stderr.write(printable("".join(traceback.format_exception(error))))


def format_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """What Python prints of a warning, printable: in place of `warnings.formatwarning`."""
    return printable(_format_warning(message, category, filename, lineno, line))


def note(text: str) -> None:
    """Print one line for a person to standard error, unless quiet. `text` may carry rich markup."""
    if not is_quiet():
        tell(text)


def tell(text: str) -> None:
    """Print one line for a person to standard error, also when quiet. `text` may carry rich markup.

    In a terminal it is broken between words, but not within a path or a command, which could not be copied
    then; elsewhere it is not broken at all. Where the terminal is gone, or the disk of a log is full, nothing
    is printed and what runs continues.
    """
    with contextlib.suppress(OSError):
        _print(text)


def _print(text: str) -> None:
    from rich.text import Text

    text = printable(text)  # here, as rich drops some control characters without a word
    console = notes()
    if not console.is_terminal:
        console.print(text, soft_wrap=True)
        return
    for line in Text.from_markup(text).split("\n"):
        for part in line.divide(_breaks(line.plain, console.width)):
            part.rstrip()
            console.print(part, soft_wrap=True)


def _breaks(text: str, width: int) -> list[int]:
    """Where lines of a text begin, but for the first; what is wider than a line has one of its own."""
    from rich.cells import cell_len

    glued = _COMMAND.sub(lambda found: found.group().replace(" ", _GLUE), text)
    breaks, column = [], 0
    for word in re.finditer(r"\S+\s*", glued):
        if column and column + cell_len(word.group().rstrip()) > width:
            breaks.append(word.start())
            column = 0
        column += cell_len(word.group())
    return breaks


@contextlib.contextmanager
def working(what: str) -> Iterator[None]:
    """A spinner while something of unknown length is done; nothing where there is no terminal."""
    if is_quiet() or not notes().is_terminal:
        yield
        return
    with notes().status(what):
        yield


@contextlib.contextmanager
def progress(description: str, total: int, unit: str = "") -> Iterator[Callable[[int], None]]:
    """A bar with count, rate and time left; a plain line every five seconds where there is no terminal.

    The bar goes away when the block ends: what was done is for the caller to say.

    Args:
        description: What is being done, for example `reading images`.
        total: How many steps there are; 0 if that is not known.
        unit: What a step is; `B` shows sizes in bytes.

    Yields:
        A function to call with the number of steps that were done since the last call. It may be called
        from any thread.
    """
    if is_quiet():
        yield lambda _steps: None
        return
    if not notes().is_terminal:
        yield _plain(description, total, unit)
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: object) -> Text:
            speed = getattr(task, "speed", None)
            return Text(f"{speed:,.0f} {unit}/s" if speed and speed >= 1 else "", style="progress.data.speed")

    counts: list[ProgressColumn] = (
        [DownloadColumn(), TransferSpeedColumn()] if unit == "B" else [MofNCompleteColumn(), Rate()]
    )
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *counts,
        TimeRemainingColumn(),
        console=notes(),
        transient=True,
    )
    with bar:
        task = bar.add_task(description, total=total or None)
        yield lambda steps: bar.advance(task, steps)


def _plain(description: str, total: int, unit: str) -> Callable[[int], None]:
    started = last = time.monotonic()
    done = 0

    def advance(steps: int) -> None:
        nonlocal done, last
        done += steps
        now = time.monotonic()
        if now - last >= _PLAIN_SECONDS:
            last = now
            rate = done / (now - started)
            scale, suffix = (10**6, "MB") if unit == "B" else (1, unit)
            of = f" of {total / scale:,.0f}" if total else ""
            left = f", {max(0.0, total - done) / rate:.0f} s left" if total and rate else ""
            shown = f", {rate / scale:,.0f} {suffix}/s" if rate >= scale else ""
            notes().print(f"{description}: {done / scale:,.0f}{of} {suffix}{shown}{left}")

    return advance
