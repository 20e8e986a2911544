"""Help, listings and completion: quick, because nothing heavy is imported for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

HEAVY = {"torch", "lightning", "numpy", "cv2", "matplotlib", "kaggle", "requests", "torchmetrics"}
COMMAND = str(Path(sys.executable).with_name("galaxynet"))
IMPORTED = """
import json, sys
from galaxynet.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print("MODULES", json.dumps(sorted({name.split(".")[0] for name in sys.modules})), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["plugins"],
        ["train", "--help"],
        ["train", "galaxy_alexnet", "--help"],
        ["train", "galaxy_alexnet", "--dataset", "galaxy-sim", "--help"],
        ["sweep", "--help"],
        ["sweep", "galaxy_alexnet", "--help"],
        ["fetch", "--help"],
        ["fetch", "galaxy-sim", "--help"],
        ["compare", "--help"],
        ["runs", "--help"],
        ["runs", "list", "--help"],
        ["datasets", "--help"],
        ["figures", "--help"],
        ["reproduce", "--help"],
        ["reproduce", "--list"],
    ],
    ids=" ".join,
)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    """Help and listings import neither torch nor lightning, nor anything else that is slow."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *words], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip(), done.stderr
    modules = json.loads(done.stderr.rpartition("MODULES")[2])
    assert not HEAVY & set(modules)


def complete(line: str) -> list[str]:
    environment = {
        **os.environ,
        "_GALAXYNET_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
    }
    done = subprocess.run([COMMAND], capture_output=True, text=True, env=environment, timeout=60)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("galaxynet tr", "train"),
        ("galaxynet train galaxy_", "galaxy_alexnet"),
        ("galaxynet train galaxy_alexnet --ex", "--extra-convs"),
        ("galaxynet train galaxy_alexnet --act ta", "tanh"),
        ("galaxynet train galaxy_alexnet --dataset galaxy-s", "galaxy-sim"),
        ("galaxynet train galaxy_classifier --weights galaxy_", "galaxy_votes"),
        ("galaxynet train galaxy_classifier --teacher la", "last"),
        ("galaxynet sweep galaxy_classifier --weights last,galaxy_", "last,galaxy_votes"),
        ("galaxynet fetch galaxy-s", "galaxy-sim"),
        ("galaxynet fetch galaxy-sim --co", "--count"),
        ("galaxynet reproduce galaxy/acc", "galaxy/accuracy"),
    ],
)
def test_tab_completion(line: str, offered: str) -> None:
    """The tab key completes commands, networks, datasets, flags and their values, runs among them."""
    assert offered in complete(line)


def test_completion_survives_a_broken_plugin(distribution: Any) -> None:
    """A broken plugin does not spoil completion for the others, and has none itself."""
    distribution("bad", {"bad_net": "1 / 0"}, {"galaxynet.models": {"bad": "bad_net:SPEC"}})
    assert "galaxy_alexnet" in complete("galaxynet train galaxy")
    assert complete("galaxynet train bad --") == ["--help"]


def test_plugins_lists_a_broken_one_beside_the_others(distribution: Any) -> None:
    """`plugins` shows a broken plugin with its fault; --check makes it an error for a script."""
    distribution("bad", {"bad_net": "1 / 0"}, {"galaxynet.models": {"bad": "bad_net:SPEC"}})
    rows = json.loads(subprocess.run([COMMAND, "plugins", "--format", "json"], capture_output=True).stdout)
    problems = {row["name"]: row["problem"] for row in rows}
    assert "ZeroDivisionError" in problems["bad"]
    assert problems["galaxy_alexnet"] == problems["galaxy-sim"] == ""
    checked = subprocess.run([COMMAND, "plugins", "--check"], capture_output=True)
    assert checked.returncode == 1


def test_a_strangers_network_is_a_command(distribution: Any) -> None:
    """An installed package's network appears in `train`, with its options as documented flags."""
    distribution(
        "strange",
        {
            "strange": """
            from typing import Literal
            from galaxynet.plugin import ModelSpec, Options, option
            class StrangeOptions(Options):
                petals: int = option(7, "petals of the flower", ge=1, le=9)
                mood: Literal["good", "bad"] = option("good", "mood")
            SPEC = ModelSpec(name="strange", summary="a strange net", options=StrangeOptions,
                             module="strange_net:Net", dataset="galaxy-sim")
            """
        },
        {"galaxynet.models": {"strange": "strange:SPEC"}},
    )
    output = subprocess.run([COMMAND, "train", "strange", "--help"], capture_output=True, text=True).stdout
    assert "--petals" in output
    assert "(1 to 9)" in output
    assert "good|bad" in output
    assert "Network strange" in output


def test_without_plugins_the_command_still_works() -> None:
    """With no plugin at all the command starts, lists nothing and says how to get some."""
    environment = {**os.environ, "GALAXYNET_PLUGINS": ""}
    for words in (["plugins"], ["train"], ["datasets"]):
        done = subprocess.run([COMMAND, *words], capture_output=True, text=True, env=environment)
        assert "GALAXYNET_PLUGINS hides every" in " ".join((done.stdout + done.stderr).split())


@pytest.mark.promise("Environment")
def test_help_does_not_depend_on_docstrings() -> None:
    """With PYTHONOPTIMIZE=2, which drops docstrings, or an unfit TERMINAL_WIDTH, help is the same."""
    script = textwrap.dedent("""
        import contextlib, io, json, sys
        from galaxynet.cli.main import COMMANDS, main
        texts = {}
        words = [[], *([name] for name in COMMANDS), ["runs", "list"], ["runs", "show"], ["runs", "remove"],
                 ["datasets", "remove"], ["train", "mnist_cnn"], ["fetch", "mnist"], ["sweep", "mnist_cnn"]]
        for line in words:
            with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
                main([*line, "--help"])
            texts[" ".join(line)] = out.getvalue()
        json.dump(texts, sys.stdout)
    """)
    plain, optimized = (
        json.loads(subprocess.check_output([sys.executable, "-c", script], env={**os.environ, **more}))
        for more in ({}, {"PYTHONOPTIMIZE": "2", "TERMINAL_WIDTH": "wide"})
    )
    assert len(plain["runs list"]) > 100
    assert optimized == plain
