"""`galaxynet datasets`: what is on this machine."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made import GALAXIES, SIMULATED, downloads, on_disk

from galaxynet import locks, registry
from galaxynet.cli.main import main
from galaxynet.data import array_cache
from galaxynet.errors import UsageError
from galaxynet.fetching.errors import FetchError
from galaxynet.fetching.fetch import fetch
from galaxynet.fetching.inventory import InventoryItem, inventory, remove
from galaxynet.fetching.request import FetchRequest

Stranger = Callable[..., Any]


@pytest.fixture
def fetched(stranger: Stranger, tmp_path: Path, data: Path) -> Path:
    """The data folder with the stranger's dataset in it."""
    fetch(FetchRequest(stranger(GALAXIES), data, folder=downloads(tmp_path / "downloads")))
    return data


def item(data: Path, *, verify: bool = False, name: str = "stars") -> InventoryItem:
    return next(item for item in inventory(data, verify=verify) if item.name == name)


def test_what_is_there_is_told(fetched: Path, tmp_path: Path) -> None:
    """The listing has the files, size with all caches, time and origin of a dataset."""
    (fetched / "stars" / "cache").mkdir()
    (fetched / "stars" / "cache" / "images.bin").write_bytes(bytes(100_000))
    entry = item(fetched)
    assert (entry.status, entry.files) == ("there", 2)
    assert entry.size == sum(p.stat().st_size for p in (fetched / "stars").rglob("*") if p.is_file())
    assert entry.sources == (f"from {tmp_path / 'downloads'}",)
    assert entry.fetched is not None
    assert entry.problems == ()


def test_what_was_not_fetched_is_listed_too(stranger: Stranger, data: Path) -> None:
    """Every installed dataset is listed, fetched or not, also where there is no data folder yet."""
    stranger(GALAXIES)
    assert item(data).status == "not fetched"
    assert not data.exists()


def test_a_dataset_without_files_has_nothing_to_fetch(stranger: Stranger, data: Path) -> None:
    """A dataset of the user's own files is not shown as missing."""
    stranger("SPEC = DatasetSpec(name='stars', summary='', options=Options, module='m:Data')")
    assert item(data).status == "nothing to fetch"


def test_the_options_of_a_simulation_are_told(stranger: Stranger, data: Path) -> None:
    """A simulated dataset is listed with the options that it was made with."""
    fetch(FetchRequest(stranger(SIMULATED), data, options={"count": 4}))
    assert item(data).sources == ("simulated: count=4 seed=0",)


@pytest.mark.promise("Fetching")
def test_a_changed_byte_is_found_by_verify_alone(fetched: Path) -> None:
    """`datasets --verify` finds a file whose bytes changed while its size did not."""
    path = fetched / "stars" / "images.zip"
    whole = bytearray(path.read_bytes())
    whole[40] ^= 1
    path.write_bytes(whole)
    assert item(fetched).status == "there"
    entry = item(fetched, verify=True)
    assert (entry.status, entry.problems) == ("damaged", ("images.zip has changed since it was fetched",))


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: path.write_bytes(b"short")])
def test_a_missing_or_shorter_file_is_seen_at_once(fetched: Path, spoil: Callable[[Path], object]) -> None:
    """A file that is gone or has another size makes its dataset damaged."""
    spoil(fetched / "stars" / "images.zip")
    assert item(fetched).status == "damaged"


def test_untouched_files_verify(fetched: Path) -> None:
    """An unchanged dataset is verified."""
    assert item(fetched, verify=True).status == "verified"


def test_a_begun_download_is_incomplete(stranger: Stranger, data: Path) -> None:
    """A part of a download is counted with its size, as an incomplete dataset."""
    stranger(GALAXIES)
    (data / "stars").mkdir(parents=True)
    (data / "stars" / "images.zip.part").write_bytes(bytes(1000))
    entry = item(data)
    assert (entry.status, entry.size) == ("incomplete", 1000)


@pytest.mark.promise("Strangers' files")
def test_a_damaged_receipt_does_not_hide_the_others(fetched: Path) -> None:
    """A receipt that cannot be read makes its dataset damaged, and hides no other."""
    (fetched / "stars" / "receipt.json").write_text("{")
    assert item(fetched).status == "damaged"
    assert item(fetched, name="galaxy-zoo").status == "not fetched"


def test_data_outlive_their_plugin(fetched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dataset whose package is not installed any more is still listed, and can be removed."""
    monkeypatch.setenv("GALAXYNET_PLUGINS", "galaxynet")
    entry = item(fetched)
    assert entry.problems == ("the package that declares it is not installed",)
    assert remove(fetched, "stars", lambda _: True) is not None
    assert not (fetched / "stars").exists()


@pytest.mark.promise("Fetching")
def test_removing_asks_and_leaves_the_rest(fetched: Path, tmp_path: Path) -> None:
    """Removing a dataset asks first and leaves everything beside it."""
    (fetched / "other").mkdir()
    assert remove(fetched, "stars", lambda _: False) is None
    assert (fetched / "stars" / "images.zip").is_file()
    remove(fetched, "stars", lambda item: item.size > 0)
    assert sorted(path.name for path in fetched.iterdir() if path.is_dir()) == ["other"]
    assert len(on_disk(tmp_path / "downloads")) == 2


@pytest.mark.promise("Fetching")
def test_a_removed_link_leaves_the_persons_file(stranger: Stranger, tmp_path: Path, data: Path) -> None:
    """Removing a dataset that consists of links leaves the linked files alone."""
    folder = downloads(tmp_path / "downloads")
    fetch(FetchRequest(stranger(GALAXIES), data, folder=folder, link=True))
    remove(data, "stars", lambda _: True)
    assert (folder / "images.zip").is_file()


@pytest.mark.parametrize("name", ["stras", "..", "../downloads", ""])
def test_only_datasets_can_be_removed(fetched: Path, name: str) -> None:
    """A name that is no dataset in the data folder, a path above all, removes nothing."""
    with pytest.raises(UsageError, match="There is no dataset"):
        remove(fetched, name, lambda _: True)


def test_what_is_being_fetched_is_not_removed(fetched: Path) -> None:
    """While another process fetches a dataset it cannot be removed."""
    with locks.hold(fetched / ".stars.lock"), pytest.raises(FetchError, match="is fetching stars"):
        remove(fetched, "stars", lambda _: True)
    assert (fetched / "stars" / "images.zip").is_file()


@pytest.mark.parametrize("format", ["json", "csv", "markdown", "rich"])
def test_every_form_tells_the_same(fetched: Path, format: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The table and the forms for programs name the dataset, its status and its size."""
    with pytest.raises(SystemExit) as ended:
        main(["datasets", "--format", format])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    if format == "json":
        rows = json.loads(out)
    elif format == "csv":
        rows = list(csv.DictReader(io.StringIO(out)))
    else:
        assert "stars" in out
        assert "there" in out
        return
    row = next(row for row in rows if row["name"] == "stars")
    assert (row["status"], int(row["files"]), int(row["size"])) == ("there", 2, item(fetched).size)


def test_verify_ends_with_a_failure_if_something_is_damaged(
    fetched: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`datasets --verify` has exit status 1 for a script, and names the command that repairs it."""
    (fetched / "stars" / "labels.zip").write_bytes(b"x")
    with pytest.raises(SystemExit) as ended:
        main(["datasets", "--verify"])
    assert ended.value.code == 1
    assert "Fix it with: galaxynet fetch stars --force" in capsys.readouterr().out


def test_no_plugin_at_all_is_said(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no dataset installed and nothing fetched, the list is empty and no error."""
    monkeypatch.setenv("GALAXYNET_PLUGINS", "")
    registry.clear_cache()
    assert inventory(data) == []


@pytest.fixture
def prepared(fetched: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """Prepared images of 1,000 bytes in the dataset's folder, and others in the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    inside = fetched / "stars" / "arrays"
    outside = array_cache.elsewhere(inside)
    assert outside is not None
    for folder in (inside, outside):
        (folder / "0123").mkdir(parents=True)
        (folder / "0123" / "array.npy").write_bytes(bytes(500))
    return [inside, outside]


def call(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.promise("Inputs")
def test_prepared_images_are_shown_and_cleaned(
    fetched: Path, prepared: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """`datasets` shows what prepared images take, and `datasets clean` removes them and nothing else."""
    before = item(fetched)
    assert before.cache == 1000
    assert call("datasets") == 0
    assert "1.0 kB" in capsys.readouterr().out
    assert call("datasets", "clean", "--dry-run") == 0
    assert "stars: 1.0 kB" in capsys.readouterr().out
    assert item(fetched).cache == 1000
    assert call("datasets", "clean", "stars", "--yes", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out) == [{"name": "stars", "cache": 1000, "removed": True}]
    assert not any(folder.exists() for folder in prepared)
    after = item(fetched, verify=True)
    assert (after.status, after.cache, after.size) == ("verified", 0, before.size - 500)
    assert call("datasets", "clean", "--yes") == 0
    assert "no prepared images in" in capsys.readouterr().err


@pytest.mark.usefixtures("prepared")
def test_cleaning_asks(fetched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`datasets clean` removes nothing that was not confirmed, and needs a known name."""
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert call("datasets", "clean") == 1
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert call("datasets", "clean") == 2
    assert call("datasets", "clean", "stras", "--yes") == 2
    assert item(fetched).cache == 1000
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert call("datasets", "clean") == 0
    assert item(fetched).cache == 0


def test_a_removed_dataset_leaves_no_prepared_images(fetched: Path, prepared: list[Path]) -> None:
    """`datasets remove` removes the prepared images too, wherever they are kept."""
    remove(fetched, "stars", lambda _: True)
    assert not any(folder.exists() for folder in prepared)
