"""The record of a sweep: `runs/sweeps/<name>/sweep.json`, its lock, and the runs that belong to it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout
from pydantic import Field, ValidationError

from galaxynet import atomic, untrusted
from galaxynet.errors import RunError, UsageError, first_fault
from galaxynet.runs import PluginId, Run, scan
from galaxynet.runs.run_record import Moment, Part, Plain, new_id
from galaxynet.sweeps.trials import Trial, run_key

FOLDER = "sweeps"
RECORD = "sweep.json"
LOGS = "logs"
SCHEMA = 1
_LARGEST = 64 * untrusted.MIB

TrialStatus = Literal["waiting", "running", "finished", "diverged", "failed", "interrupted"]
DONE: frozenset[TrialStatus] = frozenset({"finished", "diverged", "failed"})


class TrialRecord(Part):
    """A trial as the sweep's record has it.

    Attributes:
        key: Its key.
        values: The values of the varied options.
        status: How far it is. `diverged` is a result: the loss became undefined.
        run: The id of its run, or empty if it did not come to one.
        message: Why it failed, or empty.
    """

    key: str = Field(pattern=r"^[\w-]+$")  # names the file of its log
    values: dict[str, Plain] = Field(default_factory=dict)
    status: TrialStatus = "waiting"
    run: str = Field(default="", pattern=r"^([a-z0-9]{6})?$")
    message: str = ""


class SweepRecord(Part):
    """A sweep: what it tries, and how far each trial is.

    Attributes:
        layout: Version of the record's layout; `schema` in the file.
        name: Its name.
        model: The network's plugin.
        dataset: The dataset's plugin.
        command: The call that made it last, as a list of arguments.
        started: When it was begun.
        changed: When this file was written.
        trials: Its trials, in the order of the plan.
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
            RunError: If there is none of that name, or its record cannot be read.
        """
        path = folder_of(runs_dir, name)
        try:
            text = untrusted.read_text(path / RECORD, _LARGEST)
        except (FileNotFoundError, NotADirectoryError):
            known = names(runs_dir)
            hint = f"There are: {', '.join(known)}." if known else "Make one with: galaxynet sweep MODEL ..."
            raise RunError(f"There is no sweep {name!r} in {runs_dir}.", hint) from None
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise RunError(f"{path / RECORD} cannot be read: {reason}.") from None
        try:
            values = untrusted.parse_json(text)
            if isinstance(values, dict) and int(values.get("schema", SCHEMA)) > SCHEMA:
                raise RunError(
                    f"{path / RECORD} has layout {values['schema']}; this galaxynet reads up to {SCHEMA}.",
                    "Upgrade with: pip install --upgrade galaxynet",
                )
            return cls(path, SweepRecord.model_validate(values))
        except (ValueError, TypeError, OverflowError) as error:
            reason = str(error).splitlines()[0]
            if isinstance(error, ValidationError):
                reason = ": ".join(filter(None, first_fault(error)))
            raise RunError(
                f"{path / RECORD} cannot be read: {reason}.",
                "Move it away; its runs stay, and the same sweep finds them again.",
            ) from None

    @classmethod
    def existing(cls, runs_dir: Path, name: str, trials: Sequence[Trial]) -> Sweep | None:
        """The sweep of that name, to which these trials are to be added; None if there is none yet.

        Raises:
            UsageError: If it is of another network or dataset.
            RunError: If it cannot be read.
        """
        if not (folder_of(runs_dir, name) / RECORD).exists():
            return None
        sweep, plan = cls.open(runs_dir, name), trials[0].plan
        before = sweep.record
        if (before.model.name, before.dataset.name) != (plan.model.name, plan.dataset.name):
            raise UsageError(
                f"The sweep {name} is of {before.model.name} on {before.dataset.name}.",
                "Choose another --name.",
            )
        return sweep

    @classmethod
    def begin(cls, runs_dir: Path, name: str, trials: Sequence[Trial], command: Sequence[str]) -> Sweep:
        """Make a sweep, or open the one of that name and add the trials that it lacks.

        Raises:
            UsageError: If the sweep of that name is of another network or dataset.
            RunError: If it cannot be read or written.
        """
        plan = trials[0].plan
        sweep = cls.existing(runs_dir, name, trials)
        if sweep is not None:
            sweep.record.command = list(command)
        else:
            model, dataset = (
                PluginId(name=one.name, distribution=one.distribution, version=one.version)
                for one in (plan.model, plan.dataset)
            )
            record = SweepRecord(name=name, model=model, dataset=dataset, command=list(command))
            sweep = cls(folder_of(runs_dir, name), record)
        known = {trial.key for trial in sweep.record.trials}
        sweep.record.trials += [
            TrialRecord(key=trial.key, values=plain(trial.values))
            for trial in trials
            if trial.key not in known
        ]
        try:
            (sweep.path / LOGS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"The sweep cannot be kept in {sweep.path}: {error.strerror}.",
                "Name another folder: --runs-dir",
            ) from None
        sweep.save()
        return sweep

    def save(self) -> None:
        """Write the record, in one step.

        Raises:
            RunError: If it cannot be written.
        """
        self.record.changed = datetime.now(UTC)
        text = json.dumps(self.record.model_dump(mode="json"), indent=2, ensure_ascii=False, allow_nan=False)
        try:
            self.path.mkdir(parents=True, exist_ok=True)  # somebody may have tidied up meanwhile
            atomic.write_text(self.path / RECORD, text + "\n")
        except OSError as error:
            raise RunError(
                f"{self.path / RECORD} cannot be written: {error.strerror}.",
                "Mend that; then the same command goes on with the sweep.",
            ) from None

    def trial(self, key: str) -> TrialRecord:
        """The record of a trial."""
        return next(trial for trial in self.record.trials if trial.key == key)

    def log(self, key: str) -> Path:
        """The file of what a trial printed."""
        return log_path(self.path, key)

    def runs(self) -> dict[str, Run]:
        """The runs of its trials by their keys: of several, the one that was started last."""
        # By its folder: a record may name another sweep, or none, whose runs it would claim.
        return runs_of(self.path.parent.parent, self.path.name)

    @contextmanager
    def only_this_process(self) -> Iterator[None]:
        """Keep other processes from conducting the same sweep meanwhile.

        Raises:
            RunError: If one does.
        """
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise RunError(
                f"The sweep {self.record.name} is being run by another process.",
                "Wait for it, or choose another --name.",
            ) from None
        try:
            yield
        finally:
            lock.release()


def folder_of(runs_dir: Path, name: str) -> Path:
    """The folder of a sweep."""
    return runs_dir / FOLDER / name


def log_path(sweep: Path, key: str) -> Path:
    """The file of what a trial prints, in the folder of its sweep.

    Raises:
        RunError: If a link leads out of that folder.
    """
    return untrusted.inside(sweep, LOGS, f"{key}.log")


def names(runs_dir: Path) -> list[str]:
    """The sweeps in a folder of runs."""
    return sorted(path.parent.name for path in (runs_dir / FOLDER).glob(f"*/{RECORD}"))


def remove_record(runs_dir: Path, name: str) -> None:
    """Delete the folder of a sweep: its record and its logs, not its runs.

    Raises:
        RunError: If it cannot be deleted, or the sweep is being run.
    """
    sweep = Sweep.open(runs_dir, name)
    with sweep.only_this_process():
        leaving = sweep.path.with_name(f".removed-{new_id()}")
        try:
            sweep.path.rename(leaving)
        except OSError as error:
            raise RunError(f"{sweep.path} cannot be removed: {error.strerror}.") from None
    shutil.rmtree(leaving, ignore_errors=True)


def runs_of(runs_dir: Path, name: str) -> dict[str, Run]:
    """The runs of a sweep by the key of their trial: of several, the one that was started last."""
    found = [run for run in scan(runs_dir) if isinstance(run, Run) and run.record.sweep == name]
    return {run_key(run.record): run for run in sorted(found, key=lambda run: run.record.started)}


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of options as JSON types."""
    return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
