"""Change the code in small ways and list the changes that no test notices.

    python -m benchmarks.mutants [PATTERN ...]

mutmut makes the changes, one at a time and in a copy of the code (`mutants/`), and runs the tests that reach
the changed function. The modules and the tests stand in pyproject.toml under [tool.mutmut]. Patterns such as
`galaxynet.data.splits*` choose among the changes. What the tests print goes to `mutants.log`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

MUTMUT = str(Path(sys.executable).with_name("mutmut"))
NOTICED = {"killed", "timeout", "segfault", "caught by type check"}


def main() -> None:
    patterns = sys.argv[1:]
    shutil.rmtree("mutants", ignore_errors=True)  # mutmut would keep results although tests have changed
    with Path("mutants.log").open("w") as log:
        # With more threads each, processes that share the cores wait for one another.
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        code = subprocess.call([MUTMUT, "run", *patterns], stdout=log, stderr=log, env=environment)
    if code:
        raise SystemExit("mutmut failed: see mutants.log")
    results = dict(
        line.strip().split(": ") for line in _mutmut("results", "--all", "true").splitlines() if ": " in line
    )
    results = {name: status for name, status in results.items() if status != "not checked"}
    for name, status in results.items():
        if status not in NOTICED:
            print(f"{name}: {status}")
            print(*_changed_lines(_mutmut("show", name)), "", sep="\n")
    print(_table(results))


def _mutmut(*words: str) -> str:
    return subprocess.run([MUTMUT, *words], capture_output=True, text=True, check=True).stdout


def _changed_lines(diff: str) -> list[str]:
    marked = [line for line in diff.splitlines() if line.startswith(("+", "-"))]
    return [f"  {line}" for line in marked if not line.startswith(("+++", "---"))]


def _table(results: dict[str, str]) -> str:
    """Noticed changes of each module, in Markdown."""
    modules: dict[str, Counter[bool]] = defaultdict(Counter)
    for name, status in results.items():
        modules[name.rpartition(".")[0]][status in NOTICED] += 1
    rows = ["| module | changes | noticed |", "| --- | --- | --- |"]
    for module, counts in sorted(modules.items()):
        rows.append(f"| `{module}` | {counts.total()} | {counts[True] / counts.total():.0%} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
