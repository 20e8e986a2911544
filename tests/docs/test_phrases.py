"""The check of words reads what people read, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.phrases import Rules, main


def _findings(path: Path, text: str) -> list[tuple[int, str]]:
    path.write_text(text)
    return [(line, phrase) for line, phrase, _ in Rules().check(path)]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.md", "A folder\nof one's\nown.\n", [(2, "of one's own")]),
        ("a.md", "Anewly told.", [(1, "told")]),
        ("a.py", "x = 1  # begin\n# anew\n", [(2, "anew")]),
        ("a.py", "# in the order\n# of size\nx = 1\n", [(1, "in the order # of")]),
        ("a.py", 'x = ("so "\n     "many")\n', [(1, 'so " "many')]),
        ("a.py", 'f"{x} beneath"\n', [(1, "beneath")]),
        ("a.py", "x = so, many\nbeneath.call()\n", []),
        ("a.py", "def f(told): ...\n", [(1, "told")]),
        ("a.py", "for one in []: ...\n", [(1, "one")]),
        ("a.py", "class Shelf: ...\n", [(1, "Shelf")]),
    ],
)
def test_findings(tmp_path: Path, name: str, text: str, expected: list[tuple[int, str]]) -> None:
    """Phrases are found across line ends, in prose, comments and strings, and names where they are bound."""
    assert _findings(tmp_path / name, text) == expected


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints file, line, phrase and advice, and fails if there is any."""
    (tmp_path / "a.md").write_text("Fine.\nStart anew.\n")
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().out == f"{tmp_path}/a.md:2: anew: say again, from scratch\n"
    (tmp_path / "a.md").write_text("Fine.\n")
    assert main([str(tmp_path)]) == 0
