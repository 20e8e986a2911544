"""Datasets that are computed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made import SIMULATED, contents, on_disk

from galaxynet.errors import DataError, OptionError, PluginError, UsageError
from galaxynet.fetching import receipts
from galaxynet.fetching.fetch import fetch
from galaxynet.fetching.request import FetchRequest

Stranger = Callable[..., Any]
WHOLE = ["calls", "images.zip", "labels.csv", "receipt.json"]


def test_the_files_and_the_options_are_kept(stranger: Stranger, data: Path) -> None:
    """A simulator's files are in the data folder, and the receipt has every option, including defaults."""
    fetch(FetchRequest(stranger(SIMULATED), data, options={"count": 7}))
    assert len(contents(data / "stars" / "images.zip")) == 7
    receipt = receipts.load(data / "stars")
    assert receipt is not None
    assert receipt.options == {"count": 7, "seed": 0}
    assert set(receipt.files) == {"images.zip", "labels.csv"}
    assert on_disk(data / "stars") == WHOLE


def test_the_same_options_simulate_once(stranger: Stranger, data: Path) -> None:
    """Asking again with the same options, typed or by default, runs nothing."""
    plugin = stranger(SIMULATED)
    fetch(FetchRequest(plugin, data))
    assert fetch(FetchRequest(plugin, data, options={"count": 3})).fetched == ()
    assert (data / "stars" / "calls").read_text() == "called "


def test_other_options_replace_and_say_so(
    stranger: Stranger, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Asking with other options replaces the files, and tells with which options the old ones were made."""
    plugin = stranger(SIMULATED)
    fetch(FetchRequest(plugin, data))
    fetch(FetchRequest(plugin, data, options={"count": 4, "seed": 2}))
    assert "replacing what is there (simulated with --count 3 --seed 0)" in capsys.readouterr().err
    assert contents(data / "stars" / "images.zip")["3.jpg"] == bytes([2]) * 100


@pytest.mark.promise("Interruptions")
def test_an_interrupt_keeps_what_was_there(stranger: Stranger, data: Path) -> None:
    """Ctrl-C in a simulation keeps the files of the last one, and leaves no temporary folder."""
    plugin = stranger(SIMULATED)
    fetch(FetchRequest(plugin, data))
    with pytest.raises(KeyboardInterrupt):
        fetch(FetchRequest(plugin, data, options={"seed": 13}))
    assert on_disk(data / "stars") == WHOLE
    assert fetch(FetchRequest(plugin, data)).fetched == ()


@pytest.mark.parametrize(
    ("seed", "error", "reason"),
    [
        (14, PluginError, "did not make images.zip"),
        (15, DataError, "images.zip is a truncated zip"),
        (16, PluginError, "fails in .*OSError: no universe"),
        (17, PluginError, "fails in .*ZeroDivisionError"),
    ],
)
def test_a_simulator_that_fails_is_noticed(
    stranger: Stranger, data: Path, seed: int, error: type[Exception], reason: str
) -> None:
    """A simulator that makes too little, or a damaged archive, is named; what was there stays."""
    plugin = stranger(SIMULATED)
    fetch(FetchRequest(plugin, data))
    with pytest.raises(error, match=reason):
        fetch(FetchRequest(plugin, data, options={"seed": seed}))
    assert on_disk(data / "stars") == WHOLE
    assert fetch(FetchRequest(plugin, data)).fetched == ()


@pytest.mark.promise("Interruptions")
def test_left_overs_of_a_killed_process_are_swept(stranger: Stranger, data: Path) -> None:
    """What a killed process left in the data folder is removed by the next fetch."""
    (data / "stars" / ".fetching.xyz").mkdir(parents=True)
    (data / "stars" / ".fetching.xyz" / "half").write_bytes(b"half")
    (data / "stars" / ".images.zip.copying").write_bytes(b"half")
    fetch(FetchRequest(stranger(SIMULATED), data))
    assert on_disk(data / "stars") == WHOLE


def test_options_out_of_range_are_refused(stranger: Stranger, data: Path) -> None:
    """An option that the simulator does not take is an error before anything is made."""
    with pytest.raises(OptionError, match="--count 0"):
        fetch(FetchRequest(stranger(SIMULATED), data, options={"count": 0}))
    assert on_disk(data / "stars") == []


def test_a_source_that_is_not_there_is_named(stranger: Stranger, data: Path) -> None:
    """`--source` with a name that the dataset does not offer says which it offers."""
    with pytest.raises(UsageError, match="no source 'kaggle'") as raised:
        fetch(FetchRequest(stranger(SIMULATED), data, source="kaggle"))
    assert "simulator" in raised.value.hint


def test_without_a_source_the_way_is_a_folder(stranger: Stranger, data: Path) -> None:
    """A dataset that names no source says how to bring its files by hand."""
    plugin = stranger(
        SIMULATED.replace('sources=(Simulator(function=f"{__name__}:simulate", options=Sky),),', "")
    )
    with pytest.raises(Exception, match="has no source") as raised:
        fetch(FetchRequest(plugin, data))
    assert "--from FOLDER" in str(raised.value)
