"""Galaxy images with volunteers' votes: the dataset `galaxy-zoo`."""

from __future__ import annotations

from galaxynet.plugin import DataFile, DatasetSpec, KaggleCompetition
from galaxynet_galaxy_zoo.options import GalaxyZooOptions

TRAINING_IMAGES = DataFile(
    name="images_training_rev1.zip",
    summary="JPEG images of the galaxies, named by GalaxyID",
    folder="images_training_rev1",
)
SOLUTIONS = DataFile(
    name="training_solutions_rev1.zip",
    summary="the volunteers' votes: 37 fractions for each galaxy",
    folder="training_solutions_rev1.csv",
    optional="Without votes, training needs labels of your own: --labels FILE.csv",
)
TEST_IMAGES = DataFile(
    name="images_test_rev1.zip",
    summary="images of the competition's test set, without votes",
    group="test",
    folder="images_test_rev1",
)

GALAXY_ZOO = DatasetSpec(
    name="galaxy-zoo",
    summary="61,578 galaxies of the Sloan survey with the votes of Galaxy Zoo 2 (Kaggle)",
    options=GalaxyZooOptions,
    module="galaxynet_galaxy_zoo.datamodule:GalaxyZooData",
    files=(TRAINING_IMAGES, SOLUTIONS, TEST_IMAGES),
    sources=(KaggleCompetition(slug="galaxy-zoo-the-galaxy-challenge"),),
    homepage="https://www.kaggle.com/c/galaxy-zoo-the-galaxy-challenge",
    check="galaxynet_galaxy_zoo.check:check",
)
