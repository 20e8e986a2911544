"""The questions that volunteers answered about each galaxy, and the 37 columns that count their answers.

Galaxy Zoo 2 leads every volunteer through a tree of eleven questions (Willett et al. 2013, MNRAS 435, 2835,
table 2 and figure 1). The competition publishes one column for each answer, named `Class<question>.<answer>`:
the fraction of **all** volunteers of a galaxy who gave that answer, so the fractions of a question's answers
add up to the fraction that was asked it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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
