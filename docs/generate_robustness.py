"""The page of promises, made from the tests that prove them: an MkDocs hook.

A test marked `@pytest.mark.promise("SECTION")` is a row: the first line of its docstring is the promise. The
tests are read and not imported, so the page needs nothing that they need.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeGuard

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PAGE = "reference/robustness.md"
TESTS = Path(__file__).parent.parent / "tests"

SECTIONS = {
    "Environment": "What variables, a shell, a scheduler or a missing home leave behind changes no result.",
    "Several processes": "Several processes compute what one process computes, and end as one.",
    "Interruptions": "What is stopped at any moment can be continued, and no half-written file is left.",
    "Strangers' files": "Other people's files are read as data: nothing in them is executed, and one bad "
    "file stops nothing else.",
    "Inputs": "Valid files are accepted however they were saved; for others the message names the fault.",
    "Fetching": "A file in the data folder is complete and verified, whatever happened on the way to it.",
    "Measurements": "The numbers are what was measured, the same on every machine, and a seed repeats them.",
}

_INTRODUCTION = """# Robustness

What galaxynet promises when things go wrong, and the test that proves each promise. The page is made from the
tests when the documentation is built: a promise is the first line of its test's docstring. Run one with
`.venv/bin/python -m pytest TEST`.
"""

_SENTENCE = re.compile(r"[A-Z0-9`\"'].*[.!?]")
_SPECIAL = re.compile(r"(?P<code>`[^`]*`)|(?P<mark>[\\*_<\[\]])")


class Promise(NamedTuple):
    """A row of the page.

    Attributes:
        section: The heading it stands under.
        text: The promise.
        test: The test's id, as pytest takes it.
    """

    section: str
    text: str
    test: str


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page to those that MkDocs has found."""
    files.append(File.generated(config, PAGE, content=page(promises(TESTS))))
    return files


def page(rows: list[Promise]) -> str:
    """The page, in Markdown."""
    lines = [_INTRODUCTION]
    for section, introduction in SECTIONS.items():
        lines += [f"## {section}", "", introduction, "", '<div class="promises" markdown>', ""]
        lines += ["| promise | test |", "| --- | --- |"]
        lines += [f"| {_cell(row.text)} | `{row.test}` |" for row in rows if row.section == section]
        lines += ["", "</div>", ""]
    return "\n".join(lines)


def promises(folder: Path) -> list[Promise]:
    """What the marked tests under a folder promise, ordered by file and line.

    Raises:
        ValueError: If a mark is not on a test, its section is unknown, or the docstring's first line is not a
            sentence. All faults are listed.
    """
    rows: list[Promise] = []
    faults: list[str] = []
    for path in sorted(folder.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        lost = {node for node in ast.walk(tree) if _is_mark(node)}
        for test, mark in _marked(tree):
            lost.discard(mark)
            section = _section(mark)
            name = f"{path.relative_to(folder.parent).as_posix()}::{test.name}"
            text = (ast.get_docstring(test) or "").partition("\n")[0]
            if section not in SECTIONS:
                faults.append(f"{name}: unknown section {section!r}, not one of {', '.join(SECTIONS)}")
            elif not _SENTENCE.fullmatch(text):
                faults.append(f"{name}: the docstring's first line is not a sentence")
            else:
                rows.append(Promise(section, text, name))
        if lost:
            name = path.relative_to(folder.parent).as_posix()
            faults.append(f"{name}: only a test function or, by pytestmark, a file can be marked")
    if faults:
        raise ValueError("\n".join(faults))
    return rows


def _marked(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef, ast.Call]]:
    """Each test with each mark that is on it or, by `pytestmark`, on its whole file."""
    whole = [mark for node in tree.body if _is_pytestmark(node) for mark in ast.walk(node) if _is_mark(mark)]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield from ((node, mark) for mark in (*whole, *filter(_is_mark, node.decorator_list)))


def _section(mark: ast.Call) -> str | None:
    """The section that a mark names; None if the tests would have to be run to know it."""
    match mark.args:
        case [ast.Constant(value=str(section))]:
            return section
    return None


def _is_pytestmark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["pytestmark"]


def _is_mark(node: ast.AST) -> TypeGuard[ast.Call]:
    """True for `pytest.mark.promise(...)`."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.promise"


def _cell(text: str) -> str:
    escaped = _SPECIAL.sub(lambda match: match["code"] or f"\\{match['mark']}", text)
    return escaped.replace("|", "\\|")
