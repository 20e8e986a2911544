"""Exports: a finished run as a folder that a package can ship."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch

from galaxynet import atomic, registry
from galaxynet.errors import RunError, UsageError
from galaxynet.evaluation.conformal import CONFORMAL
from galaxynet.evaluation.novelty import NOVELTY, NoveltyModel
from galaxynet.evaluation.restore import restore
from galaxynet.evaluation.run_data import open_data
from galaxynet.prediction.own_test import coverage_of_sets, retest
from galaxynet.runs import ExportedWeights, Run
from galaxynet.runs.folder import CARD, RECORD, WEIGHTS
from galaxynet.shipping.anonymous import anonymous, options_without_folders
from galaxynet.shipping.card import card, rounding_sentence
from galaxynet.shipping.half import to_half
from galaxynet.shipping.notes import NO_NOTES, Notes
from galaxynet.shipping.recipe import recipe
from galaxynet.shipping.rounding import difference
from galaxynet.training.config import Components, check_name


@dataclass(frozen=True)
class Export:
    """An exported run.

    Attributes:
        folder: The folder.
        run: The folder as a run.
        size: The bytes of its files.
        rounding: By how much the 16-bit network differs from the run's, in a sentence or two.
        missing: Sections of the card that the author has not written.
    """

    folder: Path
    run: Run
    size: int
    rounding: str
    missing: tuple[str, ...]


def export(
    run: Run,
    folder: Path,
    *,
    data_dir: Path,
    name: str = "",
    notes: Path | None = None,
    overwrite: bool = False,
) -> Export:
    """Write a run as a folder that a package can ship.

    It has the weights of the best epoch as 16-bit floats (`weights.safetensors`), the record without
    machine, folders and command line (`run.json`), what novelty and sets of classes need, and the card
    (`card.md`). The rounded network is tested on the run's test set.

    Args:
        run: A finished run.
        folder: The folder to write; its name is the default of `name`.
        data_dir: The folder of the datasets.
        name: The name of the weights.
        notes: A Markdown file with the author's sections of the card.
        overwrite: Replace a folder that an export wrote.

    Raises:
        RunError: If the run is not finished, or its weights are missing or damaged.
        DataError: If its data or the notes cannot be read.
        UsageError: If the folder exists, or the name cannot be typed.
    """
    name = name or folder.name
    check_name(name, "set of weights")
    if run.status != "finished" or run.record.exported is not None:
        state = run.status if run.record.exported is None else "exported already"
        raise RunError(f"The run {run.label} is {state}: only a finished run can be exported.")
    replaced = _check_folder(folder, overwrite)
    written = NO_NOTES if notes is None else Notes.read(notes)
    components = Components.load(
        registry.recorded("model", run.record.model), registry.recorded("dataset", run.record.dataset)
    )
    network = restore(run)
    tensors = to_half(network.state_dict())
    content = safetensors.torch.save(tensors, metadata={"format": "pt"})
    data = open_data(run, data_dir)
    rounded = restore(run)
    rounded.load_state_dict(tensors)
    weights = ExportedWeights(
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        data_info=network.data_info.to_dict(),
        rounding=dict(difference(network, rounded, data)),
        metrics=dict(retest(run, rounded, data)),
        set_coverage=dict(coverage_of_sets(run, rounded, data)),
    )
    classes = {part: cls for part, (cls, _) in components.option_sets().items()}
    record = anonymous(run.record, options_without_folders(run.record, classes))
    record.name, record.exported = name, weights
    record.command = recipe(components, record.options)
    folder = folder.absolute()
    with atomic.new_folder(folder.with_name(f"{folder.name}.new") if replaced else folder) as building:
        extras = _copy_extras(run, building)
        atomic.write_bytes(building / WEIGHTS, content)
        atomic.write_text(building / RECORD, record.to_json())
        atomic.write_text(building / CARD, card(record, record.command, written, extras))
    if replaced:
        atomic.remove_folder(folder)
        folder.with_name(f"{folder.name}.new").rename(folder)
    size = sum(path.stat().st_size for path in folder.iterdir())
    return Export(folder, Run.open(folder), size, rounding_sentence(record), tuple(written.missing))


def _check_folder(folder: Path, overwrite: bool) -> bool:
    """True if there is a folder to be replaced."""
    if not folder.exists():
        return False
    is_export = (folder / WEIGHTS).is_file() and (folder / CARD).is_file()
    if overwrite and is_export:
        return True
    raise UsageError(
        f"{folder} exists.",
        "Replace it with --overwrite, or name another folder." if is_export else "Name another folder.",
    )


def _copy_extras(run: Run, folder: Path) -> list[str]:
    """What predict uses besides the weights."""
    extras = []
    if (run.path / NOVELTY).exists():
        NoveltyModel.read(run.path / NOVELTY).write(folder / NOVELTY, half=True)
        extras.append("novelty")
    if (run.path / CONFORMAL).exists():
        shutil.copyfile(run.path / CONFORMAL, folder / CONFORMAL)
        extras.append("sets of classes")
    return extras
