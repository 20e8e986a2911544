"""The card of exported weights in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galaxynet import untrusted
from galaxynet.errors import RunError
from galaxynet.runs import Run
from galaxynet.runs.folder import CARD, reason
from galaxynet.terminal import printable

if TYPE_CHECKING:
    from rich.console import RenderableType


def card_view(run: Run) -> RenderableType:
    """The card, and the folder that it is in.

    Raises:
        RunError: If the card is missing or cannot be read.
    """
    from rich.console import Group
    from rich.markdown import Markdown
    from rich.text import Text

    try:
        text = untrusted.read_text(run.path / CARD, untrusted.MIB)
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"The card {run.path / CARD} cannot be read: {reason(error)}.") from None
    lines = "\n".join(map(printable, text.splitlines()))
    return Group(Markdown(lines), Text(""), Text(str(run.path), style="dim"))
