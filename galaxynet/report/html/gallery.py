"""Pictures of what a run got right and wrong, or of what came back from an autoencoder."""

from __future__ import annotations

import base64
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxynet import registry
from galaxynet.errors import DataError, GalaxynetError, PluginError, RunError
from galaxynet.runs.reconstructions import RECONSTRUCTIONS, ReconstructedSamples

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from galaxynet.data.module import DataModule
    from galaxynet.runs import Predictions, Run

SHOWN = 12
"""Samples in a row of a gallery."""

_EXACT = 64
"""Up to this many pixels of its longer side a picture is stored without loss."""

_LARGEST = 160
_LOSSLESS, _GOOD = 101, 90
_DRAWN = "{shown} of {all}, drawn at random"


@dataclass(frozen=True)
class Picture:
    """An image of a page.

    Attributes:
        source: A data URI.
        width: In pixels.
        height: In pixels.
        description: What it shows, for those who do not see it.
    """

    source: str
    width: int
    height: int
    description: str

    @property
    def coarse(self) -> bool:
        """Whether its pixels are to be seen as such when it is enlarged."""
        return max(self.width, self.height) <= _EXACT


@dataclass(frozen=True)
class Sample:
    """A sample and what the network made of it.

    Attributes:
        pictures: The sample; beneath it its reconstruction, if there is one.
        id: Its id.
        truth: Its class, or empty.
        answer: The predicted class, or empty.
        probability: Of the predicted class, 0 to 1; None if it is not known.
    """

    pictures: tuple[Picture, ...]
    id: str
    truth: str = ""
    answer: str = ""
    probability: float | None = None


@dataclass(frozen=True)
class Strip:
    """A row of samples, and how they were chosen."""

    title: str
    samples: tuple[Sample, ...]
    kind: str = ""


def gallery(run: Run, data_dir: Path) -> list[Strip]:
    """The rows of a run's gallery; none for a task that has no pictures.

    The images of a classification come from the dataset, which is opened as it was for the training.

    Args:
        run: The run.
        data_dir: The folder of the datasets.

    Raises:
        GalaxynetError: If predictions, reconstructions, the dataset or its plugin are missing or broken, or
            the dataset is no longer the one that the run was tested on.
    """
    if run.record.task == "classification":
        predictions = run.predictions()
        if not len(predictions):
            raise RunError(f"The run {run.label} has no predictions: its test set is empty.")
        return _right_and_wrong(run, predictions, _images(run, data_dir))
    if run.record.task == "reconstruction":
        return [_originals_over_decodings(ReconstructedSamples.read(run.path / RECONSTRUCTIONS))]
    return []


def open_data(run: Run, data_dir: Path) -> DataModule:
    """The data module of a run's dataset, with the options of its record, set up.

    Raises:
        GalaxynetError: If the plugin is gone or broken, or the data are missing or other ones.
    """
    record = run.record
    name = registry.recorded("dataset", record.dataset)
    if not any(name in (plugin.name, plugin.qualified) for plugin in registry.plugins("dataset")):
        origin = f"{record.dataset.distribution} {record.dataset.version}".strip()
        raise PluginError(
            f"The dataset {record.dataset.name} is not installed"
            + (f": it came with {origin}." if origin else "."),
            "Install it.",
        )
    plugin = registry.find("dataset", name)
    spec = plugin.load()
    kind = registry.resolve_for(plugin, spec.module)
    known = {field.name for field in spec.options.fields()}
    values = {option: value for option, value in record.options.dataset.items() if option in known}
    try:
        data: DataModule = kind(
            spec.options.from_dict(values),
            data_dir=data_dir,
            validation=record.options.training.get("validation", 0.1),
            seed=record.seed,
        )
        data.prepare_data()
        data.setup("fit")
        tested = list(data.test_ids), list(data.test_labels)
    except GalaxynetError:
        raise
    except Exception as error:  # whatever a stranger's dataset does
        raise PluginError(
            f"The dataset {plugin.name} of {plugin.distribution} {plugin.version} cannot be opened: "
            f"{type(error).__name__}: {error}.",
            plugin.remove_hint(),
        ) from error
    from galaxynet.data.splits import digest_test_set

    if record.test_set and digest_test_set(*tested) != record.test_set:
        raise DataError(
            f"The data of {record.dataset.name} in {data_dir} are not those that {run.label} was tested on.",
            "Name the folder of those with --data-dir.",
        )
    return data


def picture(pixels: npt.NDArray[np.uint8], description: str) -> Picture:
    """An image as WebP in a data URI; a large one is made smaller.

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
    if max(height, width) > _LARGEST:
        scale = _LARGEST / max(height, width)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    quality = _LOSSLESS if max(height, width) <= _EXACT else _GOOD
    _, encoded = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, quality])
    source = f"data:image/webp;base64,{base64.b64encode(encoded.tobytes()).decode()}"
    return Picture(source, width, height, description)


def _images(run: Run, data_dir: Path) -> dict[str, npt.NDArray[np.uint8]]:
    data: Any = open_data(run, data_dir)
    images = getattr(getattr(data, "data", None), "images", None)
    if images is None or getattr(images, "ndim", 0) not in (3, 4):
        raise DataError(f"The dataset {run.record.dataset.name} does not give its images as arrays.")
    return {str(id_): images[row] for row, id_ in enumerate(data.ids)}


def _right_and_wrong(run: Run, found: Predictions, images: dict[str, npt.NDArray[np.uint8]]) -> list[Strip]:
    missing = sum(id_ not in images for id_ in found.ids)
    if missing:
        raise DataError(
            f"{missing:,} of {len(found):,} samples that {run.label} was tested on are not in the dataset."
        )

    def sample(row: int) -> Sample:
        id_, truth, answer = str(found.ids[row]), found.labels[row], found.predictions[row]
        seen = picture(images[id_], f"sample {id_}: {truth}, taken for {answer}")
        return Sample((seen,), id_, truth, answer, _probability(found, row))

    right = [row for row, correct in enumerate(found.correct) if correct]
    wrong = [row for row, correct in enumerate(found.correct) if not correct]
    # Always the same draw for the same run, so that nobody can draw until it looks well.
    chance = random.Random(run.record.id)
    if found.probabilities:
        picked = sorted(wrong, key=lambda row: -(_probability(found, row) or 0.0))[:SHOWN]
        how = "the {shown} most confident of {all}"
    else:
        picked = sorted(chance.sample(wrong, min(SHOWN, len(wrong))))
        how = _DRAWN
    drawn = sorted(chance.sample(right, min(SHOWN, len(right))))
    return [
        Strip(_count("wrong", how, picked, wrong), tuple(map(sample, picked)), "wrong"),
        Strip(_count("right", _DRAWN, drawn, right), tuple(map(sample, drawn)), "right"),
    ]


def _count(kind: str, how: str, shown: Sequence[int], there_are: Sequence[int]) -> str:
    if not there_are:
        return f"No {kind} prediction"
    if len(shown) == len(there_are):
        return f"{kind.capitalize()}: all {len(shown)}"
    return f"{kind.capitalize()}: {how.format(shown=len(shown), all=f'{len(there_are):,}')}"


def _probability(found: Predictions, row: int) -> float | None:
    answer = found.predictions[row]
    if not found.probabilities or answer not in found.classes:
        return None
    return found.probabilities[row][list(found.classes).index(answer)]


def _originals_over_decodings(found: ReconstructedSamples) -> Strip:
    if found.originals.ndim != 4:
        raise RunError("What was reconstructed are no images.")

    def sample(row: int) -> Sample:
        id_, name = found.ids[row], found.classes[row]
        what = f"sample {id_}" + (f", {name}" if name else "")
        return Sample(
            (
                picture(_bytes(found.originals[row]), f"original of {what}"),
                picture(_bytes(found.decodings[row]), f"reconstruction of {what}"),
            ),
            id_,
            name,
        )

    rows = _one_of_each(found.classes)
    chosen = "the first test image of each class" if any(found.classes) else "the first test images"
    return Strip(f"Originals above, reconstructions beneath: {chosen}", tuple(map(sample, rows)))


def _one_of_each(classes: Sequence[str]) -> list[int]:
    first: dict[str, int] = {}
    for row, name in enumerate(classes):
        if name:
            first.setdefault(name, row)
    return (sorted(first.values()) or list(range(len(classes))))[:SHOWN]


def _bytes(sample: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """From (channels, height, width) in units of stored pixels; what lies outside 0 to 255 is cut off."""
    import numpy as np

    return np.nan_to_num(sample.transpose(1, 2, 0)).clip(0, 255).round().astype(np.uint8)
