"""Finding images by what tables call them: ids, or paths that may have moved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from galaxynet import phrases
from galaxynet.errors import DataError
from galaxynet.images.inputs import Inputs
from galaxynet.images.picture import is_image_name, stem


class InputIndex:
    """Finds images by what tables call them.

    Args:
        inputs: The images.
    """

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self._by_id: defaultdict[str, list[int]] = defaultdict(list)
        self._by_stem: defaultdict[str, list[int]] = defaultdict(list)
        for index in range(len(inputs)):
            self._by_id[inputs.id(index)].append(index)
            self._by_stem[_base(inputs.name(index))].append(index)

    def candidates(self, text: str) -> list[int]:
        """The images that an id or a path fits best."""
        matches = self._by_id.get(text) or self._by_stem.get(_base(text)) or []
        if len(matches) < 2:
            return matches
        scores = [_likeness(text, self.inputs.name(index)) for index in matches]
        return [index for index, score in zip(matches, scores, strict=True) if score == max(scores)]

    def find(self, text: str, path: Path) -> int | None:
        """The image that an id or a path names; None if no image has it.

        Raises:
            DataError: If several fit equally well.
        """
        matches = self.candidates(text)
        if len(matches) > 1:
            names = " and ".join(self.inputs.name(index) for index in matches[:2])
            raise DataError(
                f"{path}: {text!r} fits {phrases.count(len(matches), 'image')}, {names}.",
                "Name each by its path, in a column that --id-column names.",
            )
        return matches[0] if matches else None


def distinct_ids(inputs: Inputs) -> list[str]:
    """An id for each image: its own, with as many folders before it as tell it from the others.

    Raises:
        DataError: If one image is named twice.
    """
    ids = [inputs.id(index) for index in range(len(inputs))]
    groups = _repeated(ids, range(len(ids)))
    depth = 1
    while groups:
        for group in groups:
            for index in group:
                path = PurePosixPath(inputs.name(index).replace("\\", "/"))
                if depth > len(path.parts):
                    raise DataError(f"The image {inputs.name(index)} is named twice.", "Name it once.")
                ids[index] = "/".join([*path.parts[-depth - 1 : -1], path.name])
        groups = _repeated(ids, [index for group in groups for index in group])
        depth += 1
    return ids


def _repeated(ids: Sequence[str], rows: Iterable[int]) -> list[list[int]]:
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows:
        groups[ids[row]].append(row)
    return [group for group in groups.values() if len(group) > 1]


def _base(text: str) -> str:
    """A path's last part without the suffix of an image."""
    base = text.replace("\\", "/").rpartition("/")[2]
    return stem(base) if is_image_name(base) else base


def _likeness(text: str, name: str) -> float:
    """How many of a path's last parts are those of an image; half a part more for the same suffix."""
    expected, parts = (part.replace("\\", "/").split("/")[::-1] for part in (text, name))
    score = 0.5 if expected[0] == parts[0] else 0.0
    for ours, theirs in zip(expected[1:], parts[1:], strict=False):
        if ours != theirs:
            break
        score += 1
    return score
