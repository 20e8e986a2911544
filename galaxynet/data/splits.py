"""Training, validation and test parts: stratified by class, determined only by the samples' ids.

Within each class, the ids are ordered by a keyed hash, and the first ones are taken. The same ids give the
same parts on every machine, in any order, with any version of numpy. If samples are added or removed, others
change parts only near the boundary.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from galaxynet.errors import DataError

Rows = npt.NDArray[np.int64]


class Split(NamedTuple):
    """Rows of the dataset in each part, ascending. The parts are disjoint.

    Attributes:
        train: Rows for training.
        validation: Rows for model selection; empty if none are held out.
        test: Rows for the final test.
    """

    train: Rows
    validation: Rows
    test: Rows


def hash_position(key: str, identifier: int | str) -> int:
    """A sample's position in the order that `key` defines: a 64-bit hash of both."""
    digest = hashlib.blake2b(f"{key}:{identifier}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def allocate(counts: Sequence[int], fraction: float, *, require_both_sides: bool) -> list[int]:
    """How many samples to take from each class so that together they are `fraction` of all.

    Each number is the class's exact share rounded up or down; the largest remainders are rounded up until
    the total is right (at least one sample, if there are two or more in all).

    Args:
        counts: Samples of each class.
        fraction: Share to take, in [0, 1).
        require_both_sides: Give every class with two or more samples at least one on each side.

    Returns:
        The number of samples per class, each within one of `fraction * count`.
    """
    if fraction <= 0:
        return [0] * len(counts)
    shares = [fraction * count for count in counts]
    taken = [math.floor(share) for share in shares]
    total = sum(counts)
    total_taken = min(max(round(fraction * total), 1), total - 1)
    by_remainder = sorted(range(len(counts)), key=lambda c: (taken[c] - shares[c], c))
    for c in by_remainder[: max(total_taken - sum(taken), 0)]:
        taken[c] += 1
    if require_both_sides:
        taken = [min(max(k, 1), n - 1) if n >= 2 else k for k, n in zip(taken, counts, strict=True)]
    return taken


def held_out(
    rows: Rows,
    ids: Sequence[int | str],
    targets: npt.NDArray[np.int64],
    fraction: float,
    key: str,
    *,
    require_both_sides: bool = False,
) -> tuple[Rows, Rows]:
    """Divide rows into those that stay and a stratified share that is held out.

    Args:
        rows: The rows to divide.
        ids: The id of every row of the dataset.
        targets: The class of every row of the dataset.
        fraction: Share to hold out, in [0, 1).
        key: Names this division; another key gives an independent one.
        require_both_sides: Give every class with two or more samples at least one on each side.

    Returns:
        The rows that stay and the rows held out, both ascending.
    """
    classes = np.unique(targets[rows])
    members = [rows[targets[rows] == c] for c in classes]
    selected = []
    sizes = allocate([len(group) for group in members], fraction, require_both_sides=require_both_sides)
    for group, size in zip(members, sizes, strict=True):
        # Equal hashes are practically impossible; then the id decides, not the given order.
        ordered = sorted(group.tolist(), key=lambda row: (hash_position(key, ids[row]), str(ids[row])))
        selected += ordered[:size]
    out = np.sort(np.array(selected, dtype=np.int64))
    return np.setdiff1d(rows, out), out


def split(
    rows: Rows,
    ids: Sequence[int | str],
    targets: npt.NDArray[np.int64],
    *,
    test: float | Rows,
    validation: float,
    seed: int,
    validation_from: Rows | None = None,
) -> Split:
    """Divide the samples of a dataset into training, validation and test parts.

    Args:
        rows: The rows that take part, without repetition.
        ids: The id of every row of the dataset.
        targets: The class of every row of the dataset.
        test: The share of the test part, in (0, 1), or its rows.
        validation: The share of the remaining samples that is held out for validation, in [0, 1).
        seed: Selects the division. The validation part has a key of its own, so it does not depend on how
            the test part was selected.
        validation_from: The rows that the validation part is drawn from, as far as they are not tested; the
            rest of them is trained on. None for all. The size of the part is the same.

    Raises:
        DataError: If there are not enough of these rows.
    """
    if isinstance(test, float | int):
        rest, tested = held_out(rows, ids, targets, test, f"test:{seed}", require_both_sides=True)
    else:
        tested = np.sort(test)
        rest = np.setdiff1d(rows, tested)
    if validation_from is None:
        train, validated = held_out(rest, ids, targets, validation, f"validation:{seed}")
        return Split(train, validated, tested)
    candidates = np.intersect1d(validation_from, rest)
    size = max(1, round(validation * len(rest)))
    if size > len(candidates):
        raise DataError(
            f"The validation part needs {size:,} samples, and only {len(candidates):,} can be drawn from.",
            "Give more ids with --validation-from, or a smaller share with --validation.",
        )
    validated = candidates
    if size < len(candidates):
        _, validated = held_out(candidates, ids, targets, size / len(candidates), f"validation:{seed}")
    return Split(np.setdiff1d(rest, validated), validated, tested)


def digest_test_set(ids: Iterable[str | int], labels: Iterable[str | int] = ()) -> str:
    """Sixteen hex digits that identify a set of labelled test samples, in any order."""
    text = "\n".join(sorted(f"{id_}\t{label}" for id_, label in zip_longest(ids, labels, fillvalue="")))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
