"""Prepared arrays on disk."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from array_builds import KEY, never, recipe, start, wait_for

from galaxynet.data.array_cache import INDEX
from galaxynet.data.arrays import ARRAY, Block, Recipe, cached_array
from galaxynet.errors import DataError


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
