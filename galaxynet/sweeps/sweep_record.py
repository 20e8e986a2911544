"""A sweep on disk: its record `runs/sweeps/<name>/sweep.json`, its lock and its runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from galaxynet import atomic, locks, untrusted
from galaxynet.errors import RunError, UsageError, first_fault
from galaxynet.paths import SWEEP_RECORD, SWEEPS, sweep_names
from galaxynet.runs import PluginId, Run, scan
from galaxynet.runs.record_parts import Moment, Part, Plain
from galaxynet.sweeps.trials import Trial, run_key

LOGS = "logs"
SCHEMA = 1
_MAX_BYTES = 64 * untrusted.MIB

TrialStatus = Literal["waiting", "running", "finished", "diverged", "failed", "interrupted"]
DONE: frozenset[TrialStatus] = frozenset({"finished", "diverged", "failed"})


class TrialRecord(Part):
    """A trial in the record of its sweep.

    Attributes:
        key: Its key.
        values: The values of the varied options.
        status: Its status. `diverged` is a result: the loss became undefined.
        run: The id of its run, or empty.
        message: Why it failed, or empty.
    """

    key: str = Field(pattern=r"^[\w-]+$")  # names the file of its log
    values: dict[str, Plain] = Field(default_factory=dict)
    status: TrialStatus = "waiting"
    run: str = Field(default="", pattern=r"^([a-z0-9]{6})?$")
    message: str = ""


class SweepRecord(Part):
    """The trials of a sweep and their status.

    Attributes:
        layout: Version of the record's layout; `schema` in the file.
        name: Name of the sweep.
        model: The network's plugin.
        dataset: The dataset's plugin.
        command: The latest call, as a list of arguments.
        started: When the sweep was started.
        changed: When this file was written.
        trials: The trials, ordered as planned.
    """

    layout: int = Field(default=SCHEMA, alias="schema")
    name: str
    model: PluginId
    dataset: PluginId
    command: list[str] = Field(default_factory=list)
    started: Moment = Field(default_factory=lambda: datetime.now(UTC))
    changed: Moment = Field(default_factory=lambda: datetime.now(UTC))
    trials: list[TrialRecord] = Field(default_factory=list)


class Sweep:
    """A sweep on disk.

    Args:
        path: Its folder.
        record: Its record.
    """

    def __init__(self, path: Path, record: SweepRecord) -> None:
        self.path = path
        self.record = record

    @classmethod
    def open(cls, runs_dir: Path, name: str) -> Sweep:
        """Read a sweep.

        Raises:
            RunError: If there is no such sweep, or its record is invalid.
        """
        path = sweep_folder(runs_dir, name)
        file = path / SWEEP_RECORD
        try:
            text = untrusted.read_text(file, _MAX_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            names = sweep_names(runs_dir)
            hint = f"There are: {', '.join(names)}." if names else "Start one with: galaxynet sweep MODEL ..."
            raise RunError(f"There is no sweep {name!r} in {runs_dir}.", hint) from None
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise RunError(f"{file} cannot be read: {reason}.") from None
        try:
            values = untrusted.parse_json(text)
            if isinstance(values, dict) and int(values.get("schema", SCHEMA)) > SCHEMA:
                raise RunError(
                    f"{file} has layout {values['schema']}; this galaxynet reads up to {SCHEMA}.",
                    "Upgrade with: pip install --upgrade galaxynet",
                )
            return cls(path, SweepRecord.model_validate(values))
        except (ValueError, TypeError, OverflowError) as error:
            reason = str(error).splitlines()[0]
            if isinstance(error, ValidationError):
                reason = ": ".join(filter(None, first_fault(error)))
            raise RunError(
                f"{file} cannot be read: {reason}.",
                "Move it away and repeat the sweep; it finds its runs again.",
            ) from None

    @classmethod
    def open_existing(cls, runs_dir: Path, name: str, trials: Sequence[Trial]) -> Sweep | None:
        """The sweep of that name, to which `trials` may be added; None if it does not exist yet.

        Raises:
            UsageError: If it is of another network or dataset.
            RunError: If it cannot be read.
        """
        if not (sweep_folder(runs_dir, name) / SWEEP_RECORD).exists():
            return None
        sweep, plan = cls.open(runs_dir, name), trials[0].plan
        model, dataset = sweep.record.model.name, sweep.record.dataset.name
        if (model, dataset) != (plan.model.name, plan.dataset.name):
            raise UsageError(f"The sweep {name} is of {model} on {dataset}.", "Choose another --name.")
        return sweep

    @classmethod
    def create_or_extend(
        cls, runs_dir: Path, name: str, trials: Sequence[Trial], command: Sequence[str]
    ) -> Sweep:
        """Create a sweep, or add the missing trials to the one of that name.

        Raises:
            UsageError: If the sweep of that name is of another network or dataset.
            RunError: If it cannot be read or written.
        """
        sweep = cls.open_existing(runs_dir, name, trials)
        if sweep is None:
            model, dataset = (
                PluginId(name=plugin.name, distribution=plugin.distribution, version=plugin.version)
                for plugin in (trials[0].plan.model, trials[0].plan.dataset)
            )
            sweep = cls(sweep_folder(runs_dir, name), SweepRecord(name=name, model=model, dataset=dataset))
        sweep.record.command = list(command)
        known = {trial.key for trial in sweep.record.trials}
        sweep.record.trials += [
            TrialRecord(key=trial.key, values=_to_json_types(trial.values))
            for trial in trials
            if trial.key not in known
        ]
        try:
            (sweep.path / LOGS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"The sweep cannot be saved in {sweep.path}: {error.strerror}.",
                "Choose another folder: --runs-dir",
            ) from None
        sweep.save()
        return sweep

    def save(self) -> None:
        """Write the record atomically.

        Raises:
            RunError: If it cannot be written.
        """
        self.record.changed = datetime.now(UTC)
        text = json.dumps(self.record.model_dump(mode="json"), indent=2, ensure_ascii=False, allow_nan=False)
        try:
            self.path.mkdir(parents=True, exist_ok=True)  # it may have been deleted meanwhile
            atomic.write_text(self.path / SWEEP_RECORD, text + "\n")
        except OSError as error:
            raise RunError(
                f"{self.path / SWEEP_RECORD} cannot be written: {error.strerror}.",
                "Fix that and repeat the command; it continues the sweep.",
            ) from None

    def trial(self, key: str) -> TrialRecord:
        """The record of a trial."""
        return next(trial for trial in self.record.trials if trial.key == key)

    def runs(self) -> dict[str, Run]:
        """The latest run of each trial, by the trial's key."""
        # By the folder's name: the record could name another sweep and claim its runs.
        return sweep_runs(self.path.parent.parent, self.path.name)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from running the same sweep.

        Raises:
            RunError: If one does.
        """
        busy = RunError(
            f"The sweep {self.record.name} is being run by another process.",
            "Wait for it, or choose another --name.",
        )
        with locks.hold(self.path / ".lock", busy=busy):
            yield


def sweep_folder(runs_dir: Path, name: str) -> Path:
    """The folder of a sweep."""
    return runs_dir / SWEEPS / name


def log_path(sweep: Path, key: str) -> Path:
    """The file of what a trial prints, in the folder of its sweep.

    Raises:
        RunError: If a link leads out of that folder.
    """
    return untrusted.inside(sweep, LOGS, f"{key}.log")


def sweep_runs(runs_dir: Path, name: str) -> dict[str, Run]:
    """The latest run of each trial of a sweep, by the trial's key."""
    runs = [run for run in scan(runs_dir) if isinstance(run, Run) and run.record.sweep == name]
    return {run_key(run.record): run for run in sorted(runs, key=lambda run: run.record.started)}


def check_unlocked(runs_dir: Path, name: str) -> None:
    """Raise RunError if another process runs the sweep, before time is spent on an estimate."""
    if (sweep_folder(runs_dir, name) / SWEEP_RECORD).is_file():
        with Sweep.open(runs_dir, name).lock():
            pass


def remove_record(runs_dir: Path, name: str) -> None:
    """Delete the folder of a sweep, with its record and logs, but not its runs.

    Raises:
        RunError: If it cannot be deleted, or the sweep is being run.
    """
    sweep = Sweep.open(runs_dir, name)
    with sweep.lock():
        try:
            atomic.remove_folder(sweep.path)
        except OSError as error:
            raise RunError(f"{sweep.path} cannot be removed: {error.strerror}.") from None


def _to_json_types(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
