"""The page of a comparison is whole, harmless and honest about what it lacks."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from html_reader import Reader
from made_runs import add_curves, add_predictions, made_run

from galaxynet import registry
from galaxynet.errors import GalaxynetError
from galaxynet.report.html.gallery import SHOWN, gallery, picture
from galaxynet.report.html.page import render_page
from galaxynet.report.rows import Row, group_rows
from galaxynet.runs import DamagedRun, OptionValues, PluginId, Run, write_predictions
from galaxynet.runs.reconstructions import RECONSTRUCTIONS, ReconstructedSamples

NOWHERE = Path("/nonexistent/data")
EVIL = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
_LOADED = ("src", "href", "xlink:href", "srcset", "data", "action", "poster")


def page_of(runs: list[Run], data_dir: Path = NOWHERE, **more: Any) -> str:
    return render_page(group_rows([Row(run) for run in runs]), data_dir, **more)


def galaxies(folder: Path, count: int = 2, **changes: Any) -> list[Run]:
    runs = []
    for number in range(count):
        values = {"name": f"run-{number}", "act": ("relu", "tanh")[number % 2], "seed": number // 2}
        run = made_run(folder, **{**values, "accuracy": 0.7 - number / 100, **changes})
        add_curves(run)
        add_predictions(run, 0.7, seed=number)
        runs.append(run)
    return runs


@pytest.mark.promise("Strangers' files")
def test_other_peoples_text_is_harmless(tmp_path: Path) -> None:
    """A run, class, option, plugin or reason of `<script>` is shown as text and never runs."""
    classes = [EVIL, "b", "c", "d", "e"]
    model = PluginId(name=EVIL, distribution=EVIL)
    runs = galaxies(tmp_path, name=EVIL, model=model, classes=classes, act=EVIL, message=EVIL)
    runs[0].record.options.model["act"] = f"{EVIL} too"
    runs[0].record.dataset.name = runs[1].record.dataset.name = EVIL
    damaged = [DamagedRun(Path(EVIL.replace("/", "")), EVIL)]
    text = page_of(runs, conditions=[f"name={EVIL}"], test=EVIL, damaged=damaged)
    seen = Reader(text)
    assert len(seen.all("script")) == 1
    assert not [name for _, attributes in seen.tags for name in attributes if name.startswith("on")]
    assert seen.text.count("<script>alert('x')</script>") > 8
    assert all(image["src"].startswith("data:") for image in seen.all("img"))


@pytest.mark.parametrize("name", ["$x$", r"$\frac", "a\x01b", "]]>", "&amp;", "日本"])
@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")
def test_any_name_can_be_drawn(tmp_path: Path, name: str) -> None:
    """What is a formula to matplotlib or forbidden in XML is still only a name."""
    runs = galaxies(tmp_path)
    runs[0].record.name = name
    drawn = Reader(page_of(runs)).all("svg")
    assert len(drawn) == 3


@pytest.mark.promise("Strangers' files")
def test_nothing_is_fetched_from_elsewhere(tmp_path: Path) -> None:
    """The page of a comparison loads nothing from elsewhere and forbids the browser to."""
    text = page_of(galaxies(tmp_path))
    seen = Reader(text)
    assert not re.search(r"https?://|//cdn|@import", text)
    assert not {"iframe", "object", "embed", "base", "form"} & {tag for tag, _ in seen.tags}
    for _, attributes in seen.tags:
        assert all(attributes.get(name, "#").startswith(("data:", "#")) for name in _LOADED), attributes
    assert re.findall(r"url\((?!#)", text) == []
    (policy,) = (meta["content"] for meta in seen.all("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_every_id_is_there_once_and_every_reference_meets_one(tmp_path: Path) -> None:
    """Several figures in one document do not take each other's markers and clips."""
    runs = [*galaxies(tmp_path), *galaxies(tmp_path, test_set="ffffffff")]
    text = page_of(runs)
    seen = Reader(text)
    ids = [attributes["id"] for _, attributes in seen.tags if "id" in attributes]
    assert len(seen.all("svg")) == 6
    assert len(ids) == len(set(ids))
    references = set(re.findall(r'(?:href="|url\()#([^")]+)', text))
    assert len(references) > 20
    assert references <= set(ids)


def test_the_tables_are_those_of_the_terminal(tmp_path: Path) -> None:
    """The best run is marked, the majority class is below, a diverged run is shown as such."""
    runs = galaxies(tmp_path)
    runs.append(made_run(tmp_path, name="lost", act="exponential", status="diverged", metrics={}))
    runs.append(made_run(tmp_path, name="elsewhere", test_set="ffffffff"))
    text = page_of(runs, test="McNemar says so.")
    seen = Reader(text)
    assert text.count('<span class="mark">best</span>') == 1
    row = text[text.index(">run-0</th>") :]
    assert "70.0%" in row[: row.index("</tr>")]
    assert 'class="mark"' in row[: row.index("</tr>")]
    assert 'data-key="0.7">70.0%' in row[: row.index("</tr>")]  # what a click on the heading sorts by
    for words in (
        *("67.1 to 72.8%", "undefined loss", "always not_odd", "59.6%", "published: report, section 2.4"),
        *("McNemar says so.", "In a separate table: the same dataset, but other test samples"),
    ):
        assert words in seen.text, words
    assert all(heading.get("scope") in ("col", "row") for heading in seen.all("th"))
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in seen.all("svg"))


def test_the_network_is_a_column_only_where_there_are_several(tmp_path: Path) -> None:
    """The title names a single network; several are distinguished in the table."""
    runs = galaxies(tmp_path)
    assert ">model</th>" not in page_of(runs)
    assert ">model</th>" in page_of(runs, names=["run", "model"])
    runs.append(made_run(tmp_path, name="other", model=PluginId(name="tiny")))
    assert ">model</th>" in page_of(runs)


def test_the_names_of_the_curves_stand_in_order(tmp_path: Path) -> None:
    """By their names and the numbers in them, though the table has the best first."""
    names = ["lr 10", "lr 9", "act"]
    runs = [galaxies(tmp_path, 1, name=name, accuracy=0.7 - n / 10)[0] for n, name in enumerate(names)]
    curves = page_of(runs).partition("<h3>Learning curves")[2]
    places = [curves.index(f">{name}<") for name in sorted(names, key=len)]
    assert places == sorted(places)  # act, lr 9, lr 10


def test_seeds_are_taken_together(tmp_path: Path) -> None:
    """With --over-seeds the rows are configurations, with mean and deviation."""
    seen = Reader(page_of(galaxies(tmp_path, 4), over_seeds=True, top=1))
    assert "mean accuracy" in seen.text
    assert "1.4 points" in seen.text
    assert "--top hides 1 more configuration" in seen.text


def test_a_missing_gallery_is_said_with_the_way_to_it(tmp_path: Path) -> None:
    """Without the data the page is whole but for the pictures, and says which command fetches them."""
    text = Reader(page_of(galaxies(tmp_path), data_dir=tmp_path / "data")).text
    assert re.search("No gallery: .*galaxynet fetch galaxy-zoo.*--data-dir", text)
    assert "run-1" in text
    gone = galaxies(tmp_path, dataset=PluginId(name="gone", distribution="removed", version="2.0"))
    assert (
        "No gallery: The dataset gone is not installed: it came with removed 2.0."
        in Reader(page_of(gone)).text
    )


def test_what_cannot_be_drawn_is_said(tmp_path: Path) -> None:
    """Runs that left nothing but their record still have their table, and why there are no figures."""
    text = Reader(page_of([made_run(tmp_path, name="bare", metrics={}, status="failed")])).text
    assert "bare" in text
    assert "Learning curves: " in text
    assert page_of([]).count("none met the conditions") == 1


def test_thirty_six_runs_stay_small(tmp_path: Path) -> None:
    """A page of 36 runs can be mailed: it is below 3 MB."""
    text = page_of(galaxies(tmp_path, 36))
    assert len(text.encode()) < 1_000_000  # without pictures, of which a gallery has some 200 kB
    assert "The first 8 of the 36 runs in the table" in text


def blob_run(folder: Path, data: Any, **changes: Any) -> Run:
    """A run that was tested on the blobs: every third sample wrong, surer from sample to sample."""
    from galaxynet.data.splits import digest_test_set

    ids, labels, names = data.test_ids, data.test_labels, list(data.info.classes)
    guesses, shares = [], []
    for number, label in enumerate(labels):
        right = number % 3 != 0
        guess = names.index(label) if right else (names.index(label) + 1) % 3
        sure = 0.5 + number / 100
        guesses.append(names[guess])
        shares.append([sure if index == guess else (1 - sure) / 2 for index in range(3)])
    values = {
        "dataset": PluginId(name="blobs", distribution="toys", version="1.0"),
        "options": OptionValues(dataset={"samples": 120, "pause": 0.0, "no_longer": 1}),
        "test_set": digest_test_set(ids, labels),
        "classes": names,
        "splits": {"test": len(ids)},
    }
    run = made_run(folder, **{**values, **changes})
    write_predictions(run.path / "predictions.csv", ids, labels, guesses, names, shares)
    return run


@pytest.fixture
def blobs(toys: None) -> Any:
    spec = registry.find("dataset", "blobs").load()
    data = registry.resolve(spec.module)(spec.options(), data_dir=NOWHERE)
    data.setup("fit")
    return data


def test_the_gallery_shows_the_samples_that_it_names(tmp_path: Path, blobs: Any) -> None:
    """The wrong ones come by confidence, the right ones by lot, each with the pixels of its own id."""
    wrong, right = gallery(blob_run(tmp_path, blobs), NOWHERE)
    sure = [sample.probability or 0.0 for sample in wrong.samples]
    assert sure == sorted(sure, reverse=True)
    assert sure[0] == pytest.approx(0.77)
    assert (len(wrong.samples), len(right.samples)) == (10, SHOWN)
    assert (wrong.title, right.title) == ("Wrong: all 10", "Right: 12 of 20, drawn at random")
    assert all(sample.truth != sample.answer for sample in wrong.samples)
    assert all(sample.truth == sample.answer for sample in right.samples)
    for sample in (*wrong.samples, *right.samples):
        row = list(blobs.ids).index(sample.id)
        coded = base64.b64decode(sample.pictures[0].source.partition(",")[2])
        shown = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert np.array_equal(shown, blobs.data.images[row, :, :, 0])
        assert sample.truth == blobs.data.classes[blobs.data.targets[row]]


def test_other_data_are_not_shown_for_the_runs_own(tmp_path: Path, blobs: Any) -> None:
    """Where the dataset has changed since, there is no gallery of the wrong pictures."""
    with pytest.raises(GalaxynetError, match="differ from the test data"):
        gallery(blob_run(tmp_path, blobs, test_set="0123456789abcdef"), NOWHERE)


def test_a_dataset_that_breaks_costs_the_gallery_alone(
    tmp_path: Path, blobs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a stranger's dataset raises, the page is made and says it."""
    run = blob_run(tmp_path, blobs)

    def load(self: Any) -> None:
        raise ZeroDivisionError("of the stranger")

    monkeypatch.setattr(type(blobs), "load", load)
    text = Reader(page_of([run])).text
    assert "No gallery: The dataset blobs of toys 1.0 cannot be opened: ZeroDivisionError" in text
    assert "Confusion matrix" in text


def test_reconstructions_stand_beneath_their_originals(tmp_path: Path) -> None:
    """An autoencoder's page needs no dataset: one sample of each class and what came back of it."""
    originals = np.zeros((6, 1, 9, 9), np.float32)
    originals[:, 0] = np.arange(6, dtype=np.float32)[:, None, None] * 40
    samples = ReconstructedSamples(list("uvwxyz"), ["a", "b"] * 3, originals, originals + 300)
    run = made_run(
        tmp_path, task="reconstruction", metric="test/mse", metrics={"test/mse": 4.0}, baseline=None
    )
    samples.write(run.path / RECONSTRUCTIONS)
    (strip,) = gallery(run, NOWHERE)
    assert [(sample.id, sample.truth, len(sample.pictures)) for sample in strip.samples] == [
        ("u", "a", 2),
        ("v", "b", 2),
    ]
    images = Reader(page_of([run])).all("img")
    assert [image["alt"] for image in images][:2] == [
        "original of sample u, a",
        "reconstruction of sample u, a",
    ]


def test_a_language_run_has_no_gallery(tmp_path: Path) -> None:
    """Nothing is said to be missing where there is nothing to see."""
    run = made_run(tmp_path, task="language", metric="test/loss", metrics={"test/loss": 1.5}, baseline=None)
    assert gallery(run, NOWHERE) == []
    assert "No gallery" not in page_of([run])


@pytest.mark.parametrize("shape", [(300, 200, 3), (40, 30), (40, 30, 1), (40, 30, 5)])
def test_pictures_of_any_shape_become_small_ones(shape: tuple[int, ...]) -> None:
    """Large ones are made smaller in proportion, and any number of bands can be seen."""
    pixels = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    shown = picture(pixels, "noise")
    assert (shown.height, shown.width) == ((160, 107) if shape[0] == 300 else (40, 30))
    assert shown.source.startswith("data:image/webp;base64,")
