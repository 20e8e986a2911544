"""The part of a download by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from galaxynet.fetching.partial import Partial, State


@pytest.mark.promise("Fetching")
def test_a_part_that_is_longer_than_its_file_is_not_used(tmp_path: Path) -> None:
    """A `.part` with more bytes than the whole file has is begun again."""
    path = tmp_path / "stars.zip.part"
    with Partial(path, "here") as part:
        part.restart(State("here", '"tag"', size=3))
        part.write(b"123")
    path.write_bytes(b"12345")
    with Partial(path, "here") as part:
        assert part.size == 0


def test_a_size_that_was_not_stated_is_known_at_the_end(tmp_path: Path) -> None:
    """A complete part of a server that states no size is not asked for again."""
    path = tmp_path / "stars.zip.part"
    with Partial(path, "here") as part:
        part.restart(State("here", '"tag"'))
        part.write(b"123")
        assert not part.complete
        assert part.finish().size == 3
    with Partial(path, "here") as part:
        assert (part.size, part.complete) == (3, True)
