"""`--teacher`: runs whose networks teach another, read and checked before there is a new run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galaxynet import runs
from galaxynet.data.batches import Normalization
from galaxynet.data.module import DataModule
from galaxynet.data.splits import digest_test_set
from galaxynet.errors import RunError, UsageError
from galaxynet.evaluation.restore import restore
from galaxynet.images.preprocessing import Preprocessing
from galaxynet.plugin import DataInfo
from galaxynet.runs import Run, TeacherRun
from galaxynet.tasks import Task
from galaxynet.tasks.teaching import Teacher
from galaxynet.tasks.transfer import digest


@dataclass(frozen=True)
class TeacherNetwork:
    """A run whose network teaches, and that network with its weights."""

    run: Run
    task: Task

    @property
    def record(self) -> TeacherRun:
        """What the record of the student says of it."""
        run = self.run
        return TeacherRun(
            run=run.record.id, name=run.label, model=run.record.model.name, digest=digest(self.task.network)
        )


def read_teachers(references: Sequence[str], runs_dir: Path) -> list[TeacherNetwork]:
    """Read the networks that `--teacher` names.

    Args:
        references: Ids, names or folders of runs, or names of shipped weights.
        runs_dir: The folder of the runs.

    Raises:
        RunError: If there is no such run, it has not finished, or its weights are missing or damaged.
    """
    teachers = []
    for reference in references:
        run = runs.find_network(runs_dir, reference)
        if run.status != "finished":
            raise RunError(
                f"--teacher {reference}: the run {run.label} is {run.status}, not finished.",
                f"Continue it with: galaxynet train --resume {run.record.id}"
                if run.status == "interrupted"
                else "Name another run.",
            )
        # One view: the student meets each image in many, so the answers average over them anyway.
        teachers.append(TeacherNetwork(run, restore(run, views=1)))
    return teachers


def teach(network: Task, data: DataModule, teachers: Sequence[TeacherNetwork]) -> None:
    """Let a network be taught.

    Args:
        network: The network to be trained.
        data: Its data.
        teachers: Its teachers.

    Raises:
        UsageError: If they answer something else, see images otherwise, or may have seen the test part.
    """
    if teachers and not network.can_be_taught:
        raise UsageError(f"--teacher: a network for {network.task} cannot be taught.", "Leave it out.")
    taught_by = []
    for teacher in teachers:
        reason = _why_unfit(network, data, teacher)
        if reason:
            raise UsageError(
                f"--teacher {teacher.run.label}: {reason}.",
                "Name a run with the data and the images of this training.",
            )
        values, student = teacher.run.record.preprocessing, data.preprocessing
        if values and student is not None:
            own = Preprocessing.from_dict(values)
            taught_by.append(Teacher(teacher.task, _normalization(own), _normalization(student)))
        else:
            taught_by.append(Teacher(teacher.task))
    network.teachers = tuple(taught_by)


def _why_unfit(network: Task, data: DataModule, teacher: TeacherNetwork) -> str:
    """Why a network cannot teach another, in words; empty if it can."""
    record, theirs, ours = teacher.run.record, teacher.task.data_info, data.info
    if record.task != network.task or not teacher.task.can_be_taught:
        return f"its network is for {record.task}, and this one is for {network.task}"
    if record.dataset.name != data.name:
        return f"it was trained on {record.dataset.name}, and this one is on {data.name}"
    if _answered(theirs) != _answered(ours):
        return "it answers other classes or questions"
    if theirs.input_shape != ours.input_shape:
        return f"its inputs are {_shape(theirs)}, and these are {_shape(ours)}"
    if record.preprocessing and data.preprocessing is not None:
        student = data.preprocessing.to_dict()
        names = [name for name in student if name not in ("mean", "std")]
        differing = [name for name in names if record.preprocessing.get(name) != student[name]]
        if differing:
            return f"its images have another {' and '.join(differing)}"
    if record.test_set != digest_test_set(data.test_ids, data.test_labels):
        return "it was tested on other samples, so it may have been trained on the test part of this training"
    return ""


def _answered(info: DataInfo) -> tuple[Any, ...]:
    extra = info.to_dict()["extra"]
    # As text: a checkpoint may have tuples where the dataset has lists, and a record has another order.
    return tuple(info.classes), json.dumps(extra.get("vote_tree"), sort_keys=True), info.also


def _shape(info: DataInfo) -> str:
    return " x ".join(map(str, info.input_shape))


def _normalization(preprocessing: Preprocessing) -> Normalization:
    return Normalization(preprocessing.mean, preprocessing.std)
