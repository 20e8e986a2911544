"""Check that a fetched file is the novel, before it is kept."""

from __future__ import annotations

import shutil
from pathlib import Path

from galaxynet.errors import DataError
from galaxynet_charrnn import NOVEL
from galaxynet_charrnn.text import read_text, without_licence

# Every edition of the novel has some 690,000 characters; an error page has far fewer.
_MIN_CHARACTERS = 500_000


def check(folder: Path) -> list[str]:
    """Check the novel and count its characters.

    Args:
        folder: The dataset's folder.

    Returns:
        A line to print.

    Raises:
        DataError: If it is not text, or not the novel.
    """
    path = folder / NOVEL.name
    text = without_licence(read_text(path))
    if wrong := _not_the_novel(text):
        raise DataError(
            f"{path} {wrong}",
            "Remove it and fetch it again; to train on another text: --dataset text --file FILE",
        )
    return [f"{len(text):,} characters, {len(set(text))} different ones"]


def keep(source: Path, target: Path) -> None:
    """Copy a file unchanged if it is the novel: the `convert` of its `DataFile`.

    Args:
        source: The file that arrived.
        target: Where to copy it.

    Raises:
        DataError: If it is not text, or not the novel. The message uses its final name.
    """
    try:
        wrong = _not_the_novel(without_licence(read_text(source)))
    except DataError as error:
        raise DataError(error.message.replace(str(source), NOVEL.name), error.hint) from None
    if wrong:
        raise DataError(
            f"{NOVEL.name} {wrong} Another text is not fetched; train on it with: --dataset text --file FILE."
        )
    shutil.copyfile(source, target)


def _not_the_novel(text: str) -> str:
    """Why a text is not the novel; empty if it is."""
    named = "Bennet" in text
    if named and len(text) >= _MIN_CHARACTERS:
        return ""
    return f"is not the novel: it has {len(text):,} characters" + (
        "." if named else ", and the Bennets are not in it."
    )
