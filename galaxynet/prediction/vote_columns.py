"""The columns of a catalogue with the intervals of vote fractions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet.catalogue.columns import Column
from galaxynet.evaluation.vote_intervals import CONFIDENCE, VOLUNTEERS, VoteIntervals
from galaxynet.tasks import VoteFractions

_ENDS = {"low": ("lower", "stat.min"), "high": ("upper", "stat.max")}


def with_interval_columns(columns: Sequence[Column], task: VoteFractions) -> tuple[Column, ...]:
    """The columns, with `<name>_low` and `<name>_high` after the fraction of those asked of each answer."""
    texts = {
        answer.conditional: answer.text for question in task.tree.questions for answer in question.answers
    }
    subject = str(task.data_info.extra.get("fraction_ucd", ""))
    result = []
    for column in columns:
        result.append(column)
        if column.name not in texts:
            continue
        for end, (side, statistic) in _ENDS.items():
            ucd = ";".join(filter(None, ["stat.probability", subject, statistic]))
            words = (
                f"{side} end of the {CONFIDENCE:.0%} interval: {texts[column.name]}; {VOLUNTEERS} volunteers"
            )
            result.append(Column(f"{column.name}_{end}", "float32", "", ucd, words, nullable=True))
    return tuple(result)


def interval_cells(
    cells: Mapping[str, npt.NDArray[Any]], task: VoteFractions, intervals: VoteIntervals
) -> dict[str, npt.NDArray[np.float32]]:
    """The cells of these columns.

    Args:
        cells: The network's, with the fractions of all volunteers.
        task: The network.
        intervals: Those of its run.
    """
    predicted = np.stack([cells[name] for name in task.tree.columns], axis=1).astype(np.float64)
    ends = dict(zip(_ENDS, intervals.ends(task.tree, predicted), strict=True))
    names = [answer.conditional for question in task.tree.questions for answer in question.answers]
    return {
        f"{name}_{end}": values[:, index].astype(np.float32)
        for index, name in enumerate(names)
        if name
        for end, values in ends.items()
    }
