"""The page of `galaxynet compare --format html`, in the browser of the colleague it is sent to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from browser import Browser
from idx_files import make_idx_folder
from made_runs import add_curves, add_predictions, made_run
from warm_process import WarmProcess

COMMAND = str(Path(sys.executable).with_name("galaxynet"))
# Pictures inside a figure have no naturalWidth: they are loaded once more as images.
PICTURES = """
Promise.all([...document.images, ...[...document.querySelectorAll("svg image")].map((inside) => {
  const copy = new Image(); copy.src = inside.getAttribute("href"); return copy;
})].map((image) => image.decode().then(() => image.naturalWidth, () => 0)))
"""
FIGURES = """
[...document.querySelectorAll("svg")].map((svg) => {
  const box = svg.getBoundingClientRect();
  const drawn = [...svg.querySelectorAll("path, use, text, image")].filter((part) => {
    const place = part.getBoundingClientRect();
    return place.width + place.height > 0;
  });
  return [box.width, box.height, drawn.length];
})
"""
CUT = """
[...document.querySelectorAll(".plot .scroll")].filter((frame) => frame.scrollWidth > frame.clientWidth)
  .map((frame) => frame.ariaLabel)
"""
WIDE = '[...document.querySelectorAll("section > .scroll")].map((one) => one.scrollWidth - one.clientWidth)'
ROWS = '[...document.querySelectorAll("tbody tr")].map((row) => row.getBoundingClientRect().height)'
FIRST = '[...document.querySelectorAll("#table-1 tbody th")].map((name) => name.textContent.trim())'


def call(warm: WarmProcess, *words: str) -> str:
    done = warm.run(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def site(tmp_path: Path, warm: WarmProcess) -> str:
    """The address of a page with three tables: digits, clothes, and galaxies that are not on this machine."""
    runs = Path(os.environ["GALAXYNET_RUNS"])
    folder = str(make_idx_folder(tmp_path / "idx"))
    call(warm, "train", "mnist_cnn", "--folder", folder, "--epochs", "2", "--name", "digits")
    call(warm, "train", "fashion_ae", "--folder", folder, "--epochs", "2", "--name", "clothes")
    for number, name in enumerate(("worse", "<script>document.title = 'taken'</script>")):
        run = made_run(runs, name=name, act=("tanh", "relu")[number], accuracy=0.6 + number / 10)
        add_curves(run)
        add_predictions(run, 0.6 + number / 10, seed=number)
    (tmp_path / "comparison.html").write_text(call(warm, "compare", "--format", "html", "--sort", "act"))
    return (tmp_path / "comparison.html").as_uri()


@pytest.mark.slow
def test_a_colleague_sees_the_whole_page(browser: Browser, site: str) -> None:
    """Tables, figures and pictures are all there, nothing comes from elsewhere, and it fits a phone."""
    browser.look(1280)
    browser.open(site)
    assert browser.value("document.title").endswith("galaxynet")
    pictures = browser.value(PICTURES)
    assert len(pictures) >= 12 + 2 * 10 + 2
    assert all(width > 0 for width in pictures)
    figures = browser.value(FIGURES)
    assert len(figures) == 3 + 2 + 1
    assert all(width > 300 and height > 200 and drawn > 20 for width, height, drawn in figures), figures
    rows = browser.value(ROWS)
    assert len(rows) == 4
    assert all(height > 10 for height in rows)
    text = browser.value("document.body.innerText")
    for words in ("No gallery: ", "Wrong: ", "Right: ", "Originals above", "always not_odd", "<script>"):
        assert words in text, words

    light = browser.value("getComputedStyle(document.documentElement).backgroundColor")
    for width, dark in ((1280, True), (390, False), (390, True), (768, False)):
        browser.look(width, dark=dark, mobile=width < 500)
        assert browser.value("document.documentElement.scrollWidth") <= width
        assert browser.value(CUT) == []
        shown = browser.value("getComputedStyle(document.documentElement).backgroundColor")
        assert (shown != light) == dark

    urls = [
        e["params"]["request"]["url"] for e in browser.events if e["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in urls if not url.startswith("data:")] == [site]
    complaints = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
    assert [event for event in browser.events if event["method"] in complaints] == []


@pytest.mark.slow
def test_a_click_on_a_heading_sorts(browser: Browser, tmp_path: Path, warm: WarmProcess) -> None:
    """Numbers are sorted as numbers, either way, and what has no value stays at the end."""
    runs = Path(os.environ["GALAXYNET_RUNS"])
    for name, accuracy, seconds in (("a", 0.61, 9.5), ("b", 0.7, 100.0), ("c", 0.65, 20.0)):
        made_run(runs, name=name, accuracy=accuracy, seconds={"train": seconds})
    made_run(runs, name="lost", status="diverged", metrics={}, seconds={})
    (tmp_path / "page.html").write_text(call(warm, "compare", "--format", "html"))
    browser.open((tmp_path / "page.html").as_uri())
    assert browser.value(FIRST) == ["b", "c", "a", "lost"]
    browser.look(1200)
    assert browser.value(WIDE) == [0]  # down to the status, nothing has to be scrolled to
    press = '[...document.querySelectorAll("thead button")].find((b) => b.textContent == "training").click()'
    browser.value(press)
    assert browser.value(FIRST) == ["a", "c", "b", "lost"]
    browser.value(press)
    assert browser.value(FIRST) == ["b", "c", "a", "lost"]
    assert browser.value('document.querySelector("[aria-sort]").textContent') == "training"


def test_a_page_is_not_for_a_terminal() -> None:
    """In a terminal, the command prints a sentence and not half a megabyte of HTML."""
    made_run(Path(os.environ["GALAXYNET_RUNS"]))
    ours, theirs = os.openpty()
    done = subprocess.run(
        [COMMAND, "compare", "--format", "html"], stdout=theirs, stderr=subprocess.PIPE, timeout=120
    )
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2
    assert b"> page.html" in done.stderr
