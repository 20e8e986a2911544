"""Prepared arrays on disk."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from galaxynet.data.array_cache import INDEX, cache_folders, clean, lock
from galaxynet.data.arrays import ARRAY, Block, Recipe, cached_array, fingerprint
from galaxynet.errors import DataError

KEY = {"size": 4}


def recipe(blocks: int = 5, rows: int = 3, spare: int = 0) -> Recipe:
    def make() -> Iterator[Block]:
        for number in range(blocks):
            ids = range(number * rows, (number + 1) * rows)
            filled = np.stack([np.full((4, 4), id_ % 256, np.uint8) for id_ in ids])
            yield Block(filled, list(ids), {f"bad{number}": "broken"} if spare else {})

    return Recipe(blocks * rows + spare, (4, 4), make, {"width": 424})


def never() -> Recipe:
    raise AssertionError("the array was built again")


def test_an_array_is_built_once_and_then_opened(tmp_path: Path) -> None:
    """The second start reads what the first one wrote, without asking how it is made."""
    built = cached_array(tmp_path, KEY, recipe)
    opened = cached_array(tmp_path, dict(KEY), never)
    for array in (built, opened):
        assert array.rows.shape == (15, 4, 4)
        assert array.rows[:, 0, 0].tolist() == array.ids == list(range(15))
        assert array.extra == {"width": 424}


@pytest.mark.promise("Measurements")
def test_another_key_is_another_array(tmp_path: Path) -> None:
    """Changing a setting never shows the pixels of the old one."""
    cached_array(tmp_path, {"size": 4}, recipe)
    assert len(cached_array(tmp_path, {"size": 5}, lambda: recipe(blocks=2)).ids) == 6
    assert len(cached_array(tmp_path, {"size": 4}, never).ids) == 15


def test_samples_that_are_left_out_leave_no_gap(tmp_path: Path) -> None:
    """With fewer rows than announced the array has just the rows that there are, and names the others."""
    array = cached_array(tmp_path, KEY, lambda: recipe(spare=5))
    assert array.rows.shape == (15, 4, 4)
    assert np.load(array.folder / ARRAY).shape == (15, 4, 4)
    assert array.skipped["bad3"] == "broken"
    assert len(array.skipped) == 5


def test_writing_into_the_array_does_not_change_the_file(tmp_path: Path) -> None:
    """A program that writes into its images spoils them for itself alone."""
    cached_array(tmp_path, KEY, recipe).rows[:] = 99
    assert cached_array(tmp_path, KEY, never).rows[2, 0, 0] == 2


@pytest.mark.promise("Interruptions")
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, MemoryError])
def test_an_interrupted_build_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    """Ctrl-C while images are prepared leaves no partial array, and the next start builds it."""

    def broken() -> Iterator[Block]:
        yield from recipe(2).blocks()
        raise error

    with pytest.raises(error):
        cached_array(tmp_path, KEY, lambda: Recipe(15, (4, 4), broken))
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []
    assert len(cached_array(tmp_path, KEY, recipe).ids) == 15


@pytest.mark.promise("Interruptions")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / INDEX).unlink(),
        lambda folder: (folder / INDEX).write_text("{"),
        lambda folder: (folder / INDEX).write_text("[]"),
        lambda folder: os.truncate(folder / ARRAY, 100),
        lambda folder: os.truncate(folder / ARRAY, 0),
        lambda folder: (folder / ARRAY).unlink(),
    ],
)
def test_a_damaged_array_is_built_again(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    """A damaged array of prepared images is built again."""
    spoil(cached_array(tmp_path, KEY, recipe).folder)
    array = cached_array(tmp_path, KEY, recipe)
    assert array.rows[:, 3, 3].tolist() == list(range(15))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EIO, "Input/output error", "images.zip"), r"Input/output error \(images\.zip\)\."),
        (OSError("truncated read"), r": truncated read\."),
        (OSError(), r": OSError\."),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_an_error_of_reading_is_not_blamed_on_the_array_folder(
    tmp_path: Path, error: OSError, words: str, late: bool
) -> None:
    """A broken disk under the archive is not answered with the advice to write elsewhere."""

    def broken() -> Iterator[Block]:
        yield from recipe(2).blocks()
        raise error

    def make() -> Recipe:
        if late:
            return Recipe(15, (4, 4), broken)
        raise error

    with pytest.raises(DataError, match="cannot be read to prepare them.*" + words) as caught:
        cached_array(tmp_path, KEY, make)
    assert "--data-dir" not in caught.value.hint
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The way out of it is another folder."""
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot be kept in .*: Not a directory \(.*file") as caught:
        cached_array(tmp_path / "file" / "cache", KEY, recipe)
    assert "--data-dir" in caught.value.hint


def test_too_little_space_is_said_before_anything_is_written(tmp_path: Path) -> None:
    """A disk that is too small is noticed at once; the sentence says how much is needed."""
    huge = Recipe(10**9, (1000, 1000), never)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"need 1,000,000,000 MB") as caught:
        cached_array(tmp_path, KEY, lambda: huge)
    assert "--data-dir" in caught.value.hint


def test_a_disk_that_fills_up_meanwhile_is_one_sentence(tmp_path: Path) -> None:
    """If the space runs out during the build, the system's refusal becomes one sentence and no remains."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        with pytest.raises(DataError, match="disk is full"):
            cached_array(tmp_path, KEY, lambda: recipe(blocks=200, rows=200))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


@pytest.mark.promise("Interruptions")
def test_a_real_full_disk_is_one_sentence(tmp_path: Path) -> None:
    """A disk that fills up while images are prepared is one sentence, and leaves no remains."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("no right to mount a small file system here")
    try:
        shape = (4, 4)
        small = Recipe(1000, shape, recipe(blocks=100, rows=200).blocks)  # says 16 kB, needs 320 kB
        with pytest.raises(DataError, match="disk is full"):
            cached_array(disk / "arrays", KEY, lambda: small)
        assert [path for path in (disk / "arrays").iterdir() if path.is_dir()] == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """Where no folder can be made, the sentence says where, and how to choose another."""
    (tmp_path / "arrays").write_text("a file in the way")
    with pytest.raises(DataError, match="cannot be kept"):
        cached_array(tmp_path / "arrays", KEY, recipe)


SLOW_BUILD = """
import sys, time, numpy as np
from pathlib import Path
from galaxynet.data.arrays import Block, Recipe, cached_array

folder, pause = Path(sys.argv[1]), float(sys.argv[2])

def blocks():
    for number in range(20):
        (folder / "count").open("a").write("x")
        time.sleep(pause)
        yield Block(np.full((10, 4, 4), number, np.uint8), list(range(number * 10, number * 10 + 10)), {})

array = cached_array(folder / "arrays", {"size": 4}, lambda: Recipe(200, (4, 4), blocks))
print(len(array.ids), int(array.rows[:, 0, 0].astype(int).sum()))
"""


def start(folder: Path, pause: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SLOW_BUILD, str(folder), str(pause)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until, "nothing happened within 20 s"
        time.sleep(0.01)


@pytest.mark.promise("Several processes")
def test_two_processes_at_once_build_one_array(tmp_path: Path) -> None:
    """Two trainings started together prepare the images once, and both get all of them."""
    both = [start(tmp_path, 0.02) for _ in range(2)]
    answers = [process.communicate() for process in both]
    assert [answer[0] for answer in answers] == ["200 1900\n"] * 2
    assert (tmp_path / "count").read_text() == "x" * 20
    assert sum("waiting for it" in answer[1] for answer in answers) == 1


@pytest.mark.promise("Interruptions")
def test_kill_9_leaves_nothing_that_counts(tmp_path: Path) -> None:
    """After `kill -9` while images are prepared the next start builds the array and removes the remains."""
    process = start(tmp_path, 30)
    wait_for(lambda: any((tmp_path / "arrays").glob(".*.building/" + ARRAY)))
    process.kill()
    process.communicate()
    assert list((tmp_path / "arrays").glob(".*.building"))
    # Building another key removes them too: the first key may never be requested again.
    cached_array(tmp_path / "arrays", {"size": 5}, recipe)
    assert not list((tmp_path / "arrays").glob(".*.building"))
    assert start(tmp_path, 0).communicate()[0] == "200 1900\n"


@pytest.mark.promise("Several processes")
def test_the_remains_of_the_living_are_left_alone(tmp_path: Path) -> None:
    """A build removes what dead processes left, never what another one is writing."""
    process = start(tmp_path, 0.03)
    wait_for(lambda: any((tmp_path / "arrays").glob(".*.building/" + ARRAY)))
    cached_array(tmp_path / "arrays", {"size": 5}, recipe)
    assert list((tmp_path / "arrays").glob(".*.building"))
    assert process.communicate()[0] == "200 1900\n"


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
