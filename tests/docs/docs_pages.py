"""The code blocks of the documentation, and the stand-ins with which tests run them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Numbers that would take minutes, and what a test takes in their place.
STAND_INS = {
    r"--count \d+": "--count 60",
    r"--epochs \d+": "--epochs 1",
    r"--seeds [1-9]\d*": "--seeds 1",
    r"\bepochs=\d+": "epochs=1",
}

_BLOCK = re.compile(r"^```(?P<language>\w+)(?P<rest>[^\n]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_NOTE = re.compile(r"^<!-- (?P<text>[^>]*) -->$", re.MULTILINE)
_TITLE = re.compile(r'title="(?P<title>[^"]+)"')


@dataclass(frozen=True)
class Step:
    """Something that a page has the reader do.

    Attributes:
        kind: `command` (a line of a console block), `python` (a block), `file` (a block with a title), or
            `note` (an HTML comment, which tells the test what it has to bring about here).
        text: The command, the code, the content of the file, or the comment.
        path: The file's path.
    """

    kind: str
    text: str
    path: str = ""


@dataclass(frozen=True)
class Page:
    """A page of the documentation.

    Attributes:
        path: Its file, from the root of the repository.
        steps: What it has the reader do, in order.
    """

    path: str
    steps: tuple[Step, ...]

    @property
    def notes(self) -> set[str]:
        """Its HTML comments."""
        return {step.text for step in self.steps if step.kind == "note"}

    @property
    def runs_something(self) -> bool:
        """Whether there is anything to be executed on it."""
        return any(step.kind in ("command", "python") for step in self.steps)


def pages() -> list[Page]:
    """README and all pages under docs."""
    files = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page(path) for path in files]


def page(path: Path) -> Page:
    """One page."""
    return Page(str(path.relative_to(ROOT)), tuple(_steps(path.read_text(encoding="utf-8"))))


def cheap(text: str) -> str:
    """The same with stand-ins for expensive numbers."""
    for expensive, stand_in in STAND_INS.items():
        text = re.sub(expensive, stand_in, text)
    return text


def _steps(text: str) -> Iterator[Step]:
    parts = [(match.start(), match) for pattern in (_BLOCK, _NOTE) for match in pattern.finditer(text)]
    for _, match in sorted(parts, key=lambda pair: pair[0]):
        if match.re is _NOTE:
            yield Step("note", match["text"])
            continue
        title = _TITLE.search(match["rest"])
        if title is not None:
            yield Step("file", match["text"], title["title"])
        elif match["language"] == "python":
            yield Step("python", match["text"])
        elif match["language"] == "console":
            lines = match["text"].splitlines()
            yield from (Step("command", line.removeprefix("$ ")) for line in lines if line.startswith("$ "))
