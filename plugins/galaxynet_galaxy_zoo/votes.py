"""The questions that volunteers answered about each galaxy, and the 37 columns that count their answers.

Galaxy Zoo 2 leads every volunteer through a tree of eleven questions (Willett et al. 2013, MNRAS 435, 2835,
table 2 and figure 1). The competition publishes one column for each answer, named `Class<question>.<answer>`:
the fraction of **all** volunteers of a galaxy who gave that answer, so the fractions of a question's answers
add up to the fraction that was asked it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from galaxynet.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Answer:
    """One answer of a question.

    Attributes:
        column: Its column in the solutions, `Class1.1`.
        text: The answer in a few words.
        leads_to: Number of the question that follows; None where the tree ends.
    """

    column: str
    text: str
    leads_to: int | None


@dataclass(frozen=True)
class Question:
    """One question of the decision tree.

    Attributes:
        number: 1 to 11.
        text: What the volunteer is asked.
        asked_of: Column whose fraction was asked this question; None if everyone was. Question 6 is counted
            for everyone in the published columns, although the tree ends at `star or artefact`.
        answers: Ordered as the columns.
    """

    number: int
    text: str
    asked_of: str | None
    answers: tuple[Answer, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its answers."""
        return tuple(answer.column for answer in self.answers)

    @property
    def indices(self) -> tuple[int, ...]:
        """The positions of its answers in `COLUMNS`."""
        return tuple(COLUMN_INDEX[column] for column in self.columns)


def _question(
    number: int, text: str, asked_of: str | None, answers: Sequence[str], leads_to: Sequence[int | None]
) -> Question:
    return Question(
        number,
        text,
        asked_of,
        tuple(
            Answer(f"Class{number}.{index}", answer, follow)
            for index, (answer, follow) in enumerate(zip(answers, leads_to, strict=True), start=1)
        ),
    )


QUESTIONS: tuple[Question, ...] = (
    _question(
        1,
        "Is the galaxy simply smooth and rounded, with no sign of a disk?",
        None,
        ("smooth", "features or disk", "star or artefact"),
        (7, 2, None),
    ),
    _question(2, "Could this be a disk viewed edge-on?", "Class1.2", ("edge-on", "not edge-on"), (9, 3)),
    _question(3, "Is there a bar through the centre?", "Class2.2", ("bar", "no bar"), (4, 4)),
    _question(4, "Is there any sign of a spiral pattern?", "Class2.2", ("spiral", "no spiral"), (10, 5)),
    _question(
        5,
        "How prominent is the central bulge?",
        "Class2.2",
        ("no bulge", "just noticeable bulge", "obvious bulge", "dominant bulge"),
        (6, 6, 6, 6),
    ),
    _question(6, "Is there anything odd?", None, ("odd", "nothing odd"), (8, None)),
    _question(
        7, "How rounded is it?", "Class1.1", ("completely round", "in between", "cigar-shaped"), (6, 6, 6)
    ),
    _question(
        8,
        "What is odd about it?",
        "Class6.1",
        ("ring", "lens or arc", "disturbed", "irregular", "something else", "merger", "dust lane"),
        (None,) * 7,
    ),
    _question(
        9,
        "What shape has the bulge of the edge-on disk?",
        "Class2.1",
        ("rounded bulge", "boxy bulge", "no edge-on bulge"),
        (6, 6, 6),
    ),
    _question(
        10,
        "How tightly wound do the spiral arms appear?",
        "Class4.1",
        ("tight arms", "medium arms", "loose arms"),
        (11, 11, 11),
    ),
    _question(
        11,
        "How many spiral arms are there?",
        "Class4.1",
        ("1 arm", "2 arms", "3 arms", "4 arms", "more than 4 arms", "arms not countable"),
        (5,) * 6,
    ),
)
"""The eleven questions, in order of their numbers."""

COLUMNS: tuple[str, ...] = tuple(answer.column for question in QUESTIONS for answer in question.answers)
"""The 37 columns of the solutions, in file order."""

COLUMN_INDEX: dict[str, int] = {column: index for index, column in enumerate(COLUMNS)}
"""Position of each column in `COLUMNS`."""

ANSWERS: dict[str, str] = {
    answer.column: answer.text for question in QUESTIONS for answer in question.answers
}
"""What each column's answer says."""


def check_sums(
    table: ArrayLike,
    ids: Sequence[str | int] | None = None,
    *,
    tolerance: float = 1e-4,
    partial: bool = False,
) -> None:
    """Refuse vote fractions that cannot come from the decision tree.

    Args:
        table: Fractions, shape (galaxies, 37), ordered as `COLUMNS`, each in 0 to 1.
        ids: A name for each row, used in the message; the row's number if omitted.
        tolerance: How far a sum may be from what the tree demands. The published fractions are rounded.
        partial: Allow unknown fractions, NaN; sums with one of them are not checked.

    Raises:
        DataError: If a row has another number of columns, a fraction that is not a number in 0 to 1, or
            answers that do not add up to the fraction that was asked; names the first such row and question.
    """
    import numpy as np

    fractions: Any = np.asarray(table, dtype=np.float64)
    if fractions.ndim != 2 or fractions.shape[1] != len(COLUMNS):
        raise DataError(
            f"Vote fractions have {len(COLUMNS)} columns; these have the shape {fractions.shape}."
        )

    def name(row: int) -> str:
        return f"Galaxy {ids[row]}" if ids is not None else f"Row {row} of the votes"

    with np.errstate(invalid="ignore"):
        outside = ~((fractions >= -tolerance) & (fractions <= 1 + tolerance))
        if partial:
            outside &= ~np.isnan(fractions)
    if outside.any():
        row, column = (int(position) for position in np.argwhere(outside)[0])
        raise DataError(
            f"{name(row)}: {COLUMNS[column]} is {fractions[row, column]:g}, which is not a vote fraction."
        )
    for question in QUESTIONS:
        total = fractions[:, question.indices].sum(axis=1)
        expected = 1.0 if question.asked_of is None else fractions[:, COLUMN_INDEX[question.asked_of]]
        wrong = np.flatnonzero(np.abs(total - expected) > tolerance)
        if wrong.size:
            row = int(wrong[0])
            demanded = 1.0 if question.asked_of is None else fractions[row, COLUMN_INDEX[question.asked_of]]
            raise DataError(
                f"{name(row)}: the answers of question {question.number} add up to {total[row]:.6f}, "
                f"not to {question.asked_of or 'all'} = {demanded:.6f}.",
                "Fractions are shares of all volunteers of a galaxy, not of those who were asked.",
            )
