"""What a command prints: results, messages, and progress bars (plain lines where there is no terminal).

Results (tables, JSON, CSV) go to standard output; messages, progress and errors go to standard error, so that
`galaxynet compare --format csv > runs.csv` writes rows and nothing else. Text is plain: `[bold]` in it is
printed as it is. A part of a message is styled as a tuple of text and style.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

Part = str | tuple[str, str]
"""A text, or a text and its rich style."""

_PLAIN_INTERVAL_S = 5.0
_PIPED_WIDTH = 180
_COMMAND = re.compile(r"\bgalaxynet [a-z][^;,()]*")
_GLUE = "\ue000"
"""Replaces a space at which no line may end: a private character, which no text has."""

_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)

_settings = {"quiet": False}
_format_warning = warnings.formatwarning


def set_quiet(quiet: bool) -> None:
    """Silence notes and progress; warnings and errors are still printed."""
    _settings["quiet"] = quiet


def is_quiet() -> bool:
    """True if notes and progress are silenced."""
    return _settings["quiet"]


@cache
def messages() -> Console:
    """The console on standard error."""
    return make_console(stderr=True)


def results() -> Console:
    """The console on standard output; wide enough for every column if it is no terminal."""
    console = make_console()
    if console.is_terminal or os.environ.get("COLUMNS"):
        return console
    return make_console(width=_PIPED_WIDTH)


def make_console(**settings: Any) -> Console:
    """A console that prints untrusted text safely; `settings` are those of `rich.console.Console`."""
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    class PrintableConsole(Console):
        """Spells out control characters, of which rich removes five and lets escape sequences through."""

        def render(
            self, renderable: RenderableType, options: ConsoleOptions | None = None
        ) -> Iterator[Segment]:
            for segment in super().render(renderable, options):
                text = segment.text if segment.control else printable(segment.text)
                yield segment if text is segment.text else Segment(text, segment.style)

    return PrintableConsole(highlight=False, **settings)


def printable(text: str) -> str:
    r"""A text that is safe to print: control characters other than `\n` and `\t` are spelt out, as `\x1b`.

    Names, labels and generated texts are untrusted, and a terminal obeys them: escape sequences set its
    title, its colours and the clipboard. Marks that reverse the direction of writing and so disguise a text,
    lone surrogates, and characters that XML forbids are spelt out as well.
    """
    return _UNPRINTABLE.sub(_spell_out, text) if _UNPRINTABLE.search(text) else text


def _spell_out(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def write(text: str) -> None:
    """Write a result to standard output: unchanged to a pipe or a file, printable to a terminal."""
    sys.stdout.write(printable(text) if sys.stdout.isatty() else text)


def echo(*parts: Part) -> None:
    """Print a line of a result to standard output."""
    _print(results(), parts)


def note(*parts: Part, style: str = "") -> None:
    """Print a message to standard error, unless quiet."""
    if not is_quiet():
        warn(*parts, style=style)


def warn(*parts: Part, style: str = "") -> None:
    """Print a message to standard error, even when quiet.

    In a terminal it is broken between words, but not within a path or a command, which could not be copied
    then. If the terminal is gone or the disk of a log is full, nothing is printed and the program continues.
    """
    with contextlib.suppress(OSError):
        _print(messages(), parts, style)


def print_traceback(error: BaseException) -> None:
    """Print the traceback of an error to standard error."""
    import traceback

    sys.stderr.write(printable("".join(traceback.format_exception(error))))


def format_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """A printable replacement for `warnings.formatwarning`."""
    return printable(_format_warning(message, category, filename, lineno, line))


def wrap(text: str, width: int) -> list[str]:
    """The lines of a text, broken between words but not within a command; a longer word overflows."""
    lines = []
    for line in text.split("\n"):
        breaks = [0, *_breaks(line, width), len(line)]
        lines += [line[begin:end].rstrip() for begin, end in pairwise(breaks)]
    return lines


def _print(console: Console, parts: tuple[Part, ...], style: str = "") -> None:
    from rich.text import Text

    # Made printable here, as rich silently drops some control characters.
    text = Text.assemble(
        *(printable(part) if isinstance(part, str) else (printable(part[0]), part[1]) for part in parts),
        style=style,
    )
    if not console.is_terminal:
        console.print(text, soft_wrap=True)
        return
    for line in text.split("\n", allow_blank=True):
        for piece in line.divide(_breaks(line.plain, console.width)):
            piece.rstrip()
            console.print(piece, soft_wrap=True)


def _breaks(text: str, width: int) -> list[int]:
    """Where the lines of a text begin, except the first; a word wider than a line gets its own."""
    from rich.cells import cell_len

    glued = _COMMAND.sub(lambda match: match.group().replace(" ", _GLUE), text)
    breaks, column = [], 0
    for word in re.finditer(r"\S+\s*", glued):
        if column and column + cell_len(word.group().rstrip()) > width:
            breaks.append(word.start())
            column = 0
        column += cell_len(word.group())
    return breaks


@contextlib.contextmanager
def working(description: str) -> Iterator[None]:
    """Show a spinner during work of unknown length; without a terminal, nothing."""
    if is_quiet() or not messages().is_terminal:
        yield
        return
    from rich.text import Text

    with messages().status(Text(description)):
        yield


@contextlib.contextmanager
def progress(description: str, total: int, unit: str = "") -> Iterator[Callable[[int], None]]:
    """Show a bar with count, rate and time left; without a terminal, a plain line every five seconds.

    The bar disappears at the end of the block.

    Args:
        description: The work, for example `reading images`.
        total: Number of steps; 0 if unknown.
        unit: What a step is; `B` shows sizes in bytes.

    Yields:
        A function to call, from any thread, with the number of steps done since the last call.
    """
    if is_quiet():
        yield lambda _steps: None
        return
    if not messages().is_terminal:
        yield _plain_progress(description, total, unit)
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
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        *counts,
        TimeRemainingColumn(),
        console=messages(),
        transient=True,
    )
    with bar:
        task = bar.add_task(description, total=total or None)
        yield lambda steps: bar.advance(task, steps)


def _plain_progress(description: str, total: int, unit: str) -> Callable[[int], None]:
    started = last = time.monotonic()
    done = 0

    def advance(steps: int) -> None:
        nonlocal done, last
        done += steps
        now = time.monotonic()
        if now - last >= _PLAIN_INTERVAL_S:
            last = now
            rate = done / (now - started)
            scale, suffix = (10**6, "MB") if unit == "B" else (1, unit)
            of = f" of {total / scale:,.0f}" if total else ""
            remaining = f", {max(0.0, total - done) / rate:.0f} s left" if total and rate else ""
            speed = f", {rate / scale:,.0f} {suffix}/s" if rate >= scale else ""
            note(f"{description}: {done / scale:,.0f}{of} {suffix}{speed}{remaining}")

    return advance
