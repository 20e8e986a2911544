"""What an author writes for a card: a Markdown file with sections."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from galaxynet import untrusted
from galaxynet.errors import DataError

EXPECTED = ("Range of validity", "Known failures")
"""The sections that every card has."""

_SECTION = re.compile(r"^## +(.+?)\s*$")
_TITLE = re.compile(r"^# ")
_FENCE = re.compile(r"^(```|~~~)")


@dataclass(frozen=True)
class Notes:
    """An author's part of a card.

    Attributes:
        introduction: What comes before the first section; may be empty.
        sections: Text by title, in their order.
    """

    introduction: str
    sections: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> Notes:
        """Read a Markdown file whose sections begin with `## TITLE`.

        Raises:
            DataError: If it cannot be read, has a title of its own or a section twice.
        """
        try:
            text = untrusted.read_text(path, untrusted.MIB)
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise DataError(f"The notes {path} cannot be read: {reason}.") from None
        parts: dict[str, list[str]] = {"": []}
        title, fenced = "", False
        for line in text.splitlines():
            fenced ^= bool(_FENCE.match(line))
            section = None if fenced else _SECTION.match(line)
            if not fenced and _TITLE.match(line):
                raise DataError(
                    f"The notes {path} have a title: {line}",
                    "Leave it out: the export writes one.",
                )
            if section and section[1] in parts:
                raise DataError(f"The notes {path} have the section {section[1]!r} twice.")
            if section:
                title = section[1]
                parts[title] = []
            else:
                parts[title].append(line)
        texts = {name: "\n".join(lines).strip() for name, lines in parts.items()}
        return cls(texts.pop(""), texts)

    @property
    def missing(self) -> list[str]:
        """The expected sections that say nothing."""
        return [name for name in EXPECTED if not self.sections.get(name)]


NO_NOTES = Notes("", {})
