"""How long `galaxynet` takes to say what it can do, beside a bare Typer program that says the same.

The bare program has as many commands as galaxynet, none with an option, and imports nothing else: what
its `--help` takes, no Typer program undercuts by much. Plugins are listed, their options become flags,
and none of that may cost much more.

    python -m benchmarks.bench_help [--rounds 15] [--json]
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Report, alternate, command, parser, ratio
from galaxynet.cli.main import COMMANDS

CASES = {
    "galaxynet --help": (["--help"], {}, 1.5),
    "galaxynet plugins": (["plugins"], {}, 1.5),
    "galaxynet train galaxy_alexnet --help": (["train", "galaxy_alexnet", "--help"], {}, 3.0),
    "completion of galaxynet tr": (
        [],
        {"_GALAXYNET_COMPLETE": "complete_bash", "COMP_WORDS": "galaxynet tr", "COMP_CWORD": "1"},
        1.5,
    ),
    "completion of galaxynet train galaxy_alexnet --ex": (
        [],
        {
            "_GALAXYNET_COMPLETE": "complete_bash",
            "COMP_WORDS": "galaxynet train galaxy_alexnet --ex",
            "COMP_CWORD": "3",
        },
        3.0,
    ),
}
BARE = "--help of a bare Typer program"


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--rounds", type=int, default=15)
    given = arguments.parse_args()
    # What a console script does, without asking where it was installed.
    start = [sys.executable, "-c", "import sys; sys.argv[0] = 'galaxynet'; from {0} import main; main()"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bare_program.py").write_text(_bare_program(list(COMMANDS)))
        env = {**os.environ, "PYTHONPATH": folder}
        calls = {BARE: command([*start[:2], start[2].format("bare_program"), "--help"], env)}
        for name, (words, extra, _) in CASES.items():
            call = [*start[:2], start[2].format("galaxynet.cli.main"), *words]
            calls[name] = command(call, {**env, **extra})
        seconds = alternate(calls, given.rounds)
    report = Report(
        "Help",
        f"Wall time over that of {BARE} with {len(COMMANDS)} commands; median of {given.rounds} rounds.",
    )
    for name, (_, _, goal) in CASES.items():
        report.add(f"`{name}`", ratio(seconds[name], seconds[BARE]), goal=goal, bound="at most")
    for name, times in seconds.items():
        report.add(f"{name}, best", min(times), "s")
    report.emit(given.json)


def _bare_program(names: list[str]) -> str:
    lines = ["import typer", "main = typer.Typer(help='A bare program.')"]
    for name in names:
        lines += [f"@main.command('{name}')", f"def {name}() -> None:", f"    '''What {name} does.'''"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
