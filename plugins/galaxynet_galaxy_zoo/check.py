"""What has been fetched: said after `galaxynet fetch`, before a training stumbles over it."""

from __future__ import annotations

from pathlib import Path

from galaxynet.errors import DataError
from galaxynet_galaxy_zoo import SOLUTIONS, TEST_IMAGES, TRAINING_IMAGES
from galaxynet_galaxy_zoo.files import need
from galaxynet_galaxy_zoo.members import members, open_archive
from galaxynet_galaxy_zoo.tables import read_votes
from galaxynet_galaxy_zoo.votes import check_sums

_OWN_LABELS = (
    "images without votes can be trained on with a table of your own: --labels FILE.csv, with the "
    "columns GalaxyID and label"
)


def check(folder: Path) -> list[str]:
    """Count what is there and what belongs together.

    Args:
        folder: The dataset's folder.

    Returns:
        Lines for a person.

    Raises:
        DataError: If the images are missing, or a file is damaged, or holds none of what it should.
    """
    images = _images(need(folder, TRAINING_IMAGES))
    if not (folder / SOLUTIONS.name).is_file():
        return [f"{len(images):,} images, no votes: {_OWN_LABELS}", *_test_images(folder)]
    votes = read_votes(need(folder, SOLUTIONS))
    both = len(images & set(votes.ids))
    lines = [
        f"{len(images):,} images, {len(votes.ids):,} rows of votes: {both:,} galaxies have both, "
        f"{len(images) - both:,} images have no votes, {len(votes.ids) - both:,} rows no image"
    ]
    try:
        check_sums(votes.fractions, votes.ids)
        lines.append("the votes add up as the questions demand, in every row")
    except DataError as error:
        lines.append(f"the votes do not add up as the questions demand: {error}")
    if len(images) > both:
        lines.append(_OWN_LABELS)
    return [*lines, *_test_images(folder)]


def _test_images(folder: Path) -> list[str]:
    path = folder / TEST_IMAGES.name
    return [f"{len(_images(path)):,} images of the competition's test set"] if path.is_file() else []


def _images(path: Path) -> set[int]:
    with open_archive(path) as archive:
        images = members(archive).images
    if not images:
        raise DataError(
            f"{path} has no JPEG images named by GalaxyID in it.", "Remove it and fetch it again."
        )
    return set(images)
