"""Weights that a package ships: exported, found by name, and applied like a run."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from in_process import run_here
from spirals_package import Spirals

import galaxynet
from galaxynet.errors import DataError, RunError
from galaxynet.runs import Run, ShippedRun, find_network

pytestmark = pytest.mark.xdist_group("shipped_weights")  # exported once for all of them


@pytest.mark.slow  # builds a wheel and starts two processes, as the users do
def test_a_wheel_of_a_third_party_predicts_without_a_run(
    spirals: Spirals, tmp_path: Path, cutouts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pip builds a package with its weights; where it is installed, their name predicts a catalogue."""
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    source = tmp_path / "source"
    shutil.copytree(spirals.project, source, ignore=shutil.ignore_patterns("*.dist-info", "__pycache__"))
    subprocess.run([*build, "--wheel-dir", str(tmp_path / "dist"), str(source)], check=True)
    site = tmp_path / "site"
    shutil.unpack_archive(next((tmp_path / "dist").glob("*.whl")), site, "zip")
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.chdir(tmp_path)
    words = ["predict", "spirals", str(cutouts), "-o", "catalogue.ecsv"]
    done = subprocess.run([sys.executable, "-m", "galaxynet", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "catalogue.ecsv").read_text()
    assert "spirals of galaxynet-spirals 1.2" in text
    digest = hashlib.sha256((spirals.weights / "weights.safetensors").read_bytes()).hexdigest()
    assert digest in text
    assert str(spirals.run.path) not in text


def test_shipped_weights_predict_what_the_run_predicts(installed: Spirals, cutouts: Path) -> None:
    """Probabilities, novelty and sets agree with those of the run to the precision of 16-bit floats."""
    shipped = galaxynet.load("spirals").predict(cutouts, sets=0.9)
    own = galaxynet.load(installed.run).predict(cutouts, sets=0.9)
    assert list(shipped["label"]) == list(own["label"])
    for column in ("p_flat", "p_round"):
        np.testing.assert_allclose(shipped[column], own[column], atol=2e-3)
        assert np.abs(shipped[column] - own[column]).max() > 0  # or nothing was rounded
    np.testing.assert_allclose(shipped["novelty"], own["novelty"], rtol=1e-2)
    assert list(shipped["set"]) == list(own["set"])


def test_a_listing_shows_shipped_weights_with_their_figure(installed: Spirals) -> None:
    """`galaxynet plugins` has them, with test figure and package; `runs show` prints the card."""
    rows = json.loads(run_here("plugins", "--format", "json").stdout)
    (row,) = [row for row in rows if row["kind"] == "weights" and row["name"] == "spirals"]
    assert (row["model"], row["distribution"], row["problem"]) == ("spirals", "galaxynet-spirals", "")
    assert row["metric"] == "test/accuracy"
    assert row["value"] == installed.run.record.metrics["test/accuracy"]
    assert row["low"] <= row["value"] <= row["high"]
    assert row["samples"] == installed.run.record.splits["test"]
    listing = run_here("plugins").stdout
    assert "100 made galaxies" in listing
    assert "Known failures" in run_here("runs", "show", "spirals").stdout
    assert json.loads(run_here("runs", "show", "spirals", "--format", "json").stdout)["name"] == "spirals"


def test_a_run_of_that_name_wins(
    installed: Spirals, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run called like shipped weights is used, with a note; `distribution:name` means the weights."""
    runs_dir = tmp_path / "runs"
    shutil.copytree(installed.run.path, runs_dir / installed.run.path.name)
    copied = Run.open(runs_dir / installed.run.path.name)
    assert isinstance(find_network(runs_dir, "spirals"), ShippedRun)
    copied.record.name = "spirals"
    copied.save()
    assert find_network(runs_dir, "spirals").path == copied.path
    assert "and not the shipped weights" in " ".join(capsys.readouterr().err.split())
    assert isinstance(find_network(runs_dir, "galaxynet-spirals:spirals"), ShippedRun)
    assert find_network(runs_dir, "last").path == copied.path


def test_a_mistyped_name_suggests_the_weights(installed: Spirals, tmp_path: Path) -> None:
    """A name that is nearly that of shipped weights is corrected, with and without runs."""
    with pytest.raises(RunError, match="Did you mean 'spirals'"):
        find_network(tmp_path / "runs", "spiral")
    with pytest.raises(RunError, match="weights alone"):
        find_network(tmp_path / "runs", "spirals").checkpoint("last")


def test_it_can_be_evaluated_and_completed(installed: Spirals, monkeypatch: pytest.MonkeyPatch) -> None:
    """`evaluate` takes the name, with other images or the run's test set; completion offers it."""
    folder = installed.data_dir.parent
    images = installed.data_dir / "galaxy-zoo" / "images_training_rev1.zip"
    evaluation = galaxynet.evaluate("spirals", images=str(images), labels=folder / "labels.csv")
    assert evaluation.label == "spirals"
    assert evaluation.samples == 100
    # The record has the last part alone of the path of the labels.
    with pytest.raises(
        DataError, match=r"trained and tested with labels\.csv, which the current folder lacks"
    ):
        galaxynet.evaluate("spirals", data_dir=installed.data_dir)
    monkeypatch.chdir(folder)
    with pytest.raises(DataError, match="galaxynet fetch galaxy-zoo"):
        galaxynet.evaluate("spirals", data_dir=folder / "elsewhere")
    repeated = galaxynet.evaluate("spirals", data_dir=installed.data_dir)
    assert repeated.recorded
    assert repeated.repeats
    from galaxynet.commands import complete_networks
    from galaxynet.runs import shipped_weights

    assert [weights.names[0] for weights in shipped_weights()].count("spirals") == 1

    class Context:
        params = {"runs_dir": None}  # noqa: RUF012

    assert ("spirals", "100 made galaxies") in complete_networks(Context(), "spi")  # type: ignore[arg-type]


def test_a_training_begins_with_them(installed: Spirals, tmp_path: Path) -> None:
    """`--weights NAME` takes shipped weights, and records a reference that no later run can take over."""
    run = galaxynet.train(
        "spirals",
        weights="spirals",
        labels=str(installed.data_dir.parent / "labels.csv"),
        epochs=1,
        threads=1,
        precision="float32",
        runs_dir=tmp_path / "runs",
        data_dir=installed.data_dir,
    )
    assert run.record.options.training["weights"] == "galaxynet-spirals:spirals"
    assert run.record.preprocessing["width"] == 24  # the size comes with the weights
    assert run.record.weights is not None
    assert run.record.weights.run == installed.run.record.id
    assert run.record.weights.taken == run.record.weights.tensors


def test_a_catalogue_names_the_weights(installed: Spirals, cutouts: Path, tmp_path: Path) -> None:
    """Its header has name, package, version and digest of the shipped weights."""
    done = run_here("predict", "spirals", str(cutouts), "-o", str(tmp_path / "c.vot"), "--quiet")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "c.vot").read_text(encoding="utf-8", errors="replace")
    assert "spirals of galaxynet-spirals 1.2" in text
    exported = Run.open(installed.weights).record.exported
    assert exported is not None
    assert exported.sha256 in text
