"""Hostile names: a terminal, a spreadsheet and a page show them and do not obey them."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from made_runs import add_curves, add_predictions, made_run

from galaxynet import csv_text, terminal
from galaxynet.cli.main import main
from galaxynet.runs import MajorityClass, Predictions, Run, write_predictions
from galaxynet.terminal import printable

pytestmark = pytest.mark.promise("Strangers' files")

CLIPBOARD = "\x1b]52;c;aGk=\x07"
HOSTILE = f"{CLIPBOARD}\x1b[2J\x9b2J\u202eevil\u2066"
OBEYED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|\x1b(?![\\[]|]8;)"
)
"""What a terminal obeys, but for the colours and links of our own."""

Call = Callable[..., tuple[str, str]]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run a command whose output goes to a terminal."""

    def run(*words: str) -> tuple[str, str]:
        out, err = Terminal(), Terminal()
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        terminal.messages.cache_clear()
        with pytest.raises(SystemExit):
            main(list(words))
        return out.getvalue(), err.getvalue()

    return run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of which every text is hostile."""
    plain = made_run(tmp_path / "runs", id="good01", name="healthy", seed=3)
    run = made_run(
        tmp_path / "runs",
        id="evil01",
        name=HOSTILE,
        message=HOSTILE,
        act=HOSTILE,
        device=HOSTILE,
        status="failed",
        command=["galaxynet", HOSTILE],
        baseline=MajorityClass(label=HOSTILE, accuracy=0.5, samples=1000),
    )
    for each in (plain, run):
        add_curves(each, epochs=2)
        add_predictions(each)
    broken = tmp_path / "runs" / f"20260101-000000-{CLIPBOARD}-abcdef"
    broken.mkdir()
    return run


@pytest.mark.parametrize(
    "words",
    [
        *(("runs", "list", "--format", format) for format in ("rich", "csv", "markdown", "json")),
        *(("compare", "--format", format) for format in ("rich", "csv", "markdown", "latex", "json")),
        ("runs", "show", "evil01"),
        ("runs", "show", "evil01", "--format", "json"),
        ("compare", "--over-seeds"),
        ("compare", "--by", "val/accuracy"),
        ("compare", "good01", "evil01"),
        ("runs", "show", HOSTILE + "x"),
        ("runs", "remove", HOSTILE),
        ("compare", "--where", f"act={HOSTILE}x"),
        ("compare", "--columns", HOSTILE),
        ("train", HOSTILE),
        ("train", "--like", "evil01", "--name", HOSTILE),
        ("generate", "evil01"),
        (HOSTILE,),
        ("compare", f"--{HOSTILE}"),
        ("compare", "--format", HOSTILE),
        ("runs", HOSTILE),
        ("generate", "evil01", "--debug"),
    ],
    ids=lambda words: "-".join(words).encode("ascii", "ignore").decode().replace("\x1b", "")[:30],
)
def test_a_terminal_obeys_no_name(run: Run, call: Call, words: tuple[str, ...]) -> None:
    """No name, label, option or path reaches a terminal with a control character, errors included."""
    out, err = call(*words)
    assert out + err
    for text in (out, err):
        assert OBEYED.search(text) is None, repr(text)
        assert "\x1b]52" not in text
        assert "\x1b[2J" not in text


def test_a_traceback_and_a_warning_are_printable(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """A traceback that --debug shows, and a warning of Python, spell control characters out."""

    def fail(*_: object) -> None:
        raise ValueError(HOSTILE)

    monkeypatch.setattr("galaxynet.cli.main._call", fail)
    _, err = call("runs", "list", "--debug")
    assert "Traceback" in err
    assert "\\x1b]52" in err
    assert OBEYED.search(err) is None
    shown = warnings.formatwarning(HOSTILE, UserWarning, "a.py", 1)
    assert "UserWarning: \\x1b]52" in shown
    assert OBEYED.search(shown) is None


def test_completion_offers_no_name_that_a_shell_obeys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tab key offers no name of a run or sweep with characters that a shell or a terminal obeys."""
    evil = ["$(touch x)", "\\$(touch x)", "a;b", "x y", "[/bold]", "*", "~root", "--debug", HOSTILE]
    for number, name in enumerate(["plain-1.5", *evil]):
        made_run(tmp_path / "runs", id=f"run{number:03d}", name=name)
        (tmp_path / "runs" / "sweeps" / name.replace("/", "|")).mkdir(parents=True)
        (tmp_path / "runs" / "sweeps" / name.replace("/", "|") / "sweep.json").touch()
    for shell, option, word in [("bash", "", "2"), ("zsh", "", "2"), ("bash", "--sweep ", "3")]:
        for variable, value in {
            "_GALAXYNET_COMPLETE": f"complete_{shell}",
            "COMP_WORDS": f"galaxynet compare {option}",
            "COMP_CWORD": word,
            "_TYPER_COMPLETE_ARGS": f"galaxynet compare {option}",
        }.items():
            monkeypatch.setenv(variable, value)
        with pytest.raises(SystemExit):
            main([])
        out = capsys.readouterr().out
        assert "plain-1.5" in out
        assert not re.search("[$;\\[*~\x1b\x9b\u202e]|--debug|x y", out.removeprefix("_arguments '*: :")), out
    for start in ("**", "/x"):
        monkeypatch.setenv("COMP_WORDS", f"galaxynet compare --sweep {start}")
        with pytest.raises(SystemExit) as ended:
            main([])
        assert not ended.value.code


def test_what_is_spelt_out_and_what_stays() -> None:
    """Tabs and line ends stay; escape, C1 codes, overrides of direction and lone surrogates are spelt out."""
    assert printable("a\tb\n\x1b[0m\x9b\u202e\ud800é–") == "a\tb\n\\x1b[0m\\x9b\\u202e\\ud800é–"
    console = terminal.make_console(file=io.StringIO(), force_terminal=True)
    console.print("[red]x[/red]\x1b]0;title")
    written = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[31m" in written
    assert "\x1b]" not in written


def test_a_spreadsheet_runs_no_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names and labels that begin like formulas are guarded in every CSV, and read back unchanged."""
    run = made_run(tmp_path / "runs", name='=HYPERLINK("x")', act="@SUM(A1)", lr=-0.5)
    for words in (("runs", "list"), ("compare",)):
        with pytest.raises(SystemExit):
            main([*words, "--format", "csv"])
        out = capsys.readouterr().out
        (row,) = csv.DictReader(io.StringIO(out))
        assert row["name"] == '\'=HYPERLINK("x")'
        assert row["name"] in ("'" + value for value in csv_text.read(out)[1])
    assert (row["act"], row["lr"]) == ("'@SUM(A1)", "-0.5")
    path = run.path / "predictions.csv"
    write_predictions(path, ["-1", "=2", "'=3"], ["=a"] * 3, ["@b"] * 3, ["=a"], [[0.5]] * 3)
    assert path.read_text().splitlines()[1:3] == ["-1,'=a,'@b,0.5", "'=2,'=a,'@b,0.5"]
    kept = Predictions.read(path)
    assert (kept.ids, kept.labels, kept.predictions) == (["-1", "=2", "'=3"], ["=a"] * 3, ["@b"] * 3)
    (run.path / "metrics.csv").write_text(csv_text.write(["epoch", "step", "=x"], [[0, 0, -0.5]]))
    assert run.metrics() == [{"epoch": 0, "step": 0, "=x": -0.5}]


def test_a_page_shows_names_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Markdown, LaTeX and HTML in a name are text in a table of these formats."""
    name = "<img src=x> **b** [l](http://x) `c` a|b \\input{x} _i_ a_b &amp;"
    for seed in (1, 2):
        made_run(tmp_path / "runs", name=name + str(seed), seed=seed)
    shown = {}
    for format in ("markdown", "latex", "json"):
        with pytest.raises(SystemExit):
            main(["compare", "--format", format])
        shown[format] = capsys.readouterr().out
    assert (
        "&lt;img src=x> \\*\\*b\\*\\* \\[l\\](http://x) \\`c\\` a\\|b \\\\input{x} \\_i\\_ a_b &amp;amp;1"
        in (shown["markdown"])
    )
    assert "\\textbackslash{}input\\{x\\} \\_i\\_" in shown["latex"]
    assert name + "1" in [row["name"] for row in json.loads(shown["json"])["tables"][0]["rows"]]
    with pytest.raises(SystemExit):
        main(["runs", "list", "--format", "markdown"])
    assert "&lt;img src=x>" in capsys.readouterr().out
