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

if __name__ == "__main__":
    runs = galaxynet.sweep("toynet", hidden=[4, 6], lr="0.01..0.1:2:log", epochs=1, seeds=2)
    assert [run.status for run in runs] == ["finished"] * 8
    assert [run.record.options.model["hidden"] for run in runs] == [4] * 4 + [6] * 4
    again = galaxynet.sweep("toynet", hidden=[4, 6], lr="0.01..0.1:2:log", epochs=1, seeds=2)
    assert [run.record.id for run in again] == [run.record.id for run in runs]
    print("well")
"""


@pytest.mark.slow
def test_a_script_sweeps(tmp_path: Path) -> None:
    """A script gets the runs of a sweep in the order of the plan, and the same ones when it is run again."""
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=240)
    assert done.stdout.endswith("well\n"), done.stderr
    assert done.stderr.count("8/8") == 1  # the second call had nothing left to do


def test_an_option_that_does_not_exist_is_named() -> None:
    """A slip in an option's name is told with the nearest one, before anything runs."""
    with pytest.raises(UsageError, match=r"no option hiden .* Did you mean hidden"):
        galaxynet.sweep("toynet", hiden=[1, 2])
    assert not Path(os.environ["GALAXYNET_RUNS"]).exists()
