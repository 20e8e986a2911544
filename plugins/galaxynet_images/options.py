"""Which images and labels a network is trained on, and how they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from galaxynet.errors import OptionError
from galaxynet.plugin import Options, option


class ImagesOptions(Options):
    """Options of the dataset `images`."""

    images: Path | None = option(
        None,
        "folder or zip archive of images, text file with a path a line, or table with a column of paths",
        metavar="PATH",
    )
    labels: Path | None = option(
        None,
        "table with a column of ids or paths and a column of labels: .csv, .ecsv, .fits, .vot or .parquet",
        metavar="TABLE",
    )
    label_column: str | None = option(
        None, "column of labels; if none is given, label or class", metavar="NAME"
    )
    id_column: str | None = option(
        None, "column of ids or paths; if none is given, the one that names the most images", metavar="NAME"
    )
    path_column: str | None = option(
        None, "column of paths in a table of images; if none is given, file, path or filename", metavar="NAME"
    )
    size: int = option(60, "side of the images that the network sees, in pixels", ge=8, le=1024)
    channels: Literal["gray", "rgb"] = option("gray", "brightness alone, or the three colours")
    crop: int | None = option(
        None,
        "use only this many central pixels of images of the most frequent size, and the same share of others",
        ge=1,
        le=4096,
    )
    hdu: str | None = option(
        None, "extension of FITS images; if none is given, the first with an image", metavar="N|NAME"
    )
    bands: str | None = option(
        None,
        "bands of FITS images to be red, green and blue, or gray together: names, or numbers from 1",
        metavar="I,R,G",
    )
    stretch: str = option(
        "auto", "brightness of FITS images: an asinh stretch, or auto by their sky", metavar="WIDTH[,Q[,MIN]]"
    )
    test_fraction: float = option(0.3, "share of the images kept for the final test", gt=0, lt=1)
    test_ids: Path | None = option(
        None, "table with a column of ids or paths: test on exactly these images", metavar="TABLE"
    )
    split_seed: int = option(0, "selects the division into training, validation and test part")
    augment: bool = option(
        False,
        "show the training images rotated, flipped, slightly shifted and zoomed, newly drawn in each epoch",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        from galaxynet.images.stretch import Stretch  # imports NumPy, which help does without

        try:
            Stretch.parse(self.stretch)
        except ValueError as error:
            raise OptionError(f"--stretch {error}.") from None
