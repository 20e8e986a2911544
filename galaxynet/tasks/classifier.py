"""Classification: cross-entropy, accuracy, and a prediction for every test sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics.classification import MulticlassAccuracy

from galaxynet.catalogue.columns import Column
from galaxynet.data.batches import Batch
from galaxynet.plugin import DataInfo, Options
from galaxynet.tasks.average import EpochMean
from galaxynet.tasks.shares import gather_columns
from galaxynet.tasks.task import Task

UNKNOWN = -1
"""The target of a sample without a label."""


class Predictions(NamedTuple):
    """A classifier's predictions for the test samples of one process.

    Attributes:
        indices: Rows of the samples in the dataset, int64 of shape (n,).
        targets: Their classes, int64 of shape (n,).
        probabilities: Softmax of the logits, float32 of shape (n, classes).
    """

    indices: Tensor
    targets: Tensor
    probabilities: Tensor


class Classifier(Task):
    """A network that maps a batch of samples to logits, one column per class.

    Args:
        network: Maps inputs of shape (n, *input_shape) to logits of shape (n, classes).
        options: The model's options.
        data_info: Input shape and classes.

    Attributes:
        prior_shift: What `outputs` adds to the logit of each class, after the temperature, where the classes
            have other shares than in the training; None for nothing.
    """

    task = "classification"
    metric = "accuracy"
    higher_is_better = True
    averages_views = True
    can_be_taught = True
    prior_shift: tuple[float, ...] | None = None

    def __init__(self, network: nn.Module, options: Options, data_info: DataInfo) -> None:
        super().__init__(network, options, data_info)
        classes = data_info.class_count
        self.validation_accuracy = MulticlassAccuracy(classes, average="micro")
        self.test_accuracy = MulticlassAccuracy(classes, average="micro")
        self.train_accuracy = EpochMean()
        self._labelled = EpochMean()
        self._predicted: list[Predictions] = []

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy in nats, a mean over all samples. A scalar.

        A sample without a label has the target -1, and its cross-entropy is zero.
        """
        total = functional.cross_entropy(logits.float(), targets, ignore_index=UNKNOWN, reduction="sum")
        return total / len(targets)

    def training_step(self, batch: Batch, index: int) -> Tensor:
        logits = self(batch.inputs)
        loss = self.taught(self.loss(logits, batch.targets), logits, batch.inputs)
        samples = len(batch.targets)
        self.train_loss.add(loss, samples)
        self.train_accuracy.add((logits.detach().argmax(1) == batch.targets).float().mean(), samples)
        if self.teachers:
            self._labelled.add((batch.targets != UNKNOWN).float().mean(), samples)
        return loss

    def validation_step(self, batch: Batch, index: int) -> None:
        logits = self(batch.inputs)
        self.evaluation_loss.add(self.loss(logits, batch.targets), len(batch.targets))
        self.validation_accuracy.update(logits, batch.targets)

    def test_step(self, batch: Batch, index: int) -> None:
        """Count loss and accuracy of one batch of the test part, and keep the predictions."""
        logits = self(batch.inputs)
        self.evaluation_loss.add(self.loss(logits, batch.targets), len(batch.targets))
        self.test_accuracy.update(logits, batch.targets)
        probabilities = self.probabilities(logits)
        self._predicted.append(Predictions(batch.indices.cpu(), batch.targets.cpu(), probabilities.cpu()))

    def probabilities(self, logits: Tensor) -> Tensor:
        """Class probabilities of shape (n, classes), float32, rows summing to one."""
        return functional.softmax(logits.float(), dim=1)

    def answers(self, logits: Tensor) -> Tensor:
        """The class probabilities."""
        return self.probabilities(logits)

    def divergence(self, logits: Tensor, answers: Tensor) -> Tensor:
        """The mean Kullback-Leibler divergence of the network's probabilities from the answers, in nats."""
        return functional.kl_div(
            functional.log_softmax(logits.float(), dim=1), answers, reduction="batchmean"
        )

    def output_columns(self) -> tuple[Column, ...]:
        """The class, the probability of each class, and the entropy of these."""
        subject = str(self.data_info.extra.get("class_ucd", ""))
        label = ";".join(filter(None, ["meta.code.class", subject]))
        probability = ["stat.probability", subject, "stat.uncalib" if self.temperature is None else ""]
        return (
            Column("label", "string", "", label, "most probable class; empty without a prediction"),
            *(
                Column(
                    f"p_{name}", "float32", "", ";".join(filter(None, probability)), f"probability of {name}"
                )
                for name in self.data_info.classes
            ),
            Column("entropy", "float32", "", "stat.value", "entropy of the probabilities in nats"),
        )

    def outputs(self, inputs: Tensor) -> Mapping[str, Tensor | Sequence[str]]:
        """The most probable class, the probabilities at temperature and prior, and their entropy."""
        probabilities = self.probabilities(self(inputs) / (self.temperature or 1.0))
        if self.prior_shift is not None:
            shift = torch.tensor(self.prior_shift, device=probabilities.device)
            probabilities = functional.softmax(probabilities.log() + shift, dim=1)
        classes = self.data_info.classes
        return {
            "label": [classes[index] for index in probabilities.argmax(1).tolist()],
            **{f"p_{name}": probabilities[:, index] for index, name in enumerate(classes)},
            "entropy": torch.special.entr(probabilities).sum(1),
        }

    def predict_step(self, batch: Batch, index: int) -> Tensor:
        """Class probabilities of one batch."""
        return self.probabilities(self(batch.inputs))

    def on_train_epoch_start(self) -> None:
        super().on_train_epoch_start()
        self.train_accuracy.reset()
        self._labelled.reset()

    def on_train_epoch_end(self) -> None:
        """Log the epoch's training loss, and the accuracy of the samples with a label."""
        super().on_train_epoch_end()
        accuracy = self.train_accuracy.compute(self.device)
        if self.teachers:
            accuracy = accuracy / self._labelled.compute(self.device)
        self.log("train/accuracy", accuracy)

    def on_validation_epoch_end(self) -> None:
        """Log the validation loss and accuracy."""
        super().on_validation_epoch_end()
        self.log("val/accuracy", self.validation_accuracy)

    def on_test_epoch_start(self) -> None:
        """Discard the predictions of an earlier test."""
        self._predicted = []

    def on_test_epoch_end(self) -> None:
        """Log the test loss and accuracy."""
        super().on_test_epoch_end()
        self.log("test/accuracy", self.test_accuracy)

    def predictions(self) -> Predictions:
        """The predictions of the last test, over all processes, ordered by row."""
        joined = Predictions(*gather_columns(self._predicted))
        order = joined.indices.argsort()
        return Predictions(*(column[order] for column in joined))
