"""Options of the galaxies that a network is trained on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from galaxynet.errors import OptionError
from galaxynet.options import Options, option
from galaxynet.paths import expanded

LABEL_RULES = ("plurality", "morphology5")
"""Rules that turn a galaxy's votes into a class; see `galaxynet_galaxy_zoo.labels`."""

_NAME = re.compile("[a-z][a-z0-9_]{0,39}")
_RESERVED = ("complete",)
"""Parts of names of metrics that mean something else."""

VOTES = "votes"
"""The value of `--labels` for the vote fractions themselves."""


class GalaxyZooOptions(Options):
    """Options of the datasets `galaxy-zoo` and `galaxy-sim`."""

    size: int = option(60, "side of the network's input images, in pixels", ge=16, le=424)
    channels: Literal["gray", "rgb"] = option("gray", "gray levels, or three colours")
    crop: int | None = option(
        None, "width of the central part of the original image (424 pixels) to use", ge=16, le=424
    )
    labels: str = option(
        "plurality",
        "plurality (the answer with the most votes), morphology5 (five classes by vote thresholds), "
        "votes (the 37 vote fractions), or a CSV file with the columns GalaxyID and label",
        metavar="RULE|CSV",
    )
    votes: Path | None = option(
        None,
        "table of votes in the form of the challenge's solutions, which are the default; blank cells are "
        "unknown",
        metavar="CSV",
    )
    also: tuple[str, ...] = option(
        (),
        "with --labels votes: learn the classes of a table, too, from its columns GalaxyID and label",
        metavar="NAME=CSV",
    )
    test_fraction: float = option(0.3, "share of the galaxies to hold out for the final test", gt=0, lt=1)
    test_ids: Path | None = option(
        None, "CSV file with a column GalaxyID: test on exactly these galaxies", metavar="CSV"
    )
    validation_from: Path | None = option(
        None,
        "CSV file with a column GalaxyID: draw the validation part from these galaxies alone",
        metavar="CSV",
    )
    split_seed: int = option(0, "seed of the division into training, validation and test parts")
    augment: bool = option(
        False, "rotate, flip, and slightly shift and zoom the training galaxies, differently in each epoch"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.labels not in (*LABEL_RULES, VOTES):
            if self.votes is not None:
                raise OptionError(
                    "--votes is of no use with a table of labels.", "Leave out --labels or --votes."
                )
            # The record has to mean the same file wherever it is read.
            object.__setattr__(self, "labels", str(expanded(Path(self.labels)).absolute()))
        if self.also and self.labels != VOTES:
            raise OptionError("--also names classes to learn beside votes.", "Use it with --labels votes.")
        absolute = tuple(f"{name}={path}" for name, path in _tables(self.also).items())
        object.__setattr__(self, "also", absolute)

    @property
    def also_tables(self) -> dict[str, Path]:
        """The tables of `also` by name."""
        return _tables(self.also)


def _tables(also: Sequence[str]) -> dict[str, Path]:
    tables: dict[str, Path] = {}
    for text in also:
        name, sign, path = text.partition("=")
        if not sign or not path:
            raise OptionError(
                f"--also {text}: expected a name and a table.",
                "Write for example --also plurality=labels.csv",
            )
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise OptionError(
                f"--also {text}: a table cannot be named {name!r}.",
                "A name has lower case letters, digits and _, such as plurality.",
            )
        if name in tables:
            raise OptionError(
                f"--also {text}: there are two tables of the name {name}.", "Rename one of them."
            )
        tables[name] = expanded(Path(path)).absolute()
    return tables
