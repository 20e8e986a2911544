"""The page of pictures that `predict --gallery` writes."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from browser import Browser
from html_reader import Reader

import galaxynet
from galaxynet.catalogue.columns import Block, Column
from galaxynet.catalogue.reading import read_table
from galaxynet.errors import UsageError
from galaxynet.images.flags import Flag
from galaxynet.images.input_search import find_inputs
from galaxynet.prediction import job, picture_page
from galaxynet.prediction.highlights import SHOWN, Group, Highlights
from galaxynet.prediction.job import predict_to_file
from galaxynet.prediction.network_of_run import applied_network
from galaxynet.prediction.rows import Catalogue
from galaxynet.runs import Run

COLUMNS = (
    Column("id", "string"),
    Column("file", "string"),
    Column("label", "string"),
    *(Column(f"p_{name}", "float32") for name in ("a", "b", "c")),
    Column("entropy", "float32"),
    Column("novelty", "float32"),
    Column("flag", "int16"),
    Column("reason", "string"),
)


def table(rows: int = 5000) -> dict[str, Any]:
    """A catalogue of three classes; every 50th row cannot be used, every 70th is flagged."""
    chance = np.random.default_rng(3)
    shares = chance.dirichlet((2, 1, 0.5), rows).astype(np.float32)
    flags = np.zeros(rows, np.int16)
    flags[::70] = Flag.SCALE_UNKNOWN
    flags[::50] = Flag.DAMAGED
    unusable = flags == Flag.DAMAGED
    names = np.array(["a", "b", "c"], dtype=object)
    shares[unusable] = np.nan
    labels = names[np.nan_to_num(shares).argmax(1)]
    labels[unusable] = ""
    ids = np.array([f"G{number}" for number in range(rows)], dtype=object)
    novelty = np.where(unusable, np.nan, chance.gamma(2, 0.2, rows)).astype(np.float32)
    cells = dict(zip(("p_a", "p_b", "p_c"), shares.T, strict=True))
    return {
        **{"id": ids, "file": ids, "label": labels, **cells},
        **{"entropy": novelty, "novelty": novelty, "flag": flags, "reason": ids},
    }


def cut(cells: dict[str, Any], size: int) -> Iterator[Block]:
    for start in range(0, len(cells["id"]), size):
        yield {name: values[start : start + size] for name, values in cells.items()}


def selected(cells: dict[str, Any], size: int, columns: tuple[Column, ...] = COLUMNS) -> list[Group]:
    highlights = Highlights(columns, "seed", "mse")
    for block in cut(cells, size):
        highlights.add(block)
    return highlights.groups()


def test_the_selection_is_that_of_the_whole_table() -> None:
    """Surest, least sure and most novel are those of the whole table, however it comes in blocks."""
    cells = table()
    groups = selected(cells, 4096)
    assert repr(groups) == repr(selected(cells, 7)) == repr(selected(cells, 5000))
    assert [group.title for group in groups] == [
        *("a", "b", "c", "Most novel", "Flag 2: damaged", "Flag 32: scale unknown")
    ]
    for group in groups[:3]:
        member = np.flatnonzero(cells["label"] == group.title)
        ordered = member[np.argsort(-cells[f"p_{group.title}"][member], kind="stable")]
        surest, least, drawn = group.selections
        assert group.count == len(member)
        assert [row.number for row in surest.rows] == ordered[:SHOWN].tolist()
        assert {row.number for row in least.rows} == set(ordered[-SHOWN:].tolist())
        numbers = [row.number for row in drawn.rows]
        assert numbers == sorted(set(numbers))
        assert len(numbers) == SHOWN
        assert set(numbers) <= set(member.tolist())
        assert surest.title == f"Surest: 12 of {len(member):,}"
    (novel,) = groups[3].selections
    expected = np.argsort(-np.nan_to_num(cells["novelty"]), kind="stable")[:SHOWN]
    assert [row.number for row in novel.rows] == expected.tolist()
    assert [group.count for group in groups[4:]] == [100, 72 - 15]


def test_the_random_selection_is_random() -> None:
    """Each row of a class is as likely as another to be drawn, and a seed draws the same again."""
    columns = (Column("mse", "float32"), Column("flag", "int16"))
    counts = np.zeros(100)
    for seed in range(500):
        highlights = Highlights(columns, str(seed), "mse")
        highlights.add({"mse": np.arange(100, dtype=np.float32), "flag": np.zeros(100, np.int16)})
        counts[[row.number for row in highlights.groups()[0].selections[2].rows]] += 1
    assert counts.sum() == 500 * SHOWN
    assert counts.max() < 60 + 6 * 7.3  # six deviations of the binomial
    assert counts.min() > 60 - 6 * 7.3


@pytest.mark.parametrize(
    ("column", "higher", "titles"),
    [
        ("mse", False, ["Best: 12 of 50", "Worst: 12 of 50", "At random: 12 of 50"]),
        ("psnr", True, ["Best: 12 of 50", "Worst: 12 of 50", "At random: 12 of 50"]),
        ("other", True, ["Lowest other: 12 of 50", "Highest other: 12 of 50", "At random: 12 of 50"]),
    ],
)
def test_without_classes_the_metric_decides(column: str, higher: bool, titles: list[str]) -> None:
    """Of a reconstruction the best and the worst are shown, whichever way its metric counts."""
    metric = "" if column == "other" else column
    highlights = Highlights((Column(column, "float32"), Column("flag", "int16")), "", metric, higher)
    highlights.add({column: np.arange(50, dtype=np.float32), "flag": np.zeros(50, np.int16)})
    (group,) = highlights.groups()
    assert [some.title for some in group.selections] == titles
    lowest_first = not (higher and metric)
    assert group.selections[0].rows[0].number == (0 if lowest_first else 49)


def test_a_small_class_is_shown_whole() -> None:
    """A class of a few images stands once, and many classes share the room."""
    cells = table(12)
    assert selected(cells, 12)[1].selections[0].title.startswith("All ")
    names = [f"p_{number}" for number in range(200)]
    columns = (Column("label", "string"), *(Column(name, "float32") for name in names), COLUMNS[-2])
    highlights = Highlights(columns, "")
    labels = np.array(["7"] * 50, dtype=object)
    shares = np.full(50, 0.5, np.float32)
    highlights.add({"label": labels, "flag": np.zeros(50, np.int16), **dict.fromkeys(names, shares)})
    group = next(group for group in highlights.groups() if group.count)
    assert [len(some.rows) for some in group.selections] == [3, 3, 3]


def predict(run: Run, images: Path, output: Path, **options: Any) -> str:
    """The text of the page."""
    page = output.with_suffix(".html")
    network = applied_network(run, accelerator="cpu", batch_size=4)
    catalogue = Catalogue(find_inputs([str(images)]), network)
    predict_to_file(run, catalogue, output, gallery=page, **options)
    return page.read_text(encoding="utf-8")


def undated(page: str) -> str:
    return re.sub(r'<time datetime="[^"]*">[^<]*</time>', "", page)


EVIL = "\"><img src=x onerror=alert(1)><script>alert('x')<"


@pytest.mark.promise("Strangers' files")
def test_the_page_shows_what_it_names(trained: Run, cutouts: Path, tmp_path: Path) -> None:
    """Every picture of `--gallery` is in the page and of the row that it names, and no name becomes HTML."""
    (cutouts / f"{EVIL}.jpg").write_bytes((cutouts / "J0001.jpg").read_bytes())
    (cutouts / "J0002.jpg").write_bytes(b"no image")
    text = predict(trained, cutouts, tmp_path / "c.csv")
    seen = Reader(text)
    assert not seen.all("script")
    assert not [name for _, attributes in seen.tags for name in attributes if name.startswith("on")]
    assert "Content-Security-Policy" in text
    assert EVIL in seen.text
    catalogue = read_table(tmp_path / "c.csv")
    images = {image["alt"].removeprefix("image "): image["src"] for image in seen.all("img")}
    assert set(images) == set(catalogue["id"]) - {"J0002"}
    for name, source in images.items():
        coded = np.frombuffer(base64.b64decode(source.partition(",")[2]), np.uint8)
        shown = cv2.imdecode(coded, cv2.IMREAD_COLOR)
        (file,) = (path for path in cutouts.rglob("*.*") if path.stem == name)
        whole = cv2.imread(str(file))[106:318, 106:318]  # the central 212 pixels that the network sees
        expected = cv2.resize(whole, (160, 160), interpolation=cv2.INTER_AREA)
        assert np.abs(shown.astype(int) - expected.astype(int)).mean() < 3, name
    words = " ".join(seen.text.split())
    for label in ("flat", "round"):
        assert f"{label} {list(catalogue['label']).count(label)} " in words
    assert "Flag 2: damaged" in words
    assert "not an image: JPEG, PNG, TIFF and FITS are read" in words


@pytest.mark.promise("Interruptions")
def test_the_page_is_the_same_after_an_interruption(
    trained: Run, cutouts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A prediction that was interrupted, also just before its page, ends with the same page."""
    monkeypatch.setattr(job, "PART_ROWS", 8)
    whole = undated(predict(trained, cutouts, tmp_path / "c.csv"))
    (tmp_path / "c.csv").unlink()
    (tmp_path / "c.html").unlink()
    blocks = Catalogue.blocks

    def broken(self: Catalogue, start: int = 0) -> Any:
        for block in blocks(self, start):
            start += len(block["id"])
            if start > 16:
                raise KeyboardInterrupt
            yield block

    monkeypatch.setattr(Catalogue, "blocks", broken)
    with pytest.raises(KeyboardInterrupt):
        predict(trained, cutouts, tmp_path / "c.csv")
    monkeypatch.setattr(Catalogue, "blocks", blocks)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "write_page", killed)
    with pytest.raises(KeyboardInterrupt):
        predict(trained, cutouts, tmp_path / "c.csv")
    assert (tmp_path / "c.csv").exists()
    monkeypatch.setattr(job, "write_page", picture_page.write_page)
    assert undated(predict(trained, cutouts, tmp_path / "c.csv")) == whole
    assert not (tmp_path / "c.csv.parts").exists()


def test_a_page_is_not_replaced_unasked(trained: Run, cutouts: Path, tmp_path: Path) -> None:
    """A page that exists stays, nothing is predicted for it, and a page ends in .html."""
    (tmp_path / "c.html").write_text("mine")
    with pytest.raises(UsageError, match="exists"):
        predict(trained, cutouts, tmp_path / "c.csv")
    assert (tmp_path / "c.html").read_text() == "mine"
    assert not (tmp_path / "c.csv").exists()
    assert "predicted by" in predict(trained, cutouts, tmp_path / "c.csv", overwrite=True)
    network = applied_network(trained, accelerator="cpu")
    with pytest.raises(UsageError, match=r"ends in \.html"):
        predict_to_file(
            trained,
            Catalogue(find_inputs([str(cutouts)]), network),
            tmp_path / "d.csv",
            gallery=tmp_path / "d.png",
        )


def test_python_writes_the_page_of_arrays(trained: Run, cutouts: Path, tmp_path: Path) -> None:
    """`model.predict(..., gallery=...)` writes it too; a picture that is gone meanwhile is said."""
    files = sorted(cutouts.glob("*.png"))
    arrays: list[Any] = [cv2.imread(str(file))[..., ::-1].copy() for file in files]
    galaxynet.load(trained).predict([*arrays, *files], gallery=tmp_path / "new" / "page.html")
    text = (tmp_path / "new" / "page.html").read_text()
    assert {image["alt"] for image in Reader(text).all("img")} == {
        *(f"image array-{number}" for number in range(len(arrays))),
        *(f"image {file.stem}" for file in files),
    }


@pytest.mark.slow
def test_the_page_in_a_browser(browser: Browser, trained: Run, cutouts: Path, tmp_path: Path) -> None:
    """Without JavaScript the page fits a desktop and a phone, light and dark, and loads nothing else."""
    (cutouts / f"{EVIL}.jpg").write_bytes((cutouts / "J0001.jpg").read_bytes())
    (cutouts / ("long" * 40 + ".png")).write_bytes(b"no image")
    predict(trained, cutouts, tmp_path / "c.csv")
    site = (tmp_path / "c.html").as_uri()
    browser.look(1280)
    browser.open(site)
    light = browser.value("getComputedStyle(document.documentElement).backgroundColor")
    loaded = "[...document.images].map((one) => one.decode().then(() => one.naturalWidth, () => 0))"
    assert min(browser.value(f"Promise.all({loaded})")) == 160
    for width, dark in ((1280, True), (390, False), (390, True), (768, False)):
        browser.look(width, dark=dark, mobile=width < 500)
        assert browser.value("document.documentElement.scrollWidth") <= width
        shown = browser.value("getComputedStyle(document.documentElement).backgroundColor")
        assert (shown != light) == dark
        sizes = browser.value("[...document.images].map((one) => one.getBoundingClientRect().width)")
        assert min(sizes) > 90
    requested = [
        event["params"]["request"]["url"]
        for event in browser.events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in requested if not url.startswith("data:")] == [site]
    complaints = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
    assert [event for event in browser.events if event["method"] in complaints] == []
