"""Pictures of right and wrong predictions, or of reconstructions of an autoencoder."""

from __future__ import annotations

import base64
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxynet.errors import DataError, RunError
from galaxynet.runs.reconstructions import RECONSTRUCTIONS, ReconstructedSamples

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from galaxynet.runs import Predictions, Run

SHOWN = 12
"""Samples in a row of a gallery."""

_MAX_LOSSLESS_SIDE = 64
"""Pictures with a longer side of at most this many pixels are stored without loss."""

_MAX_SIDE = 160
_LOSSLESS_QUALITY, _LOSSY_QUALITY = 101, 90
_DRAWN = "{shown} of {all}, drawn at random"


@dataclass(frozen=True)
class Picture:
    """An image of a page.

    Attributes:
        source: A data URI.
        width: In pixels.
        height: In pixels.
        description: The alternative text.
    """

    source: str
    width: int
    height: int
    description: str

    @property
    def coarse(self) -> bool:
        """True if its pixels stay visible when it is enlarged."""
        return max(self.width, self.height) <= _MAX_LOSSLESS_SIDE


@dataclass(frozen=True)
class Sample:
    """A sample and the output of the network.

    Attributes:
        pictures: The sample and, if there is one, its reconstruction.
        id: Its id.
        truth: Its class, or empty.
        answer: The predicted class, or empty.
        probability: Of the predicted class, 0 to 1; None if unknown.
    """

    pictures: tuple[Picture, ...]
    id: str
    truth: str = ""
    answer: str = ""
    probability: float | None = None


@dataclass(frozen=True)
class Strip:
    """A row of samples; the title says how they were selected."""

    title: str
    samples: tuple[Sample, ...]
    css_class: str = ""


def gallery(run: Run, data_dir: Path) -> list[Strip]:
    """The rows of a run's gallery; none for a task that has no pictures.

    The images of a classification come from the dataset, opened with the options of the training.

    Args:
        run: The run.
        data_dir: The folder of the datasets.

    Raises:
        GalaxynetError: If predictions, reconstructions, the dataset or its plugin are missing or broken, or
            the dataset has changed since the run was tested.
    """
    if run.record.task == "classification":
        predictions = run.predictions()
        if not len(predictions):
            raise RunError(f"The run {run.label} has no predictions: its test set is empty.")
        return _right_and_wrong(run, predictions, _images(run, data_dir))
    if run.record.task == "reconstruction":
        return [_reconstruction_strip(ReconstructedSamples.read(run.path / RECONSTRUCTIONS))]
    return []


def picture(pixels: npt.NDArray[np.uint8], description: str) -> Picture:
    """An image as WebP in a data URI, scaled down if it is large.

    Args:
        pixels: uint8, shape (height, width) or (height, width, channels); three channels are red, green and
            blue, of any other number the mean is shown.
        description: What it shows.
    """
    import cv2
    import numpy as np

    channels = pixels.shape[2] if pixels.ndim == 3 else 0
    if channels == 3:
        pixels = pixels[:, :, ::-1]  # OpenCV's order
    elif channels:
        pixels = pixels.mean(axis=2).round().astype(np.uint8)
    image = np.ascontiguousarray(pixels)
    height, width = image.shape[:2]
    if max(height, width) > _MAX_SIDE:
        scale = _MAX_SIDE / max(height, width)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    quality = _LOSSLESS_QUALITY if max(height, width) <= _MAX_LOSSLESS_SIDE else _LOSSY_QUALITY
    _, encoded = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, quality])
    source = f"data:image/webp;base64,{base64.b64encode(encoded.tobytes()).decode()}"
    return Picture(source, width, height, description)


def _images(run: Run, data_dir: Path) -> dict[str, npt.NDArray[np.uint8]]:
    from galaxynet.evaluation.run_data import open_data

    data: Any = open_data(run, data_dir)
    images = getattr(getattr(data, "data", None), "images", None)
    if images is None or getattr(images, "ndim", 0) not in (3, 4):
        raise DataError(f"The dataset {run.record.dataset.name} does not provide images as arrays.")
    return {str(id_): images[row] for row, id_ in enumerate(data.ids)}


def _right_and_wrong(
    run: Run, predictions: Predictions, images: dict[str, npt.NDArray[np.uint8]]
) -> list[Strip]:
    missing = sum(id_ not in images for id_ in predictions.ids)
    if missing:
        raise DataError(
            f"{missing:,} of {len(predictions):,} samples that {run.label} was tested on are not in the data."
        )

    def sample(row: int) -> Sample:
        id_, truth, answer = str(predictions.ids[row]), predictions.labels[row], predictions.predictions[row]
        seen = picture(images[id_], f"sample {id_}: {truth}, taken for {answer}")
        return Sample((seen,), id_, truth, answer, _probability(predictions, row))

    right = [row for row, correct in enumerate(predictions.correct) if correct]
    wrong = [row for row, correct in enumerate(predictions.correct) if not correct]
    # The same draw every time, so that it cannot be repeated until it looks good.
    rng = random.Random(run.record.id)
    if predictions.probabilities:
        selected = sorted(wrong, key=lambda row: -(_probability(predictions, row) or 0.0))[:SHOWN]
        how = "the {shown} most confident of {all}"
    else:
        selected = sorted(rng.sample(wrong, min(SHOWN, len(wrong))))
        how = _DRAWN
    drawn = sorted(rng.sample(right, min(SHOWN, len(right))))
    return [
        Strip(_strip_title("wrong", how, selected, wrong), tuple(map(sample, selected)), "wrong"),
        Strip(_strip_title("right", _DRAWN, drawn, right), tuple(map(sample, drawn)), "right"),
    ]


def _strip_title(verdict: str, how: str, shown: Sequence[int], everything: Sequence[int]) -> str:
    if not everything:
        return f"No {verdict} prediction"
    if len(shown) == len(everything):
        return f"{verdict.capitalize()}: all {len(shown)}"
    return f"{verdict.capitalize()}: {how.format(shown=len(shown), all=f'{len(everything):,}')}"


def _probability(predictions: Predictions, row: int) -> float | None:
    answer = predictions.predictions[row]
    if not predictions.probabilities or answer not in predictions.classes:
        return None
    return predictions.probabilities[row][list(predictions.classes).index(answer)]


def _reconstruction_strip(samples: ReconstructedSamples) -> Strip:
    if samples.originals.ndim != 4:
        raise RunError("The reconstructed samples are not images.")

    def sample(row: int) -> Sample:
        id_, name = samples.ids[row], samples.classes[row]
        what = f"sample {id_}" + (f", {name}" if name else "")
        return Sample(
            (
                picture(_bytes(samples.originals[row]), f"original of {what}"),
                picture(_bytes(samples.decodings[row]), f"reconstruction of {what}"),
            ),
            id_,
            name,
        )

    rows = _first_of_each_class(samples.classes)
    selection = "the first test image of each class" if any(samples.classes) else "the first test images"
    return Strip(f"Originals above, reconstructions below: {selection}", tuple(map(sample, rows)))


def _first_of_each_class(classes: Sequence[str]) -> list[int]:
    first: dict[str, int] = {}
    for row, name in enumerate(classes):
        if name:
            first.setdefault(name, row)
    return (sorted(first.values()) or list(range(len(classes))))[:SHOWN]


def _bytes(sample: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Pixels of shape (channels, height, width) as uint8, clipped to 0 to 255."""
    import numpy as np

    return np.nan_to_num(sample.transpose(1, 2, 0)).clip(0, 255).round().astype(np.uint8)
