"""Trainings in one, two and three real processes that stay for many examples."""

from __future__ import annotations

import contextlib
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, Trainer
from torch import Tensor, nn

from galaxynet.data.array_module import ArrayData, ArrayDataModule
from galaxynet.data.batches import Batch
from galaxynet.data.splits import Split
from galaxynet.data.unlabelled import add_unlabelled
from galaxynet.evaluation.fitting import fit_to_validation
from galaxynet.plugin import OptimizerOptions, VoteAnswer, VoteQuestion, VoteTree
from galaxynet.sweeps.forking import fork
from galaxynet.tasks import Classifier, Reconstructor, Task, VoteFractions
from galaxynet.tasks.teaching import Teacher
from galaxynet.training.callbacks import Throughput
from galaxynet.training.process_group import process_group
from galaxynet.training.ranks import Rank
from galaxynet.training.weight_average import WeightAverage
from galaxynet_charrnn import TEXT
from galaxynet_charrnn.datamodule import TextDataModule
from galaxynet_charrnn.model import CharRNN
from galaxynet_charrnn.options import CharRNNOptions, TextOptions

SIZES = (1, 2, 3)
TREE = VoteTree(
    (
        VoteQuestion("shape", (VoteAnswer("round"), VoteAnswer("disk"), VoteAnswer("star"))),
        VoteQuestion("bar", (VoteAnswer("bar"), VoteAnswer("none")), asked_of="disk"),
    )
)


@dataclass(frozen=True)
class Example:
    """A training, small enough to be one of many.

    Attributes:
        task: `classifier`, `reconstructor`, `votes`, `own` (a stranger's training step) or `text`.
        train: Training samples; characters of a text.
        held_out: Samples of the validation and of the test part.
        batch_size: Samples of a batch.
        streams: Streams of a text.
        mode: How charrnn learns.
        norm: With a layer of batch statistics.
        updates: The most updates of a training step.
        ema: Decay of the average of the weights; 0 for none.
    """

    task: str
    train: int
    held_out: int = 5
    batch_size: int = 4
    streams: int = 1
    mode: str = "practical"
    norm: bool = False
    updates: int = 1
    ema: float = 0.0
    unlabelled: int = 0


class Squares(ArrayDataModule):
    name = "squares"
    unlabelled: int = 0

    def load(self) -> ArrayData:
        train, held_out = self.options
        count = train + 2 * held_out
        numbers = np.random.default_rng(1)
        rows = np.arange(count)
        data = ArrayData(
            images=numbers.integers(0, 256, (count, 2, 2), dtype=np.uint8),
            targets=numbers.integers(0, 3, count),
            ids=[str(row) for row in rows],
            split=Split(*np.split(rows, [train, train + held_out])),
            classes=("a", "b", "c"),
        )
        more = numbers.integers(0, 256, (self.unlabelled, 2, 2), dtype=np.uint8)
        rows = np.arange(count, count + self.unlabelled)
        return add_unlabelled(data, rows, more=more, more_ids=rows.tolist())

    @property
    def _evaluation_batch(self) -> int:
        return 4  # so that a few samples make several batches, the last of them small


class VotedSquares(Squares):
    """The same with votes on two questions; a fifth of the samples lack the second."""

    def load(self) -> ArrayData:
        data = super().load()
        numbers = np.random.default_rng(4)
        shape = numbers.dirichlet([2.0, 2.0, 1.0], len(data.ids))
        bar = shape[:, 1:2] * numbers.dirichlet([2.0, 2.0], len(data.ids))
        bar[::5] = np.nan
        votes = np.hstack([shape, bar]).astype(np.float32)
        return replace(data, targets=votes, classes=(), extra={"vote_tree": TREE.to_dict()})


class Text(TextDataModule):
    name = TEXT.name
    length: int

    def read(self) -> str:
        characters = np.random.default_rng(2).integers(0, 5, self.length).tolist()
        return "".join("abcde"[number] for number in characters)


class Own(Task):
    """A network with steps of its own, as a stranger writes them."""

    task = "classification"
    metric = "loss"
    higher_is_better = False

    def training_step(self, batch: Batch, index: int) -> dict[str, Tensor]:
        loss = (self(batch.inputs) - batch.targets[:, None]).square().mean()
        self.train_loss.add(loss, len(batch.inputs))
        return {"loss": loss}

    def validation_step(self, batch: Batch, index: int) -> None:
        loss = (self(batch.inputs) - batch.targets[:, None]).abs().mean()
        self.evaluation_loss.add(loss, len(batch.inputs))

    def test_step(self, batch: Batch, index: int) -> None:
        self.validation_step(batch, index)


class Curve(Callback):
    """What was logged, epoch by epoch."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def _keep(self, trainer: Trainer) -> None:
        self.rows.append({name: float(value) for name, value in trainer.logged_metrics.items()})

    def on_train_epoch_start(self, trainer: Trainer, pl_module: Any) -> None:
        if trainer.current_epoch:
            self._keep(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: Any) -> None:
        self._keep(trainer)


def _task_and_data(example: Example) -> tuple[Task, Any]:
    options = OptimizerOptions(lr=0.1, optimizer="sgd")
    if example.task == "text":
        data = Text(
            TextOptions(sequence=3, streams=example.streams, iterations=9),
            data_dir=Path(),
            batch_size=4,
            validation=0.2,
        )
        data.length = example.train
        data.setup()
        mode: Any = example.mode
        return CharRNN(CharRNNOptions(hidden=5, mode=mode, lr=0.05, sample_every=0), data.info), data
    module = VotedSquares if example.task == "votes" else Squares
    squares = module(
        (example.train, example.held_out), data_dir=Path(), batch_size=example.batch_size, seed=3
    )
    squares.unlabelled = example.unlabelled
    squares.setup()
    norm = [nn.BatchNorm1d(4)] if example.norm else []
    if example.task == "classifier":
        layers = nn.Sequential(nn.Flatten(), nn.Linear(4, 4), *norm, nn.Tanh(), nn.Linear(4, 3))
        classifier = Classifier(layers, options, squares.info)
        if example.unlabelled:
            answering = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
            classifier.teachers = (Teacher(Classifier(answering, options, squares.info).eval()),)
        return classifier, squares
    if example.task == "votes":
        layers = nn.Sequential(nn.Flatten(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 5))
        return VoteFractions(layers, options, squares.info), squares
    if example.task == "own":
        return Own(nn.Sequential(nn.Flatten(), nn.Linear(4, 1)), options, squares.info), squares
    layers = nn.Sequential(nn.Flatten(), nn.Linear(4, 4), nn.Unflatten(1, (1, 2, 2)))
    return Reconstructor(layers, options, squares.info), squares


def train(example: Example, rank: int, processes: int, folder: Path) -> dict[str, Any]:
    """Train and test; what was logged, and what was kept of the test."""
    torch.manual_seed(0)
    task, data = _task_and_data(example)
    task.updates_per_step = example.updates
    task.group_updates(data)
    curve, throughput = Curve(), Throughput()
    average = [WeightAverage(example.ema)] if example.ema else []
    with process_group(Rank(rank, processes, folder / "store"), "cpu") as environment:
        trainer = Trainer(
            accelerator="cpu",
            devices=processes,
            strategy="ddp" if processes > 1 else "auto",
            plugins=[environment],
            max_epochs=2,
            callbacks=[curve, throughput, *average],
            logger=False,
            default_root_dir=folder,
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(task, datamodule=data)
        (tested,) = trainer.test(task, datamodule=data, verbose=False)
        result: dict[str, Any] = {"rows": curve.rows, "test": tested, "samples": throughput.total(trainer)}
        if isinstance(task, Classifier):
            result["predicted"] = [column.tolist() for column in task.predictions()]
        if isinstance(task, Reconstructor):
            result["decodings"] = task.reconstructions().decodings.tolist()
        if isinstance(task, VoteFractions):
            result["voted"] = [column.nan_to_num(-1.0).tolist() for column in task.voted_samples()[:3]]
        if example.task in ("classifier", "reconstructor", "votes"):
            fitted = fit_to_validation(task, data)
            if fitted.novelty is not None:
                result["novelty"] = [fitted.novelty.unit, len(fitted.novelty.references)]
            if fitted.intervals is not None:
                result["intervals"] = list(fitted.intervals.concentrations.values())
            if fitted.conformal is not None:
                result["scores"] = fitted.conformal.scores.tolist()
        result["buffers"] = {name: value.tolist() for name, value in task.network.named_buffers()}
    return result


def work(rank: int, processes: int, orders: Connection, reports: Connection) -> None:
    """The whole of a process: examples, one after the other, until there are no more."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    with contextlib.suppress(EOFError):
        while True:
            example, folder = orders.recv()
            try:
                reports.send(train(example, rank, processes, Path(folder)))
            except Exception as error:
                reports.send(f"process {rank} of {processes}: {type(error).__name__}: {error}")


class Worlds:
    """Processes in worlds of one, two and three, which train the same examples."""

    def __init__(self) -> None:
        self.members: dict[int, list[tuple[Any, Connection, Connection]]] = {}
        for processes in SIZES:
            members = []
            for rank in range(processes):
                theirs, ours = Pipe(duplex=False)
                process, reports = fork(work, (rank, processes, theirs), ["rank_worlds"])
                theirs.close()
                members.append((process, ours, reports))
            self.members[processes] = members

    def train(self, example: Example) -> dict[int, dict[str, Any]]:
        """What the first process of each world has found."""
        with tempfile.TemporaryDirectory() as scratch:
            for processes, members in self.members.items():
                folder = Path(scratch, str(processes))
                folder.mkdir()
                for _, orders, _ in members:
                    orders.send((example, str(folder)))
            results: dict[int, dict[str, Any]] = {}
            for processes, members in self.members.items():
                waiting = [reports for _, _, reports in members]
                while waiting:
                    ready: list[Any] = wait(waiting, timeout=60)
                    assert ready, f"{len(waiting)} of {processes} processes do not answer"
                    for reports in ready:
                        answer = reports.recv()
                        assert not isinstance(answer, str), answer
                        waiting.remove(reports)
                        if reports is members[0][2]:
                            results[processes] = answer
            return results

    def close(self) -> None:
        """End all processes."""
        for members in self.members.values():
            for process, orders, _ in members:
                orders.close()
                process.kill()  # it may wait for others of its world
                process.join()


@contextlib.contextmanager
def worlds() -> Iterator[Worlds]:
    """The processes, for as long as they are needed."""
    these = Worlds()
    try:
        yield these
    finally:
        these.close()
