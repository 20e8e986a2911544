"""The galaxies that an image archive holds."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

from galaxynet.errors import DataError
from galaxynet.zip_members import UNPACKING_ERRORS, member_path
from galaxynet_galaxy_zoo.ids import galaxy_id


@dataclass(frozen=True)
class Members:
    """What is in an archive.

    Attributes:
        images: Member name of each GalaxyID's image, in archive order.
        odd: JPEGs that are not an image of a galaxy: name and reason.
    """

    images: dict[int, str]
    odd: dict[str, str]


def open_archive(path: Path) -> zipfile.ZipFile:
    """Open a zip archive.

    Raises:
        DataError: If it is not a zip archive, or only a part of one.
    """
    try:
        return zipfile.ZipFile(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UNPACKING_ERRORS as error:
        raise DataError(
            f"{path} is not a whole zip archive: {error}.", "Remove it and fetch it again."
        ) from error


def members(archive: zipfile.ZipFile) -> Members:
    """The images in an archive, by GalaxyID, in whatever folder of it they are."""
    images: dict[int, str] = {}
    odd: dict[str, str] = {}
    for name in archive.namelist():
        path = member_path(name)
        # macOS adds a `._100008.jpg` to every file when it packs a folder.
        if path.suffix.lower() not in (".jpg", ".jpeg") or path.name.startswith("."):
            continue
        try:
            galaxy = galaxy_id(path.name)
        except ValueError:
            odd[name] = "its name is not a GalaxyID"
            continue
        if images.setdefault(galaxy, name) != name:
            odd[name] = "another image has the same GalaxyID"
    return Members(images, odd)
