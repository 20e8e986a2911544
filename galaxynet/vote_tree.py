"""The tree of questions that volunteers answer about a sample, as a dataset declares it.

A question is asked of everyone, or of those who gave one answer of another question. Votes come as fractions
of **all** volunteers of a sample, so the fractions of a question's answers add up to the fraction that was
asked it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from galaxynet.errors import DataError

KEY = "vote_tree"
"""Where `DataInfo.extra` holds a tree, as `VoteTree.to_dict` gives it."""

_NAME = re.compile("[a-z][a-z0-9_]{0,39}")
_HINT = "Its dataset has to declare a tree of questions."


@dataclass(frozen=True)
class VoteAnswer:
    """An answer.

    Attributes:
        column: The name of its fraction of all volunteers, unique in the tree.
        text: The answer in a few words.
        conditional: The name of its fraction of those who were asked, unique too; empty for none.
    """

    column: str
    text: str = ""
    conditional: str = ""


@dataclass(frozen=True)
class VoteQuestion:
    """A question.

    Attributes:
        name: Lower case letters, digits and `_`; part of the names of metrics.
        answers: Its answers, at least two.
        asked_of: The column of the answer that leads to it; None if everyone is asked.
        text: The question.
    """

    name: str
    answers: tuple[VoteAnswer, ...]
    asked_of: str | None = None
    text: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its answers."""
        return tuple(answer.column for answer in self.answers)


@dataclass(frozen=True)
class VoteClass:
    """A class of samples whose fractions reach thresholds.

    Attributes:
        label: Its name.
        minima: The smallest fraction of all volunteers for each of some columns, over 0 and up to 1.
    """

    label: str
    minima: Mapping[str, float]


@dataclass(frozen=True)
class VoteTree:
    """The questions, ordered as their columns.

    Attributes:
        questions: All questions.
        classes: Classes by thresholds, by the name of their scheme; a sample fits one of a scheme at most.

    Raises:
        DataError: On construction, if the questions are not a tree, or names or thresholds do not fit.
    """

    questions: tuple[VoteQuestion, ...]
    classes: Mapping[str, tuple[VoteClass, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._check_names()
        self._check_parents()
        self._check_classes()

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns of all answers, in order."""
        return tuple(column for question in self.questions for column in question.columns)

    @cached_property
    def sizes(self) -> list[int]:
        """The number of answers of each question."""
        return [len(question.answers) for question in self.questions]

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """The indices of each question's answers in `columns`."""
        ends = [sum(self.sizes[: index + 1]) for index in range(len(self.sizes))]
        return tuple(slice(end - size, end) for end, size in zip(ends, self.sizes, strict=True))

    @cached_property
    def parents(self) -> tuple[int | None, ...]:
        """The index in `columns` of the answer that leads to each question; None if everyone is asked."""
        index = {column: number for number, column in enumerate(self.columns)}
        return tuple(None if q.asked_of is None else index[q.asked_of] for q in self.questions)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The questions' numbers, each after that of the question that leads to it."""
        owner = [number for number, size in enumerate(self.sizes) for _ in range(size)]
        done: list[int] = []
        while len(done) < len(self.questions):
            ready = [
                number
                for number, parent in enumerate(self.parents)
                if number not in done and (parent is None or owner[parent] in done)
            ]
            if not ready:
                lost = next(q.name for number, q in enumerate(self.questions) if number not in done)
                raise DataError(f"The questions are not a tree: no answer leads to {lost}.", _HINT)
            done += ready
        return tuple(done)

    @cached_property
    def plurality_columns(self) -> tuple[int, ...]:
        """The indices in `columns` that can have the highest fraction of all.

        No answer has more votes than the one that leads to its question, so these are the answers to the
        questions that everyone is asked.
        """
        return tuple(
            index
            for part, parent in zip(self.slices, self.parents, strict=True)
            if parent is None
            for index in range(part.start, part.stop)
        )

    def to_dict(self) -> dict[str, Any]:
        """The tree as JSON types."""
        return {
            "questions": [
                {**asdict(question), "answers": [asdict(answer) for answer in question.answers]}
                for question in self.questions
            ],
            "classes": {
                name: [{"label": c.label, "minima": dict(c.minima)} for c in members]
                for name, members in self.classes.items()
            },
        }

    @classmethod
    def from_dict(cls, values: Any) -> VoteTree:
        """The inverse of `to_dict`.

        Raises:
            DataError: If the values are not a tree.
        """
        try:
            questions = tuple(
                VoteQuestion(
                    name=str(question["name"]),
                    answers=tuple(
                        VoteAnswer(**{key: str(text) for key, text in answer.items()})
                        for answer in question["answers"]
                    ),
                    asked_of=None if question.get("asked_of") is None else str(question["asked_of"]),
                    text=str(question.get("text", "")),
                )
                for question in values["questions"]
            )
            classes = {
                str(name): tuple(
                    VoteClass(str(c["label"]), {str(k): float(v) for k, v in c["minima"].items()})
                    for c in members
                )
                for name, members in values.get("classes", {}).items()
            }
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DataError(f"The questions cannot be read: {error!r}.", _HINT) from None
        return cls(questions, classes)

    def _check_names(self) -> None:
        if not self.questions:
            raise DataError("The tree has no questions.", _HINT)
        names = [*(question.name for question in self.questions), *self.classes]
        bad = next((name for name in names if not _NAME.fullmatch(name)), None)
        if bad is not None:
            raise DataError(
                f"A question cannot be named {bad!r}.", "A name has lower case letters, digits and _."
            )
        few = next((question.name for question in self.questions if len(question.answers) < 2), None)
        if few is not None:
            raise DataError(f"The question {few} has fewer than two answers.", _HINT)
        conditional = [answer.conditional for question in self.questions for answer in question.answers]
        for texts in (names, [*self.columns, *filter(None, conditional)]):
            if repeated := _repeated(texts):
                raise DataError(f"The questions have two of the name {repeated}.", _HINT)

    def _check_parents(self) -> None:
        for question in self.questions:
            if question.asked_of is not None and question.asked_of not in self.columns:
                raise DataError(
                    f"The question {question.name} is asked after {question.asked_of}, which is no answer.",
                    _HINT,
                )
        _ = self.order

    def _check_classes(self) -> None:
        for name, members in self.classes.items():
            for member in members:
                fits = bool(member.minima) and all(
                    column in self.columns and 0 < minimum <= 1 for column, minimum in member.minima.items()
                )
                if not fits:
                    raise DataError(
                        f"The class {member.label} of {name} needs thresholds over 0 and up to 1 of columns "
                        "of the tree."
                    )


def percentage_hint(largest: float) -> str:
    """What to do about fractions of which the largest is this; empty if they do not look like percentages."""
    return "They look like percentages: divide them by 100." if 1.5 < largest <= 101 else ""


def _repeated(names: Sequence[str]) -> str:
    return next((name for name, count in Counter(names).items() if count > 1), "")
