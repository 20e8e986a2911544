"""Whether what has been fetched is the novel: seen before it is kept, and said after `galaxynet fetch`."""

from __future__ import annotations

import shutil
from pathlib import Path

from galaxynet.errors import DataError
from galaxynet_charrnn import NOVEL
from galaxynet_charrnn.text import read_text, without_licence

# The novel has some 690,000 characters in every edition; a page that says "not found" has not.
_LEAST = 500_000


def check(folder: Path) -> list[str]:
    """Count the characters.

    Args:
        folder: The dataset's folder.

    Returns:
        A line for a person.

    Raises:
        DataError: If it is no text, or not the novel.
    """
    path = folder / NOVEL.name
    text = without_licence(read_text(path))
    if wrong := _not_the_novel(text):
        raise DataError(
            f"{path} {wrong}",
            "Remove it and fetch it again; another text is trained on with: --dataset text --file FILE",
        )
    return [f"{len(text):,} characters, {len(set(text))} different ones"]


def keep(source: Path, target: Path) -> None:
    """Keep a file as it is, if it is the novel: the `convert` of its `DataFile`.

    Args:
        source: What has arrived.
        target: Where it is kept.

    Raises:
        DataError: If it is no text, or not the novel. The message calls it by its final name.
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
    if named and len(text) >= _LEAST:
        return ""
    return f"is not the novel: it has {len(text):,} characters" + (
        "." if named else ", and the Bennets are not in it."
    )
