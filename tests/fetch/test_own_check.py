"""The dataset's own check, before a file gets its final name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kaggle_server import KaggleServer
from made import (
    GALAXIES,
    IMAGES,
    LABELS,
    QUICK,
    SIMULATED,
    challenge,
    contents,
    downloads,
    on_disk,
    write_zip,
)

from galaxynet.errors import DataError, PluginError
from galaxynet.fetching.fetch import fetch
from galaxynet.fetching.request import FetchRequest
from galaxynet.fetching.store import DatasetStore

Stranger = Callable[..., Any]
WHOLE = ["images.zip", "labels.zip", "receipt.json"]

# A dataset that cannot be trained on with fewer than three images, or without labels.
CHOOSY = """
def check(folder):
    import zipfile
    from galaxynet.errors import DataError
    assert folder.name == "stars"
    path = folder / "images.zip"
    with zipfile.ZipFile(path) as archive:
        count = len(archive.namelist())
    if count < 3:
        raise DataError(f"{path} has {count} images, and three are needed.", "Remove it and fetch it again.")
    if not (folder / NAME).is_file():
        raise DataError(f"{folder / NAME} is missing.")
    return [f"{count} images in {path}"]
"""
SITE = GALAXIES.partition("def check")[0] + CHOOSY.replace("NAME", "'labels.zip'")
MIRRORED = SITE.replace('KaggleCompetition(slug="star-challenge")', 'Https(mirrors=("MIRROR",))')
COMPUTED = SIMULATED.replace("sources=", 'check=f"{__name__}:check", sources=') + CHOOSY.replace(
    "NAME", "'labels.csv'"
)
FEW = {"images/0.jpg": b"0"}


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize("source", ["kaggle", "https"])
def test_a_download_that_the_dataset_refuses_is_not_kept(
    stranger: Stranger,
    kaggle: KaggleServer,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    source: str,
) -> None:
    """A downloaded file that training would refuse is never called checked, and does not stay."""
    kaggle.files["images.zip"] = write_zip(tmp_path / "few.zip", FEW).read_bytes()
    plugin = stranger(SITE if source == "kaggle" else MIRRORED.replace("MIRROR", kaggle.mirror()))
    with pytest.raises(DataError, match=r"^images\.zip has 1 images") as raised:
        fetch(FetchRequest(plugin, data, policy=QUICK))
    assert "not kept" in raised.value.hint
    assert "https://stars.example/data" in raised.value.hint
    assert "checked" not in capsys.readouterr().err
    assert on_disk(data / "stars") == []
    kaggle.files = challenge()
    outcome = fetch(FetchRequest(plugin, data, policy=QUICK))
    assert outcome.lines == (f"10 images in {data / 'stars' / 'images.zip'}",)
    assert on_disk(data / "stars") == WHOLE
    assert "images.zip: 1.0 MB, checked" in capsys.readouterr().err


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize("link", [False, True])
def test_a_folders_file_that_the_dataset_refuses_is_not_taken(
    stranger: Stranger, tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str], link: bool
) -> None:
    """A file of a folder that training would refuse is named by its path, and neither copied nor linked."""
    folder = downloads(tmp_path / "downloads")
    write_zip(folder / "images.zip", FEW)
    request = FetchRequest(stranger(SITE), data, folder=folder, link=link)
    with pytest.raises(DataError, match=f"^{folder / 'images.zip'} has 1 images"):
        fetch(request)
    assert "checked" not in capsys.readouterr().err
    assert on_disk(data / "stars") == []
    assert contents(folder / "images.zip") == FEW
    write_zip(folder / "images.zip", IMAGES)
    assert fetch(request).fetched == ("images.zip", "labels.zip")
    assert (data / "stars" / "images.zip").is_symlink() == link


@pytest.mark.promise("Fetching")
def test_a_refused_replacement_does_not_cost_the_good_file(
    stranger: Stranger, tmp_path: Path, data: Path
) -> None:
    """If the dataset refuses what should replace a file, the file that was there stays."""
    folder = downloads(tmp_path / "downloads")
    request = FetchRequest(stranger(SITE), data, folder=folder)
    fetch(request)
    write_zip(folder / "images.zip", FEW)
    with pytest.raises(DataError, match="three are needed"):
        fetch(request)
    assert contents(data / "stars" / "images.zip") == IMAGES
    assert fetch(replace(request, folder=None)).present == ("images.zip", "labels.zip")


@pytest.mark.promise("Fetching")
def test_a_simulation_that_the_dataset_refuses_replaces_nothing(stranger: Stranger, data: Path) -> None:
    """A simulation that training would refuse is removed, and what was simulated before stays."""
    plugin = stranger(COMPUTED)
    fetch(FetchRequest(plugin, data))
    with pytest.raises(DataError, match=r"^images\.zip has 2 images"):
        fetch(FetchRequest(plugin, data, options={"count": 2}))
    assert on_disk(data / "stars") == ["calls", "images.zip", "labels.csv", "receipt.json"]
    assert fetch(FetchRequest(plugin, data)).fetched == ()


@pytest.mark.promise("Fetching")
def test_a_stop_between_two_files_costs_no_second_download(
    stranger: Stranger, kaggle: KaggleServer, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that waits for the others when a fetch is killed is not downloaded again."""
    request = FetchRequest(stranger(SITE), data, policy=QUICK)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(DatasetStore, "publish", killed)
        with pytest.raises(KeyboardInterrupt):
            fetch(request)
    assert [name for name in on_disk(data / "stars") if not name.endswith(".json")] == [
        "images.zip.part",
        "labels.zip.part",
    ]
    kaggle.requests.clear()
    assert fetch(request).fetched == ("images.zip", "labels.zip")
    assert not kaggle.headers_of("/storage")
    assert on_disk(data / "stars") == WHOLE


@pytest.mark.promise("Fetching")
def test_what_came_before_a_failure_is_kept_for_the_next_call(
    stranger: Stranger, kaggle: KaggleServer, data: Path
) -> None:
    """If the second file cannot be had, the first waits for it without its name, and is not fetched again."""
    request = FetchRequest(stranger(SITE), data, policy=QUICK)
    kaggle.fail("api", "", "", "", "404")
    with pytest.raises(Exception, match=r"has no labels\.zip"):
        fetch(request)
    assert on_disk(data / "stars") == ["images.zip.part", "images.zip.part.json"]
    kaggle.requests.clear()
    fetch(request)
    assert not kaggle.headers_of("/storage/images.zip")
    assert on_disk(data / "stars") == WHOLE


@pytest.mark.promise("Fetching")
def test_files_found_in_the_data_folder_are_checked_too(
    stranger: Stranger, kaggle: KaggleServer, data: Path
) -> None:
    """Files that were put into the data folder by hand, and cannot be trained on, are fetched."""
    (data / "stars").mkdir(parents=True)
    write_zip(data / "stars" / "images.zip", FEW)
    write_zip(data / "stars" / "labels.zip", LABELS)
    fetch(FetchRequest(stranger(SITE), data, policy=QUICK))
    assert len(contents(data / "stars" / "images.zip")) == 10
    assert on_disk(data / "stars") == WHOLE


@pytest.mark.promise("Fetching")
def test_a_check_that_fails_itself_is_the_plugins_fault(
    stranger: Stranger, tmp_path: Path, data: Path
) -> None:
    """A check that raises something unexpected is reported as the plugin's, and no file gets its name."""
    folder = downloads(tmp_path / "downloads")
    broken = SITE.replace("count < 3", "1 / 0")
    with pytest.raises(PluginError, match=r"'stars' of .* fails in .*:check: ZeroDivisionError"):
        fetch(FetchRequest(stranger(broken), data, folder=folder))
    assert on_disk(data / "stars") == []


@pytest.mark.promise("Fetching")
def test_the_check_sees_the_files_where_links_cannot_be_made(
    stranger: Stranger, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a file system without links the check works as well."""
    folder = downloads(tmp_path / "downloads")

    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "symlink_to", refused)
    fetch(FetchRequest(stranger(SITE), data, folder=folder))
    assert on_disk(data / "stars") == WHOLE
