"""Check that fetched files can be trained on, before they are kept."""

from __future__ import annotations

from pathlib import Path

from galaxynet.errors import DataError
from galaxynet.images.votes import check_votes
from galaxynet_galaxy_zoo import SOLUTIONS, TEST_IMAGES, TRAINING_IMAGES
from galaxynet_galaxy_zoo.archives import check_images
from galaxynet_galaxy_zoo.files import need
from galaxynet_galaxy_zoo.labels import plurality
from galaxynet_galaxy_zoo.options import GalaxyZooOptions
from galaxynet_galaxy_zoo.selection import select
from galaxynet_galaxy_zoo.tables import read_votes
from galaxynet_galaxy_zoo.tree import TREE

_VALIDATION = 0.1
"""Share of the training part that `train` holds out by default."""

_OWN_LABELS = (
    "images without votes can be trained on with a table of your own: --labels FILE.csv, with the "
    "columns GalaxyID and label"
)


def check(folder: Path) -> list[str]:
    """Count images and votes, and check that they can be trained on.

    Args:
        folder: The dataset's folder.

    Returns:
        Lines to print.

    Raises:
        DataError: If the images are missing, or training would refuse the files.
    """
    images = check_images(need(folder, TRAINING_IMAGES))
    if not (folder / SOLUTIONS.name).is_file():
        return [f"{len(images):,} images, no votes: {_OWN_LABELS}", *_test_images(folder)]
    votes = read_votes(need(folder, SOLUTIONS))
    options = GalaxyZooOptions()
    labels = plurality(votes)
    select(images, labels, test=options.test_fraction, validation=_VALIDATION, seed=options.split_seed)
    both = len(set(images) & set(votes.ids))
    lines = [
        f"{len(images):,} images, {len(votes.ids):,} rows of votes: {both:,} galaxies have both, "
        f"{len(images) - both:,} images have no votes, {len(votes.ids) - both:,} rows no image"
    ]
    try:
        check_votes(TREE, votes.fractions, [f"galaxy {galaxy}" for galaxy in votes.ids])
        lines.append("the votes add up as the questions demand, in every row")
    except DataError as error:
        lines.append(f"the votes do not add up as the questions demand: {error}")
    if len(images) > both:
        lines.append(_OWN_LABELS)
    return [*lines, *_test_images(folder)]


def _test_images(folder: Path) -> list[str]:
    path = folder / TEST_IMAGES.name
    return [f"{len(check_images(path)):,} images of the competition's test set"] if path.is_file() else []
