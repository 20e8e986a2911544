"""`galaxynet.sweep` in Python."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import galaxynet
from galaxynet.errors import UsageError

pytestmark = pytest.mark.usefixtures("toys")

SCRIPT = """
import galaxynet

runs = galaxynet.sweep("toynet", lr="0.01..0.1:2:log", epochs=1, seeds=2)
assert [run.status for run in runs] == ["finished"] * 4
assert [run.record.options.model["lr"] for run in runs] == [0.01] * 2 + [0.1] * 2
again = galaxynet.sweep("toynet", lr="0.01..0.1:2:log", epochs=1, seeds=2)
assert [run.record.id for run in again] == [run.record.id for run in runs]
print("well")
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["file", "standard input"])
def test_a_script_sweeps(tmp_path: Path, way: str) -> None:
    """A script, whichever way it is run and without a guard, gets the runs in order, and the same again."""
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    words = [sys.executable, str(path) if way == "file" else "-"]
    with path.open() as text:
        done = subprocess.run(words, stdin=text, capture_output=True, text=True, timeout=240)
    assert done.stdout == "well\n", done.stderr
    assert done.stderr.count("4/4") == 1  # the second call had nothing left to do


@pytest.mark.parametrize("wrong", [{"seeds": 0}, {"random": 0}, {"parallel": -1}])
def test_less_than_one_is_refused(wrong: dict[str, int]) -> None:
    """No seed, no draw and no process are not what anybody means."""
    with pytest.raises(UsageError, match="must be at least 1"):
        galaxynet.sweep("toynet", hidden=[1, 2], **wrong)


@pytest.mark.parametrize("name", [".", "..", ".hidden", "x" * 81, "\N{MILKY WAY}" * 60])
def test_a_name_that_no_folder_can_have_is_refused(name: str) -> None:
    """The name of a sweep is a folder's: an invalid one is refused before anything runs."""
    with pytest.raises(UsageError, match="cannot be named"):
        galaxynet.sweep("toynet", hidden=[1, 2], name=name)


def test_an_option_that_does_not_exist_is_named() -> None:
    """A misspelt option is refused with the nearest name, before anything runs."""
    with pytest.raises(UsageError, match=r"no option hiden .* Did you mean 'hidden'"):
        galaxynet.sweep("toynet", hiden=[1, 2])
    assert not Path(os.environ["GALAXYNET_RUNS"]).exists()
