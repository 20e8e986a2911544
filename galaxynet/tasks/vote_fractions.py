"""Vote fractions: what share of the volunteers gives each answer of a tree of questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from galaxynet.catalogue.columns import Column
from galaxynet.data.batches import Batch
from galaxynet.plugin import DataInfo, Options
from galaxynet.tasks.average import EpochMean
from galaxynet.tasks.shares import gather_columns
from galaxynet.tasks.task import Task

LEAST_ASKED = 0.5
"""A fraction of those who were asked is NaN where a smaller share of the volunteers was asked."""

_UNKNOWN = -1


class VotedSamples(NamedTuple):
    """What the volunteers and the network answered for test samples.

    Attributes:
        indices: Rows of the samples in the dataset, int64 of shape (n,).
        observed: The volunteers' fractions, float32 of shape (n, columns); NaN where they are unknown.
        predicted: The network's, of the same shape.
        labels: Class indices in the tables of `DataInfo.also`, float32 of shape (n, tables); NaN where they
            are unknown.
        guesses: The network's, int64 of the same shape.
    """

    indices: Tensor
    observed: Tensor
    predicted: Tensor
    labels: Tensor
    guesses: Tensor


class VoteFractions(Task):
    """A network that maps a batch of samples to logits, one for each answer of a tree of questions.

    The logits of a question become shares of those who are asked it (softmax). Multiplied along the tree,
    they become fractions of all volunteers, which add up as the tree demands.

    The loss is the Kullback-Leibler divergence of a question's shares, weighted by the fraction of the
    volunteers who were asked it, summed over the questions: the negative log likelihood of the votes, less
    what no network can avoid. Questions without known answers are left out. Source of the idea: Walmsley et
    al. 2020, MNRAS 491, 1554, whose likelihood needs the number of votes, too.

    The metric `rmse` is the root mean square error of all known fractions, as in the Galaxy Zoo challenge.

    The classes of `DataInfo.also` are learnt beside the votes, each table from logits of its own after those
    of the tree. A sample may lack votes or labels.

    Args:
        network: Maps inputs of shape (n, *input_shape) to `DataInfo.vote_logits` logits.
        options: The model's options.
        data_info: The tree of questions and the shape of a sample. `extra["class_ucd"]` and
            `extra["fraction_ucd"]` say what the label and the fractions are about.
        label_weight: Weight in the loss of the cross-entropies of the classes learnt beside the votes.

    Raises:
        UsageError: If the dataset gives no vote fractions.
    """

    task = "vote fractions"
    metric = "rmse"
    higher_is_better = False
    averages_views = True
    can_be_taught = True

    def __init__(
        self, network: nn.Module, options: Options, data_info: DataInfo, *, label_weight: float = 0.1
    ) -> None:
        super().__init__(network, options, data_info)
        self.tree = data_info.vote_tree
        self.also = data_info.also
        self.label_weight = label_weight
        self.right_labels = {name: EpochMean() for name in self.also}
        owners = [number for number, size in enumerate(self.tree.sizes) for _ in range(size)]
        self.question_of: Tensor
        self.register_buffer("question_of", torch.tensor(owners), persistent=False)
        self.squared_error = EpochMean()
        self._tested: list[VotedSamples] = []

    def log_shares(self, logits: Tensor) -> Tensor:
        """Logarithms of the shares of those who are asked, float32 of shape (n, columns of the tree)."""
        votes = logits[:, : len(self.tree.columns)].float()
        parts = torch.split(votes, self.tree.sizes, dim=1)
        return torch.cat([functional.log_softmax(part, dim=1) for part in parts], dim=1)

    def class_logits(self, logits: Tensor) -> list[Tensor]:
        """The logits of each table of classes, float32 of shape (n, classes)."""
        sizes = [len(classes) for classes in self.also.values()]
        return list(torch.split(logits[:, len(self.tree.columns) :].float(), sizes, dim=1)) if sizes else []

    def fractions(self, logits: Tensor) -> Tensor:
        """Fractions of all volunteers, float32 of shape (n, columns of the tree)."""
        return self.of_all(self.log_shares(logits).exp())

    def of_all(self, shares: Tensor) -> Tensor:
        """Shares of those who are asked, multiplied along the tree."""
        parts: list[Tensor] = list(torch.split(shares, self.tree.sizes, dim=1))
        for number in self.tree.order:
            parent = self.tree.parents[number]
            if parent is not None:
                parts[number] = parts[number] * self._column(parts, parent)
        return torch.cat(parts, dim=1)

    def fraction_asked(self, fractions: Tensor) -> Tensor:
        """The fraction of the volunteers who are asked each question, shape (n, questions)."""
        everyone = torch.ones(len(fractions), device=fractions.device)
        return torch.stack(
            [everyone if parent is None else fractions[:, parent] for parent in self.tree.parents], dim=1
        )

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The mean over samples of the divergence from the votes, and the weighted cross-entropies, in nats.

        Args:
            logits: Shape (n, columns of the tree + classes).
            targets: Fractions of all volunteers, then for each table the index of the class; NaN where they
                are unknown. A question counts if all its answers are known.

        Returns:
            A scalar. What a sample lacks adds nothing to it.
        """
        observed, labels = self._divided(targets)
        unknown = self._by_question(observed.isnan().float())
        votes = observed.masked_fill(unknown[:, self.question_of] > 0, 0.0).clamp(min=0.0)
        total = self._divergence_of_votes(logits, votes)
        for part, label in zip(self.class_logits(logits), labels.unbind(1), strict=True):
            index = label.nan_to_num(nan=_UNKNOWN).long()
            total = total + self.label_weight * functional.cross_entropy(
                part, index, ignore_index=_UNKNOWN, reduction="sum"
            )
        return total / len(targets)

    def answers(self, logits: Tensor) -> Tensor:
        """Fractions of all volunteers, then the probabilities of the classes of each table."""
        classes = [functional.softmax(part, dim=1) for part in self.class_logits(logits)]
        return torch.cat([self.fractions(logits), *classes], dim=1)

    def divergence(self, logits: Tensor, answers: Tensor) -> Tensor:
        """The loss with these answers as votes and labels, all of them known; zero for the same answers."""
        columns = len(self.tree.columns)
        total = self._divergence_of_votes(logits, answers[:, :columns])
        sizes = [len(names) for names in self.also.values()]
        classes = torch.split(answers[:, columns:], sizes, dim=1) if sizes else ()
        for part, answer in zip(self.class_logits(logits), classes, strict=True):
            log_probabilities = functional.log_softmax(part, dim=1)
            total = total + self.label_weight * functional.kl_div(log_probabilities, answer, reduction="sum")
        return total / len(answers)

    def training_step(self, batch: Batch, index: int) -> Tensor:
        logits = self(batch.inputs)
        loss = self.taught(self.loss(logits, batch.targets), logits, batch.inputs)
        self.train_loss.add(loss, len(batch.targets))
        return loss

    def validation_step(self, batch: Batch, index: int) -> None:
        self._evaluate(batch)

    def test_step(self, batch: Batch, index: int) -> None:
        """The same for the test part, and keep what was predicted."""
        samples = self._evaluate(batch)
        self._tested.append(VotedSamples(*(column.cpu() for column in samples)))

    def predict_step(self, batch: Batch, index: int) -> Tensor:
        """Fractions of all volunteers for one batch."""
        return self.fractions(self(batch.inputs))

    def output_columns(self) -> tuple[Column, ...]:
        """The plurality answer, the fractions of all volunteers, and those of the volunteers asked."""
        extra = self.data_info.extra
        label = ";".join(filter(None, ["meta.code.class", str(extra.get("class_ucd", ""))]))
        subject = str(extra.get("fraction_ucd", ""))
        fraction = ";".join(filter(None, ["stat.value", subject, "meta.modelled"]))
        answers = [(question, answer) for question in self.tree.questions for answer in question.answers]
        return (
            Column("label", "string", "", label, "answer with the most votes; empty without a prediction"),
            *(
                Column(answer.column, "float32", "", fraction, f"fraction of all volunteers: {answer.text}")
                for _, answer in answers
            ),
            *(
                Column(
                    answer.conditional,
                    "float32",
                    "",
                    fraction,
                    f"fraction of those asked: {answer.text}; NaN if under half are asked",
                    nullable=True,
                )
                for _, answer in answers
                if answer.conditional
            ),
        )

    def outputs(self, inputs: Tensor) -> Mapping[str, Tensor | Sequence[str]]:
        """The cells of `output_columns`."""
        shares = self.log_shares(self(inputs)).exp()
        fractions = self.of_all(shares)
        led = self.fraction_asked(fractions)[:, self.question_of]
        conditional = shares.masked_fill(led < LEAST_ASKED, float("nan"))
        columns = self.tree.columns
        candidates = self.tree.plurality_columns
        best = fractions[:, list(candidates)].argmax(1).tolist()
        names = [answer.conditional for question in self.tree.questions for answer in question.answers]
        return {
            "label": [columns[candidates[index]] for index in best],
            **{column: fractions[:, index] for index, column in enumerate(columns)},
            **{name: conditional[:, index] for index, name in enumerate(names) if name},
        }

    def on_validation_epoch_start(self) -> None:
        self._reset()

    def on_validation_epoch_end(self) -> None:
        super().on_validation_epoch_end()
        self._log("val")

    def on_test_epoch_start(self) -> None:
        """Forget the predictions of an earlier test."""
        self._reset()
        self._tested = []

    def on_test_epoch_end(self) -> None:
        super().on_test_epoch_end()
        self._log("test")

    def voted_samples(self) -> VotedSamples:
        """The votes and predictions of the last test, over all processes, ordered as the dataset's rows."""
        joined = VotedSamples(*gather_columns(self._tested))
        order = joined.indices.argsort()
        return VotedSamples(*(column[order] for column in joined))

    def _evaluate(self, batch: Batch) -> VotedSamples:
        logits = self(batch.inputs)
        self.evaluation_loss.add(self.loss(logits, batch.targets), len(batch.targets))
        predicted = self.fractions(logits)
        observed, labels = self._divided(batch.targets)
        errors = (predicted - observed)[~observed.isnan()]
        if len(errors):
            self.squared_error.add(errors.square().mean(), len(errors))
        guesses = torch.zeros_like(labels, dtype=torch.int64)
        for index, (part, right) in enumerate(
            zip(self.class_logits(logits), self.right_labels.values(), strict=True)
        ):
            guesses[:, index] = part.argmax(1)
            known = ~labels[:, index].isnan()
            hits = (guesses[:, index] == labels[:, index])[known].float()
            if len(hits):
                right.add(hits.mean(), len(hits))
        return VotedSamples(batch.indices, observed, predicted, labels, guesses)

    def _divided(self, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Fractions and class indices; those are unknown in data without the tables."""
        count = len(self.tree.columns)
        if targets.shape[1] == count:
            return targets, targets.new_full((len(targets), len(self.also)), float("nan"))
        return targets[:, :count], targets[:, count:]

    def _reset(self) -> None:
        for mean in (self.squared_error, *self.right_labels.values()):
            mean.reset()

    def _log(self, part: str) -> None:
        self.log(f"{part}/rmse", self.squared_error.compute(self.device).sqrt())
        for name, right in self.right_labels.items():
            self.log(f"{part}/{name}_accuracy", right.compute(self.device))

    def _divergence_of_votes(self, logits: Tensor, votes: Tensor) -> Tensor:
        """The sum over samples and questions."""
        led = self._by_question(votes)
        cross_entropy = -(votes * self.log_shares(logits)).sum()
        entropy = torch.xlogy(led, led).sum() - torch.xlogy(votes, votes).sum()
        return cross_entropy - entropy

    def _by_question(self, columns: Tensor) -> Tensor:
        """Sums over the answers of each question, shape (n, questions)."""
        sums = columns.new_zeros(len(columns), len(self.tree.questions))
        return sums.index_add_(1, self.question_of, columns)

    def _column(self, parts: Sequence[Tensor], index: int) -> Tensor:
        """A column, by its index, of the questions' parts, shape (n, 1)."""
        number = next(n for n, part in enumerate(self.tree.slices) if part.start <= index < part.stop)
        offset = index - self.tree.slices[number].start
        return parts[number][:, offset : offset + 1]
