"""The table of faults in the documentation, row by row, by the installed command in a process of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fault_scenes import FILES, Scene, scenes
from kaggle_server import SECRETS, KaggleServer
from made import GALAXIES, on_disk

pytestmark = pytest.mark.slow  # two dozen processes, each of about a second

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "fetch-faults.md"


def rows() -> list[list[str]]:
    """The rows of the table: fault, what the person sees, exit status, what is on the disk."""
    if not PAGE.is_file():
        return []
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def shown(text: str) -> str:
    """A cell of the table as a pattern: `…` stands for what depends on the machine."""
    return "".join(".*?" if part == "…" else re.escape(part) for part in re.split("(…)", text))


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_the_table_of_faults_is_true(
    row: list[str], server: KaggleServer, stranger: Callable[..., object], tmp_path: Path, data: Path
) -> None:
    """Every fault in the table of faults is reported as it says, and leaves what it lists."""
    fault, message, status, disk = row
    stranger(GALAXIES)
    scene = Scene(server, tmp_path)
    scenes(scene)[fault]()
    done = scene.run()
    printed = " ".join((done.stdout + done.stderr).split())
    assert not [secret for secret in SECRETS if secret in printed]
    assert "Traceback" not in printed
    assert re.search(shown(message), printed), printed
    assert (done.returncode if done.returncode >= 0 else 128 - done.returncode) == int(status)
    assert on_disk(data / "stars") == [name.strip("`") for name in disk.split(", ") if name != "nothing"]


def test_the_table_has_every_fault(server: KaggleServer, tmp_path: Path) -> None:
    """No fault that is brought about here is missing in the documentation, and none there is made up."""
    assert [row[0] for row in rows()] == list(scenes(Scene(server, tmp_path)))


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize("fault", ["Ctrl-C midway", "kill -9 midway", "the disk is full midway"])
def test_the_next_call_goes_on_where_the_last_one_stopped(
    fault: str, server: KaggleServer, stranger: Callable[..., object], tmp_path: Path, data: Path
) -> None:
    """After an interrupt, a kill or a full disk, the same command downloads only what is missing."""
    stranger(GALAXIES)
    scene = Scene(server, tmp_path)
    scenes(scene)[fault]()
    scene.run()
    part = (data / "stars" / "images.zip.part").stat().st_size
    assert part > 100_000
    server.requests.clear()
    server.storage = iter(())
    again = Scene(server, tmp_path)
    assert again.run().returncode == 0
    assert server.headers_of("/storage/images.zip")[0]["Range"] == f"bytes={part}-"
    assert (data / "stars" / "images.zip").read_bytes() == FILES["images.zip"]
    assert on_disk(data / "stars") == ["images.zip", "labels.zip", "receipt.json"]


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize(
    ("debug", "where", "words"),
    [("--debug", "api", ("", "", "403")), ("--debug", "storage", ("cut",)), ("--quiet", "api", ("cut",))],
)
def test_a_traceback_holds_no_secret(
    debug: str,
    where: str,
    words: tuple[str, ...],
    server: KaggleServer,
    stranger: Callable[..., object],
    tmp_path: Path,
) -> None:
    """No key and no signed link appears in a traceback, with `--debug` either."""
    stranger(GALAXIES)
    scene = Scene(server, tmp_path)
    scene.words.append(debug)
    server.fail(where, *words, always=True)
    done = scene.run()
    assert done.returncode == 1
    assert ("Traceback" in done.stderr) == (debug == "--debug")
    assert not [secret for secret in SECRETS if secret in done.stdout + done.stderr]
    receipt = "".join(path.read_text() for path in (tmp_path / "data" / "stars").glob("*.json"))
    assert not [secret for secret in SECRETS if secret in receipt]
