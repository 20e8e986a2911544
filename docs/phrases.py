"""Check the words of the tree against `phrases.toml`: `python -m docs.phrases [PATH ...]`.

Reads Markdown, YAML, TOML and Makefiles in full. In Python it reads comments, strings and docstrings, and
the names that are bound. A phrase may span lines. Prints `file:line: phrase: advice`; exits with 1 on any
finding.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
RULES = Path(__file__).with_name("phrases.toml")

_SUFFIXES = (".py", ".md", ".yml", ".yaml", ".toml", ".html", "Makefile")
_PROSE = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", -1)}
_GAP = r"""(?:\s|#|["'])+"""  # also from one comment line, or adjacent string, to the next

_GENERATED = {"build", "demo", "dist", "htmlcov", "mutants", "runs", "site"}

Finding = tuple[int, str, str]


class Rules:
    """The phrases and names to avoid.

    Attributes:
        phrases: Pattern of each phrase, and what to write instead.
        names: Names that no variable, function or class has, and better ones.
        allowed: Patterns of longer phrases that are good English though they contain one to avoid.
        exempt: Files that quote others' words, relative to the root.
    """

    def __init__(self, path: Path = RULES) -> None:
        rules = tomllib.loads(path.read_text("utf-8"))
        self.phrases = {_pattern(phrase): (phrase, advice) for phrase, advice in rules["phrases"].items()}
        self.allowed = [_pattern(phrase) for phrase in rules["allowed"]]
        self.names: dict[str, str] = rules["names"]
        self.exempt = {ROOT / name for name in rules["exempt"]}

    def check(self, path: Path) -> Iterator[Finding]:
        """Yield line, phrase and advice of each finding in a file."""
        text = path.read_text("utf-8")
        if path.suffix == ".py":
            yield from self.check_names(text)
            text = prose_of(text)
        allowed = [match.span() for pattern in self.allowed for match in pattern.finditer(text)]
        for pattern, (_, advice) in self.phrases.items():
            for match in pattern.finditer(text):
                if not any(start <= match.start() and match.end() <= end for start, end in allowed):
                    yield text.count("\n", 0, match.start()) + 1, " ".join(match[0].split()), advice

    def check_names(self, source: str) -> Iterator[Finding]:
        """Yield a finding for each name to avoid that the source binds."""
        for node in ast.walk(ast.parse(source)):
            match node:
                case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                    pass
                case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    pass
                case _:
                    continue
            if advice := self.names.get(name):
                yield node.lineno, name, advice


def _pattern(phrase: str) -> re.Pattern[str]:
    """Return the pattern of a phrase; `…` stands for one to three words."""
    words = [r"\S+(?:\s+\S+){0,2}?" if word == "…" else re.escape(word) for word in phrase.split()]
    return re.compile(rf"\b{_GAP.join(words)}(?!\w)", re.IGNORECASE)


def prose_of(source: str) -> str:
    """Return Python source with all but comments, strings and line ends blanked out."""
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    masked = [char if char.isspace() else "\0" for char in source]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in _PROSE:
            start, end = (starts[row - 1] + column for row, column in (token.start, token.end))
            masked[start:end] = source[start:end]
    return "".join(masked)


def files_below(paths: list[Path]) -> Iterator[Path]:
    """Yield the files to check among paths and in folders; hidden and generated ones are left out."""
    for path in paths:
        if path.is_dir():
            children = [p for p in sorted(path.iterdir()) if not p.name.startswith(".")]
            yield from files_below([p for p in children if not (path == ROOT and p.name in _GENERATED)])
        elif path.name.endswith(_SUFFIXES):
            yield path


def _shown(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def main(arguments: list[str]) -> int:
    """Check the paths given, or the whole tree."""
    rules = Rules()
    paths = [Path(argument).resolve() for argument in arguments] or [ROOT]
    count = 0
    for path in files_below(paths):
        if path in rules.exempt:
            continue
        for line, phrase, advice in sorted(rules.check(path)):
            print(f"{_shown(path)}:{line}: {phrase}: {advice}")
            count += 1
    if count:
        print(f"{count} to rewrite (the list is docs/phrases.toml)", file=sys.stderr)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
