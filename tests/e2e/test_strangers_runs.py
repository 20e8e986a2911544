"""A run folder from someone else: it may be bad, and it harms nothing but itself."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from made_runs import add_curves, add_predictions, made_record, made_run

from galaxynet.cli.main import main
from galaxynet.paths import SWEEPS
from galaxynet.untrusted import MIB

pytestmark = pytest.mark.promise("Strangers' files")

Call = Callable[..., tuple[int, str]]

LISTS = (
    ("runs", "list"),
    ("runs", "list", "--format", "json"),
    ("runs", "list", "--format", "csv"),
    ("runs", "list", "--format", "markdown"),
)
COMPARISONS = (
    *((), ("--format", "json"), ("--format", "csv"), ("--format", "markdown"), ("--format", "latex")),
    ("--over-seeds",),
    ("--over-seeds", "--format", "json", "--sort", "lr"),
    ("--sort", "act", "--where", "lr<0.01"),
    ("--columns", "run,act,lr,accuracy,interval,started"),
    ("--by", "val/accuracy"),
)
CURVES = (
    ("compare", "--by", "val/accuracy,val/loss"),
    ("compare", "--by", "val/accuracy", "--format", "csv"),
    ("compare", "--by", "val/accuracy", "--format", "markdown"),
    ("figures", "healthy", "damaged", "--kind", "learning-curves", "--out", "{out}/curves.svg"),
)
PAIRS = (
    ("compare", "damaged", "healthy"),
    ("figures", "damaged", "--kind", "confusion", "--format", "svg"),
)
DRAWINGS = (
    ("compare", "--format", "html"),
    ("compare", "--plot", "{out}/plot.svg"),
    ("figures", "bad001", "--format", "svg"),
    ("figures", "bad001", "good01", "--out", "{out}", "--format", "svg"),
    ("reproduce", "galaxy", "--seeds", "0", "--format", "json"),
)
TRAININGS = (
    ("train", "--like", "bad001", "--epochs", "1"),
    ("train", "--resume", "bad001"),
    ("generate", "bad001"),
)
DEEP = json.loads("[" * 200 + "]" * 200)
ODD: st.SearchStrategy[Any] = st.one_of(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    st.sampled_from([2**63, 2**64, 10**30, -(2**63), 10**50, 10**300, 2**1100, DEEP]),
    st.sampled_from([1e308, -1e308, 3e38, 5e-324]),
    st.sampled_from(["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1970-01-01T00:00:00Z"]),
    st.sampled_from(["[bold]", "=1+1", "a|b", "<b>", "../../x", "\0", "\x1b]0;x\x07", "\ud800", "running"]),
    st.sampled_from(["classification", "reconstruction", "language", "galaxy-sim", "val/accuracy"]),
    st.lists(st.one_of(st.integers(), st.text(max_size=3), st.floats()), max_size=3),
    st.dictionaries(st.text(max_size=4), st.integers() | st.floats() | st.text(max_size=3), max_size=3),
)
CELLS = st.one_of(
    st.text(max_size=6),
    st.integers(-3, 12).map(str),
    st.floats().map(str),
    st.sampled_from(
        ["9" * 400, "1e400", "-1", "epoch", "val/accuracy", '"', "\0", "smooth", "100000", "1_0"]
    ),
)
FEW = settings(
    max_examples=6,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example takes long: none is made smaller
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
MORE = settings(FEW, max_examples=12)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of runs with a healthy one, in which two runs are to be damaged."""
    for name, changes in {"healthy": {"id": "good01", "seed": 2}, "damaged": {"id": "bad001"}}.items():
        run = made_run(tmp_path / "runs", name=name, splits={"train": 60, "test": 20}, **changes)
        add_curves(run, epochs=3)
        add_predictions(run)
    return tmp_path / "runs"


@pytest.fixture
def bad(folder: Path) -> Path:
    """The run folder that is damaged."""
    return next(folder.glob("*-bad001"))


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """Run a command in this process; it ends as foreseen, whatever it says."""

    def run(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main([word.format(out=tmp_path) for word in words])
        out, err = capsys.readouterr()
        code = int(ended.value.code or 0)
        assert "unforeseen" not in err, (words, err)
        assert "Traceback" not in err, (words, err)
        assert code in (0, 1, 2), (words, code, err)
        return code, out + err

    return run


def spoil(value: Any, data: st.DataObject) -> Any:
    """A value with one part of it replaced."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 5)):
        key = data.draw(st.sampled_from(sorted(value)))
        return {**value, key: spoil(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.integers(0, 5)):
        return [spoil(value[0], data), *value[1:]]
    return data.draw(ODD)


def damaged_record(data: st.DataObject) -> str:
    """The text of a run.json of which up to three parts are odd."""
    values = json.loads(made_record(id="bad001", name="damaged", status="interrupted").to_json())
    for _ in range(data.draw(st.integers(1, 3))):
        values = spoil(values, data)
    return json.dumps(values)


def damaged_table(path: Path, data: st.DataObject) -> bytes:
    """A CSV file of which up to six cells are odd, or whose end is cut off or garbage."""
    rows = [line.split(",") for line in path.read_text().splitlines()]
    for _ in range(data.draw(st.integers(0, 6))):
        row = rows[data.draw(st.integers(0, min(3, len(rows) - 1)))]
        row[data.draw(st.integers(0, len(row) - 1))] = data.draw(CELLS)
    content = "\n".join(",".join(row) for row in rows).encode(errors="replace")
    cut = data.draw(st.sampled_from([len(content), len(content) // 2, 0]))
    return content[:cut] + data.draw(st.binary(max_size=5))


@given(data=st.data())
@MORE
def test_no_record_stops_the_commands_on_other_runs(bad: Path, call: Call, data: st.DataObject) -> None:
    """Whatever a run.json says, every command still shows the healthy runs beside it."""
    (bad / "run.json").write_text(damaged_record(data))
    for words in LISTS:
        code, output = call(*words)
        assert code == 0
        assert "good01" in output, output
    for words in COMPARISONS:
        code, output = call("compare", *words)
        assert code == 0, (words, output)
    for words in (("show", "bad001"), ("show", "bad001", "--format", "json")):
        call("runs", *words)


@given(data=st.data())
@settings(FEW, max_examples=2)
@pytest.mark.slow
def test_no_record_stops_a_figure_or_a_verdict(bad: Path, call: Call, data: st.DataObject) -> None:
    """Whatever a run.json says, figures, pages and verdicts of other runs are still made."""
    (bad / "run.json").write_text(damaged_record(data))
    for words in DRAWINGS:
        call(*words)


@given(data=st.data())
@FEW
def test_no_record_stops_a_training(bad: Path, call: Call, data: st.DataObject) -> None:
    """Whatever a run.json says, to train like it, to resume it or to generate from it ends in a sentence."""
    (bad / "run.json").write_text(damaged_record(data))
    for words in TRAININGS:
        call(*words)


@given(data=st.data())
@FEW
def test_no_metrics_stop_the_curves_of_other_runs(bad: Path, call: Call, data: st.DataObject) -> None:
    """Whatever a metrics.csv holds, the curves of the healthy runs beside it are shown and drawn."""
    kept = (bad / "metrics.csv").read_bytes()
    (bad / "metrics.csv").write_bytes(damaged_table(bad / "metrics.csv", data))
    for words in CURVES:
        code, output = call(*words)
        assert code == 0, (words, output)
    (bad / "metrics.csv").write_bytes(kept)


@given(data=st.data())
@FEW
def test_no_predictions_stop_a_comparison(bad: Path, call: Call, data: st.DataObject) -> None:
    """Whatever a predictions.csv holds, the runs are compared, with a word on why there is no test."""
    kept = (bad / "predictions.csv").read_bytes()
    (bad / "predictions.csv").write_bytes(damaged_table(bad / "predictions.csv", data))
    for words in PAIRS:
        code, output = call(*words)
        assert code == 0 or words[0] == "figures", (words, output)
    (bad / "predictions.csv").write_bytes(kept)


@pytest.mark.parametrize("name", ["", "other"])
def test_a_sweep_has_the_runs_of_its_own_name(folder: Path, call: Call, name: str) -> None:
    """A sweep.json that names no sweep or another one does not claim the runs of those."""
    plugin = {"name": "x", "distribution": "", "version": ""}
    values = {"schema": 1, "name": name, "model": plugin, "dataset": plugin, "command": [], "trials": []}
    path = folder / SWEEPS / "s" / "sweep.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))
    code, text = call("compare", "--sweep", "s")
    assert code == 1
    assert "no runs yet" in text


@given(data=st.data())
@FEW
def test_no_sweep_record_is_unforeseen(folder: Path, call: Call, data: st.DataObject) -> None:
    """Whatever a sweep.json says, to compare or remove the sweep works or ends in a sentence."""
    plugin = {"name": "x", "distribution": "", "version": ""}
    trial = {"key": "0123456789ab", "values": {"lr": 0.1}, "status": "failed", "run": "", "message": "no"}
    values = {"schema": 1, "name": "s", "model": plugin, "dataset": plugin, "command": [], "trials": [trial]}
    path = folder / SWEEPS / "s" / "sweep.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(spoil(spoil(values, data), data)))
    assert call("compare", "--sweep", "s")[0] == 1
    call("compare", "s")
    call("runs", "remove", "--sweep", "s", "--yes")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def circle(path: Path) -> None:
    path.symlink_to(path.name)


def huge(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(2000 * MIB)


@pytest.mark.parametrize("make", [pipe, device, circle, huge, Path.mkdir])
def test_what_is_no_file_is_not_read(
    bad: Path, folder: Path, call: Call, make: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A named pipe, a device, a folder or a file without end in place of any record is refused at once."""
    receipt = Path(os.environ["GALAXYNET_DATA"]) / "mnist" / "receipt.json"
    sweep = folder / SWEEPS / "s" / "sweep.json"
    for path in (receipt, sweep):
        path.parent.mkdir(parents=True)
        make(path)
    for name in ("metrics.csv", "predictions.csv", "reconstructions.npz"):
        (bad / name).unlink(missing_ok=True)
        make(bad / name)
    for words in (*CURVES[:1], *PAIRS[:1], ("compare", "--format", "html"), ("datasets",), ("runs", "list")):
        code, output = call(*words)
        assert code == 0, (words, output)
    assert call("compare", "--sweep", "s")[0] == 1
    (bad / "run.json").unlink()
    make(bad / "run.json")
    for words in (*LISTS, ("compare",)):
        code, output = call(*words)
        assert code == 0, (words, output)
        assert "good01" in output or "healthy" in output
    code, output = call("runs", "show", "bad001")
    assert code == 1
    assert ("not a regular file" in " ".join(output.split())) == (make in (pipe, device))
    assert str(bad) in output.replace("\n", "")
    assert call("runs", "remove", bad.name, "--yes")[0] == 0
    assert not bad.exists()


@pytest.mark.parametrize(
    "text",
    [
        '{"started": "0001-01-01T00:00:00+23:59"}',
        '{"epochs": 1' + "0" * 5000 + "}",
        '{"data": {"x": ' + "[" * 100_000 + "]" * 100_000 + "}}",
        '{"data": {"x": ' + "[" * 600 + "]" * 600 + "}}",
        '{"name": "\\ud800"}',
        '{"parameters": 1e400}',
        '{"options": {"model": {' + ", ".join(f'"k{number}": 1' for number in range(1000)) + "}}}",
    ],
    ids=["year", "digits", "deep", "nested", "surrogate", "infinite", "options"],
)
def test_a_bad_record_is_removed_like_any_other(bad: Path, call: Call, text: str) -> None:
    """A date, a number, a nesting or options beyond all bounds damage one run, which is removed."""
    values = {**json.loads((bad / "run.json").read_text()), "PLACE": 1}
    (bad / "run.json").write_text(json.dumps(values).replace('"PLACE": 1', text[1:-1]))
    for words in (*LISTS, ("compare",)):
        code, output = call(*words)
        assert code == 0, (words, output)
        assert "damaged" in output or "--format" in words
    assert call("runs", "remove", bad.name, "--yes")[0] == 0
    assert not bad.exists()
