"""Prepared arrays and the archives that they are made from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from array_builds import KEY, never, recipe, start, wait_for

from galaxynet.data.array_cache import INDEX, cache_folders, clean, lock
from galaxynet.data.arrays import ARRAY, cached_array, fingerprint


def test_a_changed_file_has_another_fingerprint(tmp_path: Path) -> None:
    """A file that was fetched again has another fingerprint by its size or time; it is not read."""
    path = tmp_path / "a.zip"
    path.write_bytes(b"one")
    first = fingerprint(path)
    assert fingerprint(path) == first
    os.utime(path, ns=(1, 1))
    assert fingerprint(path) != first


@pytest.mark.promise("Inputs")
@pytest.mark.parametrize("home", [True, False])
def test_a_read_only_folder_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: bool
) -> None:
    """Images of a read-only data folder are prepared in the user's cache, or else in memory."""
    data = Path("/sys/kernel")  # where not even root may make a folder
    if not data.is_dir():
        pytest.skip("no read-only folder on this machine")
    cache = tmp_path if home else data
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    array = cached_array(data / "arrays", KEY, lambda: recipe(spare=2))
    assert array.rows[:, 0, 0].tolist() == array.ids == list(range(15))
    assert (len(array.skipped), array.extra) == (5, {"width": 424})
    if home:
        assert cached_array(data / "arrays", KEY, never).ids == array.ids
        assert cache_folders(data) == [array.folder.parent]
    message = " ".join(capsys.readouterr().err.split())
    assert message.count("/sys/kernel/arrays is read-only") == 1
    assert ("prepared in memory" in message) == (not home)


@pytest.mark.promise("Inputs")
def test_arrays_of_an_archive_that_changed_are_dropped(tmp_path: Path) -> None:
    """A new array of an archive removes those made of it before it changed, and no others."""
    archive, other = tmp_path / "a.zip", tmp_path / "other" / "a.zip"
    other.parent.mkdir()
    for path in (archive, other):
        path.write_bytes(b"one")
    folder = tmp_path / "arrays"

    def key(path: Path, size: int) -> dict[str, object]:
        return {"source": fingerprint(path), "size": size}

    for path, size in ((archive, 4), (archive, 5), (other, 4)):
        cached_array(folder, key(path, size), recipe)
    cached_array(folder, {"another": "kind"}, recipe)
    os.utime(archive, ns=(1, 1))
    cached_array(folder, key(archive, 4), recipe)
    assert len(list(folder.glob(f"*/{INDEX}"))) == 3
    for kept in (key(archive, 4), key(other, 4), {"another": "kind"}):
        cached_array(folder, kept, never)


@pytest.mark.promise("Inputs")
def test_a_moved_archive_keeps_its_arrays(tmp_path: Path) -> None:
    """An archive that was moved is not prepared again."""
    archive = tmp_path / "a.zip"
    archive.write_bytes(b"one")
    cached_array(tmp_path / "arrays", {"source": fingerprint(archive)}, recipe)
    (tmp_path / "new").mkdir()
    archive = archive.rename(tmp_path / "new" / "a.zip")
    cached_array(tmp_path / "arrays", {"source": fingerprint(archive)}, never)


def test_cleaning_leaves_the_lock_of_who_reads_an_archive(tmp_path: Path) -> None:
    """Cleaning takes no lock from a process that has not begun to write: no two then build one array."""
    with lock(tmp_path, "a"):
        clean(tmp_path)
        assert (tmp_path / ".a.lock").exists()
    clean(tmp_path)
    assert not tmp_path.exists()


def test_cleaning_leaves_what_is_being_made(tmp_path: Path) -> None:
    """`datasets clean` removes arrays, and not one that another process is making."""
    folder = tmp_path / "arrays"
    done = cached_array(folder, {"size": 5}, recipe)
    process = start(tmp_path, 0.03)
    wait_for(lambda: any(folder.glob(".*.building/" + ARRAY)))
    clean(folder)
    assert not done.folder.exists()
    assert done.rows[2, 0, 0] == 2  # who has it open keeps it
    assert process.communicate()[0] == "200 1900\n"
    clean(folder)
    assert not folder.exists()
