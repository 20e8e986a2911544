"""The generated page of promises."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mkdocs")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def generator() -> Any:
    """The module docs/generate_robustness.py, which is no package's."""
    spec = importlib.util.spec_from_file_location(
        "generate_robustness", ROOT / "docs" / "generate_robustness.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_promise_is_a_sentence_under_a_known_section(generator: Any) -> None:
    """Every marked test has a docstring whose first line is a sentence, and every section has a promise."""
    rows = generator.promises(ROOT / "tests")
    assert {row.section for row in rows} == set(generator.SECTIONS)


def test_the_page_has_every_promise_once(generator: Any) -> None:
    """Every marked test is one row of the page, parametrised or not."""
    rows = generator.promises(ROOT / "tests")
    page = generator.page(rows).splitlines()
    assert len(rows) == sum(line.startswith("| ") and "::" in line for line in page)
    for row in rows:
        assert sum(line.endswith(f"| `{row.test}` |") for line in page) == 1


def write(folder: Path, text: str) -> Path:
    path = folder / "tests" / "test_things.py"
    path.parent.mkdir()
    path.write_text(text)
    return path.parent


def test_a_promise_becomes_a_row(generator: Any, tmp_path: Path) -> None:
    """A row is the docstring's first line and the test's id, with what Markdown would read escaped."""
    tests = write(
        tmp_path,
        '@pytest.mark.promise("Inputs")\n@pytest.mark.parametrize("n", [1, 2])\n'
        'def test_it(n):\n    """A `a|b` of *.zip is <read>.\n\n    More."""\n'
        'def test_another():\n    """Not marked."""\n',
    )
    [row] = generator.promises(tests)
    assert row == ("Inputs", "A `a|b` of *.zip is <read>.", "tests/test_things.py::test_it")
    assert "| A `a\\|b` of \\*.zip is \\<read>. | `tests/test_things.py::test_it` |" in generator.page([row])


def test_a_whole_file_can_be_marked(generator: Any, tmp_path: Path) -> None:
    """`pytestmark` makes a row of each test of its file."""
    mark = 'pytestmark = [pytest.mark.slow, pytest.mark.promise("Inputs")]\n'
    tests = write(tmp_path, mark + "".join(f'def test_{n}():\n    """It is {n}."""\n' for n in "ab"))
    assert [row.text for row in generator.promises(tests)] == ["It is a.", "It is b."]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('@pytest.mark.promise("Input")\ndef test_it():\n    """A sentence."""\n', "unknown section 'Input'"),
        ('@pytest.mark.promise(NAME)\ndef test_it():\n    """A sentence."""\n', "unknown section None"),
        ('@pytest.mark.promise("Inputs")\ndef test_it(): ...\n', "not a sentence"),
        ('@pytest.mark.promise("Inputs")\ndef test_it():\n    """no sentence"""\n', "not a sentence"),
        (
            '@pytest.mark.promise("Inputs")\ndef test_it():\n    """It goes on\n    here."""\n',
            "not a sentence",
        ),
        ('MARK = pytest.mark.promise("Inputs")\n', "only a test function"),
    ],
)
def test_a_mark_that_gives_no_row_is_refused(generator: Any, tmp_path: Path, text: str, fault: str) -> None:
    """No promise is left out silently: a mark that cannot be read stops the documentation."""
    with pytest.raises(ValueError, match=fault):
        generator.promises(write(tmp_path, text))
