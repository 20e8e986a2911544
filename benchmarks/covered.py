"""Print how much of each package the tests reached, from the data of `coverage run`: `make coverage`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import PurePath


def main() -> None:
    words = [sys.executable, "-m", "coverage", "json", "--quiet", "-o", "-"]
    report = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    packages: dict[str, Counter[str]] = {}
    for path, file in report["files"].items():
        packages.setdefault(_package(path), Counter()).update(
            {name: count for name, count in file["summary"].items() if isinstance(count, int)}
        )
    print("| package | lines | branches |", "| --- | --- | --- |", sep="\n")
    for package, counts in sorted(packages.items()):
        print(f"| `{package}` | {_lines(counts)} | {_branches(counts)} |")
    total = Counter(report["totals"])
    print(f"| all | {_lines(total)} | {_branches(total)} |")


def _package(path: str) -> str:
    """`galaxynet.fetching` for galaxynet/fetching/..., a plugin for all of its files."""
    folders = PurePath(path).relative_to("plugins" if path.startswith("plugins") else ".").parts[:-1]
    return ".".join(folders[:2] if folders[0] == "galaxynet" else folders[:1])


def _lines(counts: Counter[str]) -> str:
    return f"{counts['covered_lines'] / max(counts['num_statements'], 1):.0%} of {counts['num_statements']:,}"


def _branches(counts: Counter[str]) -> str:
    return f"{counts['covered_branches'] / max(counts['num_branches'], 1):.0%} of {counts['num_branches']:,}"


if __name__ == "__main__":
    main()
