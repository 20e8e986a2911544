from __future__ import annotations

import inspect
import os
import pwd
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning
import pytest
import torch.distributed
from launch_variables import HARMLESS, SLURM, TORCHRUN, names_in
from lightning.pytorch import Trainer
from lightning.pytorch.utilities import rank_zero_only as lightning_process

import galaxynet
from galaxynet import launch, paths
from galaxynet.cli.main import main
from galaxynet.errors import UsageError
from galaxynet.runs import Run

pytestmark = pytest.mark.xdist_group("launch")  # Lightning's source is read once for all of them


@pytest.fixture(scope="module")
def read() -> set[str]:
    """Every variable by which this Lightning and this PyTorch learn how they were launched."""
    package = Path(inspect.getfile(lightning)).parent
    variables = set()
    for path in package.rglob("*.py"):
        if {"testing", "loggers", "progress"} & set(path.parts):  # of loggers and bars that are not used here
            continue
        source = path.read_text(encoding="utf-8")
        if "environ" in source or "getenv" in source:
            environments = path.parent.name == "environments" or path.name == "rank_zero.py"
            variables |= names_in(source, everything=environments)
    distributed = Path(inspect.getfile(torch.distributed)).parent
    variables |= names_in((distributed / "rendezvous.py").read_text(), everything=True)
    variables |= {f"PL_TRAINER_{name.upper()}" for name in inspect.signature(Trainer).parameters}
    return variables - {"SLURM", "LSF", "JSON"} - set(HARMLESS)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that sets variables for this test, on top of none of a launcher."""

    def put(values: dict[str, str]) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return put


def train(**options: Any) -> Run:
    return galaxynet.train("toynet", **{"epochs": 2, "lr": 0.01, **options})


def test_what_lightning_reads_is_found(read: set[str]) -> None:
    """The test of the environment finds the variables that Lightning and PyTorch read by itself."""
    assert {"RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK", "SLURM_NTASKS"} <= read
    assert {"MASTER_PORT", "GROUP_RANK", "LSB_DJOB_RANKFILE", "STANDALONE_PORT"} <= read
    assert {"PL_TRAINER_MAX_STEPS", "PL_GLOBAL_SEED", "TORCHELASTIC_USE_AGENT_STORE"} <= read


@pytest.mark.promise("Environment")
def test_nothing_left_over_reaches_lightning(read: set[str], environment: Any) -> None:
    """No variable by which Lightning or PyTorch learn of a launcher reaches them, and all are put back."""
    environment(dict.fromkeys(read, "3"))
    before = dict(os.environ)
    with launch.isolated_environment():
        assert read & set(os.environ) == set()
        os.environ["LOCAL_RANK"] = os.environ["PL_GLOBAL_SEED"] = "0"  # as Lightning does
    assert dict(os.environ) == before


@pytest.mark.promise("Environment")
@pytest.mark.usefixtures("toys")
def test_left_over_variables_change_nothing(
    read: set[str], environment: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """With every variable that Lightning reads set, a run is the same as without; one note names settings."""
    plain = train()
    capsys.readouterr()
    environment(dict.fromkeys(read, "1"))
    before = dict(os.environ)
    run = train()
    assert run.record.status == "finished"
    assert run.record.metrics == plain.record.metrics
    assert (run.record.world_size, run.record.steps, run.record.epochs) == (1, 12, 2)
    assert dict(os.environ) == before
    notes = [line for line in capsys.readouterr().err.splitlines() if "PL_TRAINER_MAX_STEPS" in line]
    assert len(notes) == 1
    assert notes[0].startswith("ignored: PL_TRAINER_")


@pytest.mark.promise("Environment")
@pytest.mark.parametrize(
    ("variables", "name"),
    [
        (TORCHRUN, "torchrun"),
        ({**SLURM, "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2"}, "srun"),
        ({**SLURM, "SLURM_NTASKS": "2", "SLURM_STEP_NUM_TASKS": "2"}, "srun"),
        (
            {"JSM_NAMESPACE_SIZE": "2", "JSM_NAMESPACE_RANK": "1", "JSM_NAMESPACE_LOCAL_RANK": "1"},
            "jsrun",
        ),
        ({"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "3"}, "mpirun"),
        ({"PMI_SIZE": "4", "PMI_RANK": "0"}, "mpirun"),
    ],
)
@pytest.mark.usefixtures("toys")
def test_a_foreign_launcher_is_refused(environment: Any, variables: dict[str, str], name: str) -> None:
    """One of several processes that torchrun, srun, jsrun or mpirun has started is refused by that name."""
    environment(variables)
    with pytest.raises(UsageError, match=rf"one of \d processes of {name}.*galaxynet train"):
        train()
    with pytest.raises(UsageError, match=f"processes of {name}"):
        galaxynet.sweep("toynet", lr=[0.1, 0.2])
    assert galaxynet.list_runs() == []


@pytest.mark.promise("Environment")
@pytest.mark.parametrize(
    "variables",
    [
        {"SLURM_NTASKS": "4"},
        {**SLURM, "SLURM_NTASKS": "4"},
        {**SLURM, "SLURM_NTASKS": "4", "SLURM_NTASKS_PER_NODE": "4", "SLURM_STEP_NUM_TASKS": "1"},
        {"WORLD_SIZE": "2"},
        {**TORCHRUN, "WORLD_SIZE": "1"},
        {**TORCHRUN, "WORLD_SIZE": "many"},
        {"RANK": "x", "LOCAL_RANK": "1", "MASTER_PORT": "99999999999"},
    ],
    ids=lambda variables: ",".join(variables)[:40],
)
def test_what_is_left_of_a_launcher_is_ignored(environment: Any, variables: dict[str, str]) -> None:
    """Variables left over from a launcher are no reason not to train."""
    environment(variables)
    with launch.isolated_environment():
        launch.check_launcher()
        assert not set(variables) & set(os.environ)


@pytest.mark.promise("Environment")
def test_the_rank_in_a_notebook_is_set_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Lightning was imported with a left-over rank, training is not mistaken for a further process."""
    monkeypatch.setattr(lightning_process, "rank", 3)
    with launch.isolated_environment():
        assert vars(lightning_process)["rank"] == 0
    assert vars(lightning_process)["rank"] == 3


@pytest.mark.promise("Environment")
def test_the_backend_of_a_notebook_holds_for_the_notebook(
    environment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jupyter's backend of Matplotlib, installed or not, stops no command, and holds again afterwards."""
    backend = "module://matplotlib_inline.backend_inline"
    environment({"MPLBACKEND": backend})
    monkeypatch.delitem(sys.modules, "matplotlib", raising=False)
    matplotlib = SimpleNamespace(rcParams={})
    with launch.isolated_environment():
        assert os.environ["MPLBACKEND"] == "agg"
        monkeypatch.setitem(sys.modules, "matplotlib", matplotlib)
    assert (os.environ["MPLBACKEND"], matplotlib.rcParams["backend"]) == (backend, backend)


def test_the_last_block_puts_the_environment_back(environment: Any) -> None:
    """Of two trainings in threads, the one that ends first does not uncover the environment to the other."""
    environment({"RANK": "1"})
    first, second = launch.isolated_environment(), launch.isolated_environment()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert "RANK" not in os.environ
    second.__exit__(None, None, None)
    assert os.environ["RANK"] == "1"


@pytest.mark.promise("Environment")
@pytest.mark.parametrize("columns", ["0", "-5", "wide", "²"])
def test_an_unfit_width_is_no_width(
    environment: Any, capsys: pytest.CaptureFixture[str], columns: str
) -> None:
    """COLUMNS=0 and the like do not swallow tables: the default width holds."""
    with suppress(SystemExit):
        main(["datasets"])
    expected = capsys.readouterr().out
    environment({"COLUMNS": columns, "LINES": columns})
    with suppress(SystemExit):
        main(["datasets"])
    assert capsys.readouterr().out == expected != ""


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """No HOME, and a user that the system does not know, as in many containers."""

    def unknown(_: Any) -> Any:
        raise KeyError("no such user")

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(pwd, "getpwnam", unknown)


@pytest.mark.promise("Environment")
@pytest.mark.usefixtures("toys", "homeless")
def test_home_is_asked_for_only_where_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a home folder everything works whose folders are named; what needs one says which to name."""
    monkeypatch.delenv("GALAXYNET_DATA")
    assert train(data_dir=tmp_path).record.status == "finished"
    with pytest.raises(UsageError, match=r"home folder.*--data-dir"):
        train()
    for path in (Path("~/x"), Path("~no-such-user/x")):
        with pytest.raises(UsageError, match="home folder"):
            paths.expanded(path)


@pytest.fixture
def busy_port() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


@pytest.mark.slow
@pytest.mark.promise("Environment")
@pytest.mark.usefixtures("toys")
def test_two_processes_in_a_hostile_shell(read: set[str], busy_port: int, tmp_path: Path) -> None:
    """Two processes train as asked in a shell of SLURM or Jupyter, with no home and a port that is taken."""
    hostile = {
        **dict.fromkeys(read, "1"),
        **SLURM,
        **{"MASTER_PORT": str(busy_port), "RANK": "3", "LOCAL_RANK": "1", "SLURM_PROCID": "1"},
        **{"MPLBACKEND": "module://matplotlib_inline.backend_inline_missing", "COLUMNS": "0"},
    }
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("galaxynet")),
            *("train", "toynet", "--epochs", "1", "--devices", "2", "--accelerator", "cpu"),
            *("--data-dir", str(tmp_path)),
        ],
        env={**{name: value for name, value in os.environ.items() if name != "HOME"}, **hostile},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    (run,) = galaxynet.list_runs()
    assert isinstance(run, Run)
    assert (run.record.status, run.record.world_size) == ("finished", 2)
    assert run.record.steps in (81 // 16, -(-81 // 16))
    assert done.stderr.count("ignored: PL_TRAINER_") == 1


@pytest.mark.slow
@pytest.mark.promise("Environment")
@pytest.mark.usefixtures("toys")
def test_a_sweep_in_a_hostile_shell(read: set[str]) -> None:
    """With a rank left over that is not even a number, the trials of a sweep train as asked."""
    hostile = {**dict.fromkeys(read, "1"), "RANK": "x", "LOCAL_RANK": "1", "GALAXYNET_RUN_FOLDER": "/nowhere"}
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("galaxynet")),
            *("sweep", "toynet", "--lr", "0.1,0.2", "--epochs", "1", "--yes"),
        ],
        env={**os.environ, **hostile},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    runs = galaxynet.list_runs()
    assert [(run.record.status, run.record.steps) for run in runs if isinstance(run, Run)] == [
        ("finished", 6)
    ] * 2
    assert all((run.path / "figures" / "confusion.png").is_file() for run in runs)
    assert done.stderr.count("ignored: PL_TRAINER_") == 1
