"""Weights that a package ships: exported, found by name, and applied like a run."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from in_process import run_here
from safetensors import safe_open

import galaxynet
from galaxynet import registry
from galaxynet.errors import DataError, RunError, UsageError
from galaxynet.runs import Run, ShippedRun, find_network
from galaxynet.shipping.half import to_half

pytestmark = pytest.mark.xdist_group("shipped_weights")  # exported once for all of them

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "galaxynet-spirals"
version = "1.2"
dependencies = ["galaxynet"]

[project.entry-points."galaxynet.models"]
spirals = "galaxynet_spirals:SPEC"
"""

SPEC = """
from galaxynet.plugin import ModelSpec, OptimizerOptions, ShippedWeights, option

class SpiralsOptions(OptimizerOptions):
    width: int = option(8, "channels", ge=1)

SPEC = ModelSpec(
    name="spirals", summary="finds spirals", options=SpiralsOptions,
    module="galaxynet_spirals.model:Spirals", dataset="galaxy-zoo",
    weights=(
        ShippedWeights(
            name="spirals", summary="100 made galaxies", folder="galaxynet_spirals:weights/spirals"
        ),
    ),
)
"""

MODEL = """
from torch import nn
from galaxynet.tasks import Classifier

class Spirals(Classifier):
    def __init__(self, options, data_info):
        channels, _, _ = data_info.image_shape
        network = nn.Sequential(
            nn.Conv2d(channels, options.width, 3, stride=2), nn.BatchNorm2d(options.width), nn.ReLU(),
            nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(16 * options.width, data_info.class_count),
        )
        super().__init__(network, options, data_info)
"""

NOTES = """Trained to show how weights are shipped.

## Range of validity

Made galaxies of 60 x 60 pixels.

## Known failures

Everything that is real.

## Licence

CC0-1.0
"""


class Spirals(NamedTuple):
    """The third party's package and the run that its weights are from."""

    project: Path
    run: Run
    data_dir: Path

    @property
    def weights(self) -> Path:
        return self.project / "galaxynet_spirals" / "weights" / "spirals"


def _forget() -> None:
    for module in [name for name in sys.modules if name.split(".")[0] == "galaxynet_spirals"]:
        del sys.modules[module]
    registry.clear_cache()


@pytest.fixture(scope="session")
def spirals(trained: Run, tmp_path_factory: pytest.TempPathFactory) -> Spirals:
    """A package of a third party's, with a network trained on made galaxies and its exported weights."""
    project = tmp_path_factory.mktemp("spirals") / "author home" / "galaxynet-spirals"
    package = project / "galaxynet_spirals"
    package.mkdir(parents=True)
    (project / "pyproject.toml").write_text(PYPROJECT)
    (package / "__init__.py").write_text(SPEC)
    (package / "model.py").write_text(MODEL)
    (project / "notes.md").write_text(NOTES)
    # What pip leaves of a package, so that the network can be trained before there is a wheel.
    info = project / "galaxynet_spirals-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: galaxynet-spirals\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[galaxynet.models]\nspirals = galaxynet_spirals:SPEC\n")
    folder = trained.path.parents[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(project))
        registry.clear_cache()
        run = galaxynet.train(
            "spirals",
            labels=str(folder / "labels.csv"),
            crop=212,
            size=24,
            epochs=2,
            validation=0.45,
            threads=1,
            name="made-spirals",
            precision="float32",
            runs_dir=folder / "spiral-runs",
            data_dir=folder / "data",
        )
        shipped = Spirals(project, run, folder / "data")
        galaxynet.export_weights(run, shipped.weights, notes=project / "notes.md", data_dir=shipped.data_dir)
    _forget()
    return shipped


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """A function that puts a package on the path of this process and of the commands that it starts."""

    def put(site: Path) -> None:
        monkeypatch.syspath_prepend(str(site))
        before = os.environ.get("PYTHONPATH")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(site), before])))
        registry.clear_cache()

    yield put
    _forget()


@pytest.fixture
def installed(spirals: Spirals, install: Callable[[Path], None]) -> Spirals:
    """The package, installed."""
    install(spirals.project)
    return spirals


@pytest.fixture
def copied(spirals: Spirals, install: Callable[[Path], None], tmp_path: Path) -> Spirals:
    """A copy of the package, installed, to be damaged."""
    project = tmp_path / "copied"
    shutil.copytree(spirals.project, project)
    install(project)
    return spirals._replace(project=project)


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


def test_the_folder_has_16_bit_weights_a_record_and_a_card(spirals: Spirals) -> None:
    """Matrices are float16 and vectors float32; the files are small and do not name the machine."""
    assert sorted(path.name for path in spirals.weights.iterdir()) == [
        *("card.md", "conformal.npz", "novelty.npz", "run.json", "weights.safetensors")
    ]
    tensors = {}
    with safe_open(spirals.weights / "weights.safetensors", "pt") as stored:  # type: ignore[no-untyped-call]
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    assert {tensor.dtype for tensor in tensors.values() if tensor.ndim > 1} == {torch.float16}
    assert tensors["network.1.running_var"].dtype == torch.float32
    for path in ("run.json", "card.md"):
        text = (spirals.weights / path).read_text()
        assert "author home" not in text
        assert str(spirals.data_dir) not in text
        assert spirals.run.record.environment.host not in text
        assert "made-spirals" not in text
    record = Run.open(spirals.weights).record
    assert record.options.dataset["labels"] == "labels.csv"
    assert record.environment.pid == 0
    assert record.metrics == spirals.run.record.metrics


def test_the_card_has_recipe_figures_and_the_author_s_sections(spirals: Spirals) -> None:
    """Recipe without folders, figures with interval, samples and majority class, and each section once."""
    card = (spirals.weights / "card.md").read_text()
    record = spirals.run.record
    assert card.startswith("# spirals\n\nTrained to show how weights are shipped.")
    recipe = "galaxynet train spirals --crop 212 --size 24 --labels labels.csv"
    assert set(recipe.split()) <= set(card.split())
    assert all(
        f"| train: {name} | {n} |" in card
        for name, n in zip(("flat", "round"), record.class_counts, strict=True)
    )
    assert record.baseline is not None
    assert f"| always {record.baseline.label} | {record.baseline.accuracy:.1%} |" in card
    accuracy = next(line for line in card.splitlines() if line.startswith("| accuracy"))
    assert " to " in accuracy
    assert accuracy.endswith(f"| {record.splits['test']} |")
    assert "differ from those of the unrounded network by" in card
    sections = [line for line in card.splitlines() if line.startswith("## ")]
    assert sections[-3:] == ["## Range of validity", "## Known failures", "## Licence"]
    assert "Everything that is real." in card


def test_the_coverage_of_sets_is_measured_after_rounding(
    installed: Spirals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Record and card have the coverage that an evaluation of the 16-bit weights gives, for each promise."""
    exported = Run.open(installed.weights).record.exported
    # The record has the last part alone of the path of the labels.
    monkeypatch.chdir(installed.data_dir.parent)
    evaluation = galaxynet.evaluate("spirals", data_dir=installed.data_dir)
    assert exported is not None
    assert evaluation.classification is not None
    measured = {f"{sets.promised:g}": sets.measured.value for sets in evaluation.classification.coverage}
    assert exported.set_coverage == measured
    assert "0.8" in measured
    assert "of the test samples where 80% is promised" in (installed.weights / "card.md").read_text()


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


def _truncate(folder: Path) -> None:
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-10])


def _flip(folder: Path) -> None:
    path = folder / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def _remove(folder: Path) -> None:
    (folder / "weights.safetensors").unlink()


def _remove_all(folder: Path) -> None:
    shutil.rmtree(folder)


def _newer(folder: Path) -> None:
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, "schema": 99}))


def _not_exported(folder: Path) -> None:
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, "exported": None}))


@pytest.mark.parametrize(
    ("damage", "message", "listed"),
    [
        (_truncate, "bytes in place of", True),
        (_flip, "digest", False),
        (_remove, "is missing", True),
        (_remove_all, "not a run folder", True),
        (_newer, "has layout 99", True),
        (_not_exported, "was not written by", True),
    ],
)
def test_broken_weights_give_a_sentence_and_stay_alone(
    copied: Spirals, damage: Callable[[Path], None], message: str, listed: bool
) -> None:
    """Whatever is wrong with a shipped folder is said in a sentence, and the listing has all others."""
    damage(copied.weights)
    with pytest.raises(RunError, match=message) as failed:
        galaxynet.load("spirals")
    assert "galaxynet-spirals" in str(failed.value)
    rows = json.loads(run_here("plugins", "--format", "json").stdout)
    problems = {(row["kind"], row["name"]): row["problem"] for row in rows}
    assert bool(problems["weights", "spirals"]) is listed
    assert problems["model", "spirals"] == ""
    assert problems["model", "galaxy_alexnet"] == ""
    checked = run_here("plugins", "--check")
    assert checked.returncode == 1  # with --check the digest is compared, too
    assert "spirals" in checked.stdout


def test_weights_of_an_older_network_do_not_fit(copied: Spirals) -> None:
    """Weights that do not fit the installed network name it and its version."""
    model = copied.project / "galaxynet_spirals" / "model.py"
    model.write_text(model.read_text().replace("AdaptiveAvgPool2d(4)", "AdaptiveAvgPool2d(2)"))
    model.write_text(model.read_text().replace("16 * options.width", "4 * options.width"))
    with pytest.raises(RunError, match=r"spirals is not that of galaxynet-spirals 1\.2"):
        galaxynet.load("spirals")


def test_a_spec_for_a_newer_contract_is_listed_as_broken(copied: Spirals) -> None:
    """A plugin of a newer contract is listed with its problem, and its weights are unknown with a hint."""
    spec = copied.project / "galaxynet_spirals" / "__init__.py"
    spec.write_text(spec.read_text().replace('dataset="galaxy-zoo",', 'dataset="galaxy-zoo", contract=99,'))
    assert "asks for version 99" in " ".join(run_here("plugins").stdout.split())
    with pytest.raises(RunError, match=r"galaxynet-spirals does not load"):
        galaxynet.load("spirals")


def test_an_export_is_refused_where_it_would_mislead(spirals: Spirals, tmp_path: Path) -> None:
    """An unfinished run, a folder that exists and notes with a title are refused; nothing is written."""
    copied = tmp_path / "runs" / spirals.run.path.name
    shutil.copytree(spirals.run.path, copied)
    unfinished = Run.open(copied)
    unfinished.record.status = "interrupted"
    unfinished.save()
    with pytest.raises(RunError, match="only a finished run"):
        galaxynet.export_weights(copied, tmp_path / "out", data_dir=spirals.data_dir)
    with pytest.raises(UsageError, match="--overwrite"):
        galaxynet.export_weights(spirals.run, spirals.weights, data_dir=spirals.data_dir)
    (tmp_path / "mine").mkdir()
    with pytest.raises(UsageError, match="Name another folder"):
        galaxynet.export_weights(spirals.run, tmp_path / "mine", data_dir=spirals.data_dir, overwrite=True)
    (tmp_path / "notes.md").write_text("# My title\n")
    with pytest.raises(galaxynet.DataError, match="have a title"):
        galaxynet.export_weights(
            spirals.run, tmp_path / "out", notes=tmp_path / "notes.md", data_dir=spirals.data_dir
        )
    assert not (tmp_path / "out").exists()


def test_an_export_can_be_replaced(
    installed: Spirals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`runs export` says the size, what rounding changed and which sections are missing."""
    monkeypatch.setenv("GALAXYNET_DATA", str(installed.data_dir))
    shutil.copytree(installed.weights, tmp_path / "out")
    done = run_here("runs", "export", str(installed.run.path), str(tmp_path / "out"), "--overwrite")
    assert done.returncode == 0, done.stderr
    message = " ".join(done.stderr.split())
    assert " MB" in message
    assert "differ from those of the unrounded network by" in message
    assert "nothing under Range of validity and Known failures" in message
    assert "The author does not say." in (tmp_path / "out" / "card.md").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    # The folder itself is a run, too, for an author who looks at it before shipping it.
    assert find_network(tmp_path / "runs", str(tmp_path / "out")).record.exported is not None


def test_values_beyond_16_bits_are_kept() -> None:
    """A tensor that float16 would spoil stays as it is; others lose less than a thousandth."""
    generator = torch.Generator().manual_seed(0)
    tensors = {
        "usual": torch.randn(64, 64, generator=generator),
        "large": 1e6 * torch.randn(64, 64, generator=generator),
        "tiny": 1e-9 * torch.randn(64, 64, generator=generator),
        "vector": torch.randn(64, generator=generator),
        "count": torch.tensor(3),
        "none": torch.zeros(0, 3),
    }
    stored = to_half(tensors)
    assert {name for name in stored if stored[name].dtype == torch.float16} == {"usual", "none"}
    error = (stored["usual"].float() - tensors["usual"]).norm() / tensors["usual"].norm()
    assert 0 < error < 5e-4
    assert torch.equal(stored["large"], tensors["large"])


def test_a_catalogue_names_the_weights(installed: Spirals, cutouts: Path, tmp_path: Path) -> None:
    """Its header has name, package, version and digest of the shipped weights."""
    done = run_here("predict", "spirals", str(cutouts), "-o", str(tmp_path / "c.vot"), "--quiet")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "c.vot").read_text(encoding="utf-8", errors="replace")
    assert "spirals of galaxynet-spirals 1.2" in text
    exported = Run.open(installed.weights).record.exported
    assert exported is not None
    assert exported.sha256 in text
