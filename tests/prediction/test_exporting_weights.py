"""`runs export`: weights, record and card of a run, for a package to ship."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from in_process import run_here
from safetensors import safe_open
from spirals_package import Spirals

import galaxynet
from galaxynet.errors import RunError, UsageError
from galaxynet.runs import Run, find_network
from galaxynet.shipping.half import to_half

pytestmark = pytest.mark.xdist_group("shipped_weights")  # exported once for all of them


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
