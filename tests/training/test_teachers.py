"""`--teacher`: a network also learns what trained networks answer to its training images."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from interrupting import interrupted_at
from torch import nn

import galaxynet
from galaxynet.data.batches import Normalization
from galaxynet.data.splits import digest_test_set
from galaxynet.errors import GalaxynetError, RunError, UsageError
from galaxynet.plugin import DataInfo, OptimizerOptions
from galaxynet.runs import Run
from galaxynet.tasks import Classifier, VoteFractions
from galaxynet.tasks.teaching import Teacher, mean_answers
from galaxynet.training.teachers import TeacherNetwork, teach
from galaxynet_galaxy_zoo.tree import TREE

pytestmark = pytest.mark.xdist_group("teachers")  # one run teaches all of them

SPECS = """
import dataclasses
from galaxynet.plugin import DatasetSpec, Options, option
import toys

class SpotOptions(Options):
    samples: int = option(120, "samples", ge=4)
    side: int = option(8, "side of an image", ge=4)
    kinds: int = option(3, "classes", ge=2)

SPOTS = DatasetSpec(name="spots", summary="bright spots", options=SpotOptions, module="spot_data:Spots")
NET = dataclasses.replace(toys.NET, name="spotnet", dataset="spots")
OWN = dataclasses.replace(toys.NET, name="own", dataset="spots", module="spot_data:Own")
"""

DATA = """
import numpy as np
import torch
from torch import nn
from galaxynet.data.array_module import ArrayData, ArrayDataModule
from galaxynet.data.splits import split
from galaxynet.images.preprocessing import Preprocessing
from galaxynet.tasks import Task

class Spots(ArrayDataModule):
    name = "spots"

    def load(self):
        n, side, kinds = self.options.samples, self.options.side, self.options.kinds
        labels = np.arange(n) % kinds
        images = np.random.default_rng(0).integers(0, 60, (n, side, side, 1), dtype=np.uint8)
        for row, label in enumerate(labels):
            images[row, 2 * label : 2 * label + 3, 2:6] += 120
        ids = [f"s{row}" for row in range(n)]
        parts = split(np.arange(n), ids, labels, test=0.25, validation=self.validation, seed=0)
        return ArrayData(images=images, targets=labels.astype(np.int64), ids=ids, split=parts,
                         classes=tuple("abcd"[:kinds]), summary={"images": n},
                         preprocessing=Preprocessing(side, side))

class Own(Task):
    task, metric, higher_is_better = "own", "loss", False

    def __init__(self, options, data_info):
        super().__init__(nn.Sequential(nn.Flatten(), nn.Linear(64, 1)), options, data_info)

    def training_step(self, batch, index):
        loss = self(batch.inputs).square().mean()
        self.train_loss.add(loss, len(batch.inputs))
        return loss

    def validation_step(self, batch, index):
        self.evaluation_loss.add(self(batch.inputs).square().mean(), len(batch.inputs))

    test_step = validation_step
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the run that teaches, which all tests of this module share."""
    return tmp_path_factory.mktemp("teachers")


@pytest.fixture(autouse=True)
def spots(toys: None, distribution: Any) -> None:
    distribution(
        "spots",
        {"spots": SPECS, "spot_data": DATA},
        {
            "galaxynet.models": {"spotnet": "spots:NET", "own": "spots:OWN"},
            "galaxynet.datasets": {"spots": "spots:SPOTS"},
        },
    )


@pytest.fixture
def teacher(shared: Path, tmp_path: Path) -> Run:
    """A finished run, in the folder of the runs."""
    trained = shared / "runs"
    if not trained.exists():
        train(epochs=5, lr=0.02, name="teacher", runs_dir=trained)
    shutil.copytree(trained, tmp_path / "runs")
    return galaxynet.find_run("teacher")


def train(model: str = "spotnet", **options: Any) -> Any:
    return galaxynet.train(model, **{"epochs": 2, "lr": 0.01, **options})


def votes(outputs: int = len(TREE.columns), **extra: Any) -> VoteFractions:
    info = DataInfo(
        dataset="toys", input_shape=(5,), classes=(), extra={"vote_tree": TREE.to_dict(), **extra}
    )
    return VoteFractions(nn.Linear(5, outputs), OptimizerOptions(), info)


TASKS = {
    "classes": lambda: Classifier(
        nn.Linear(5, 3), OptimizerOptions(), DataInfo("toys", (5,), classes=("a", "b", "c"))
    ),
    "votes": votes,
    "votes and classes": lambda: votes(len(TREE.columns) + 5, also={"x": ["a", "b"], "y": ["c", "d", "e"]}),
}


@pytest.mark.parametrize("kind", TASKS)
def test_the_divergence_is_zero_for_the_same_answers_alone(kind: str) -> None:
    """A student that answers as its teacher has no more to learn; any other has, and learns it."""
    torch.manual_seed(0)
    teacher, student = TASKS[kind](), TASKS[kind]()
    inputs = torch.randn(6, 5)
    answers = teacher.answers(teacher(inputs)).detach()
    assert teacher.divergence(teacher(inputs), answers).item() == pytest.approx(0, abs=1e-6)
    before = student.divergence(student(inputs), answers)
    assert before.item() > 0.01
    optimizer = torch.optim.Adam(student.parameters(), lr=0.1)
    for _ in range(300):
        optimizer.zero_grad()
        student.divergence(student(inputs), answers).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert student.divergence(student(inputs), answers).item() < 0.01 * before.item()
    torch.testing.assert_close(student.answers(student(inputs)), answers, atol=0.1, rtol=0)


def test_an_image_without_votes_is_taught() -> None:
    """Where no vote and no label is known, the teacher's answers are all that is learnt, and they are."""
    student = TASKS["votes and classes"]()
    teacher = TASKS["votes and classes"]()
    inputs = torch.randn(4, 5)
    targets = torch.full((4, len(TREE.columns) + 2), math.nan)
    logits = student(inputs)
    assert student.loss(logits, targets).item() == 0
    student.teachers = (Teacher(teacher.eval()),)
    loss = student.taught(student.loss(logits, targets), logits, inputs)
    assert loss.item() > 0
    loss.backward()  # type: ignore[no-untyped-call]
    weight: Any = student.network.weight
    assert (weight.grad.abs().sum(1) > 0).all(), "every logit learns"
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_half_of_the_loss_is_the_teachers() -> None:
    """The loss is the mean of that by the targets and that by the mean answers of the teachers."""
    student = TASKS["classes"]()
    student.teachers = tuple(Teacher(TASKS["classes"]().eval()) for _ in range(2))
    inputs, targets = torch.randn(6, 5), torch.tensor([0, 1, 2, 0, 1, 2])
    logits = student(inputs)
    own = student.loss(logits, targets)
    answers = mean_answers(student.teachers, inputs)
    first, second = (teacher.task.answers(teacher.task(inputs)) for teacher in student.teachers)
    torch.testing.assert_close(answers, (first + second) / 2)
    expected = (own + student.divergence(logits, answers)) / 2
    torch.testing.assert_close(student.taught(own, logits, inputs), expected)


def test_a_teacher_sees_inputs_in_its_own_normalisation() -> None:
    """A teacher whose images were normalised otherwise sees what it was trained on."""
    seen: list[torch.Tensor] = []
    task = TASKS["classes"]()
    task.network = nn.Sequential(nn.Flatten(), nn.Linear(48, 3))
    task.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    own = Normalization((10.0, 20.0, 30.0), (50.0, 60.0, 70.0))
    student = Normalization((0.0,), (255.0,))
    pixels = torch.randint(0, 256, (2, 3, 4, 4))
    device = torch.device("cpu")
    Teacher(task.eval(), own, student).answers(student.on(device)(pixels))
    torch.testing.assert_close(seen[0], own.on(device)(pixels))


def test_a_taught_network_comes_close_to_its_teacher() -> None:
    """A student answers more like its teacher than one that was trained without it; the record names it."""
    unsure = train(epochs=1, lr=0.003, name="unsure")
    taught, alone = (train(epochs=6, lr=0.02, seed=5, teacher=names) for names in (["unsure"], []))
    assert taught.record.options.training["teacher"] == [unsure.record.id]
    (recorded,) = taught.record.teachers
    assert (recorded.run, recorded.name, recorded.model) == (unsure.record.id, "unsure", "spotnet")
    assert len(recorded.digest) == 16
    assert taught.record.parameters == alone.record.parameters
    shapes = [torch.load(run.checkpoint("last"), weights_only=True)["state_dict"] for run in (taught, alone)]
    assert shapes[0].keys() == shapes[1].keys(), "the teacher is not a part of the student"

    def answers(run: Run) -> torch.Tensor:
        predictions = run.predictions()
        assert predictions is not None
        return torch.tensor(predictions.probabilities)

    distances = [float((answers(run) - answers(unsure)).abs().mean()) for run in (taught, alone)]
    assert distances[0] < distances[1]


@pytest.mark.promise("Interruptions")
def test_an_interrupted_student_repeats_an_uninterrupted_one(teacher: Run) -> None:
    """A resumed student ends as an uninterrupted one; a teacher with other weights is refused."""
    options = {"teacher": ["teacher"], "epochs": 3, "dropout": 0.3}
    whole = train(**options)
    with interrupted_at(2):
        run = train(**options)
    weights = teacher.checkpoint("best")
    kept = torch.load(weights, weights_only=True)
    before = weights.read_bytes()
    kept["state_dict"]["network.1.bias"] += 1
    torch.save(kept, weights)
    with pytest.raises(RunError, match="weights of a teacher have changed"):
        galaxynet.train("spotnet", resume=run.record.id)
    weights.write_bytes(before)
    done = galaxynet.train("spotnet", resume=run.record.id)
    assert done.metrics() == whole.metrics()
    assert done.record.metrics == whole.record.metrics


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinds": 2}, "it answers other classes or questions"),
        ({"side": 9}, "its inputs are 1 x 8 x 8, and these are 1 x 9 x 9"),
        ({"samples": 90}, "may have been trained on the test part"),
        ({"dataset": "blobs"}, "it was trained on spots, and this one is on blobs"),
        ({"model": "own"}, "a network for own cannot be taught"),
        ({"teacher": ["missing"]}, "There is no run 'missing'"),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused(teacher: Run, options: dict[str, Any], message: str) -> None:
    """A teacher of other classes, inputs, data or test samples is refused before there is a run."""
    with pytest.raises(GalaxynetError, match=message):
        train(**{"teacher": ["teacher"], **options})
    assert len(galaxynet.list_runs()) == 1


def test_a_teacher_that_has_not_finished_or_sees_another_part_is_refused(teacher: Run) -> None:
    """A run that was interrupted cannot teach, nor one whose images were cut otherwise."""
    teacher.record.preprocessing["crop"] = 6
    teacher.save()
    with pytest.raises(UsageError, match="its images have another crop"):
        train(teacher=[teacher.path])
    teacher.record.status = "interrupted"
    teacher.save()
    with pytest.raises(RunError, match=r"is interrupted, not finished.*--resume"):
        train(teacher=["teacher"])


def test_shipped_weights_of_the_same_questions_can_teach() -> None:
    """A tree of questions is the same in any order of its keys, which a record of shipped weights sorts."""
    student = votes()
    tree = json.loads(json.dumps(TREE.to_dict(), sort_keys=True))
    info = DataInfo("toys", (5,), classes=(), extra={"vote_tree": tree})
    task = VoteFractions(nn.Linear(5, len(TREE.columns)), OptimizerOptions(), info)
    data: Any = SimpleNamespace(
        name="toys", info=student.data_info, preprocessing=None, test_ids=[1], test_labels=["a"]
    )
    tested = digest_test_set(data.test_ids, data.test_labels)
    record = SimpleNamespace(
        task=student.task, dataset=SimpleNamespace(name="toys"), preprocessing={}, test_set=tested
    )
    run: Any = SimpleNamespace(label="shipped", record=record)
    teach(student, data, [TeacherNetwork(run, task)])
    assert len(student.teachers) == 1
