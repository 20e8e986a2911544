"""What has been fetched: said after `galaxynet fetch`."""

from __future__ import annotations

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
    if "Bennet" not in text or len(text) < _LEAST:
        raise DataError(
            f"{path} is not the novel: it has {len(text):,} characters"
            + ("." if "Bennet" in text else ", and the Bennets are not in it."),
            "Remove it and fetch it again; another text is trained on with: --dataset text --file FILE",
        )
    return [f"{len(text):,} characters, {len(set(text))} different ones"]
