"""The rich console of every command: what it prints, a terminal shows and does not obey."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from galaxynet.terminal import printable


class PrintableConsole(Console):
    """A console that spells control characters out.

    rich itself removes five of them from texts, and lets escape sequences through.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What rich renders, without control characters in its texts; rich's own controls stay."""
        for segment in super().render(renderable, options):
            text = segment.text if segment.control else printable(segment.text)
            yield segment if text is segment.text else Segment(text, segment.style)
