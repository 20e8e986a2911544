"""The ready-made data module, alone and under a trainer."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pytest
import torch
from torch import Tensor
from warm_process import WarmProcess

from galaxynet.data.array_module import ArrayData, ArrayDataModule
from galaxynet.data.batches import Batch, Normalization
from galaxynet.data.module import Baseline
from galaxynet.data.splits import Split, split
from galaxynet.errors import DataError

SAMPLES = 103

# Lightning's own code meets deprecations of torch and typing_extensions; they are not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")


class Squares(ArrayDataModule):
    """Images that are all of one value, which is their row; two of three are of class `b`."""

    name = "squares"

    def load(self) -> ArrayData:
        rows = np.arange(SAMPLES, dtype=np.int64)
        images = np.broadcast_to(rows.astype(np.uint8)[:, None, None, None], (SAMPLES, 4, 4, 1)).copy()
        targets = (rows % 3 > 0).astype(np.int64)
        ids = [f"s{row}" for row in rows]
        parts = split(rows, ids, targets, test=0.3, validation=self.validation, seed=0)
        return ArrayData(
            images, targets, ids, parts, ("a", "b"), Normalization((0.0,), (1.0,)), notes=("103 squares",)
        )


class Recorder(lightning.LightningModule):
    """Remembers the rows that it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.shown: dict[int, list[float]] = {}

    def training_step(self, batch: Batch) -> Tensor:
        self.shown.setdefault(self.current_epoch, []).extend(batch.inputs[:, 0, 0, 0].tolist())
        assert batch.inputs[:, 0, 0, 0].long().equal(batch.indices)
        return self.weight * 0

    def validation_step(self, batch: Batch) -> None:
        self.shown.setdefault(-1, []).extend(batch.indices.tolist())

    def test_step(self, batch: Batch) -> None:
        self.shown.setdefault(-2, []).extend(batch.indices.tolist())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def data(tmp_path: Path, **settings: Any) -> Squares:
    return Squares(None, data_dir=tmp_path, **{"batch_size": 16, "validation": 0.2, "seed": 5, **settings})


def trainer(tmp_path: Path, epochs: int) -> lightning.Trainer:
    return lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        num_sanity_val_steps=0,
        default_root_dir=tmp_path,
    )


def test_it_tells_what_a_network_and_a_record_need(tmp_path: Path) -> None:
    """After setup the shapes, classes, sizes, ids and the majority class are there."""
    module = data(tmp_path)
    module.setup()
    assert module.info.input_shape == (1, 4, 4)
    assert module.info.classes == ("a", "b")
    assert sum(module.sizes.values()) == SAMPLES
    assert module.test_ids == [f"s{row}" for row in module.data.split.test]
    tested = module.data.targets[module.data.split.test]
    assert module.baseline == Baseline("b", float(np.mean(tested == 1)), len(tested))


@pytest.mark.promise("Measurements")
def test_the_majority_class_is_learnt_and_then_tested(tmp_path: Path) -> None:
    """The majority class is that of the training part, and its accuracy is its share of the test part."""

    class Uneven(Squares):
        def load(self) -> ArrayData:
            known = super().load()
            targets = np.array([0, 0, 0, 1, 2, 2, 2, 2, 1, 1, 1, 1, 1, 0], dtype=np.int64)
            parts = Split(*(np.arange(*ends, dtype=np.int64) for ends in ((0, 4), (4, 8), (8, 14))))
            return replace(known, targets=targets, split=parts, classes=("a", "b", "c"))

    module = Uneven(None, data_dir=tmp_path)
    module.setup()
    assert module.baseline == Baseline("a", 1 / 6, 6)


def test_notes_are_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Notes on the data are printed when they are prepared, and not again."""
    module = data(tmp_path)
    for _ in range(2):
        module.prepare_data()
        module.setup("fit")
    assert capsys.readouterr().err.count("103 squares") == 1


def test_asking_before_setup_is_one_sentence(tmp_path: Path) -> None:
    """A caller who forgets `setup` gets an error that says so."""
    with pytest.raises(DataError, match=r"not open. Call setup"):
        _ = data(tmp_path).sizes


def test_a_bare_trainer_sees_every_training_sample_once_an_epoch(tmp_path: Path) -> None:
    """Under an ordinary lightning.Trainer each epoch has all samples in a new order, each part its own."""
    module, recorder = data(tmp_path), Recorder()
    runner = trainer(tmp_path, 3)
    runner.fit(recorder, datamodule=module)
    runner.test(recorder, datamodule=module, verbose=False)
    train = module.data.split.train.tolist()
    assert all(sorted(recorder.shown[epoch]) == train for epoch in range(3))
    assert recorder.shown[0] != recorder.shown[1] != recorder.shown[2]
    assert recorder.shown[-1] == module.data.split.validation.tolist() * 3
    assert recorder.shown[-2] == module.data.split.test.tolist()


def test_a_resumed_training_sees_what_an_uninterrupted_one_sees(tmp_path: Path) -> None:
    """Resumed after the second of four epochs, the third and fourth have the order they would have had."""
    whole = Recorder()
    trainer(tmp_path, 4).fit(whole, datamodule=data(tmp_path))
    first, second = Recorder(), Recorder()
    half = trainer(tmp_path, 2)
    half.fit(first, datamodule=data(tmp_path))
    half.save_checkpoint(tmp_path / "half.ckpt")
    trainer(tmp_path, 4).fit(second, datamodule=data(tmp_path), ckpt_path=tmp_path / "half.ckpt")
    assert {**first.shown, **second.shown}.keys() == whole.shown.keys()
    assert [second.shown[epoch] for epoch in (2, 3)] == [whole.shown[epoch] for epoch in (2, 3)]


@pytest.mark.filterwarnings("ignore:Total length of .* is zero:UserWarning")
def test_without_a_validation_part_training_goes_on(tmp_path: Path) -> None:
    """Holding nothing out gives a training without validation, not an error."""
    module, recorder = data(tmp_path, validation=0.0), Recorder()
    trainer(tmp_path, 1).fit(recorder, datamodule=module)
    assert module.sizes["validation"] == 0
    assert set(recorder.shown) == {0}


TWO_PROCESSES = """
import json
from pathlib import Path
import lightning, torch, torch.distributed
from test_array_module import Recorder, Squares

class Gathering(Recorder):
    def on_test_end(self):
        shown = [None] * self.trainer.world_size
        torch.distributed.all_gather_object(shown, self.shown)
        if self.trainer.is_global_zero:
            Path(self.trainer.default_root_dir, "shown.json").write_text(json.dumps(shown))

    def teardown(self, stage):
        # Together: one that still listens while the other is gone already may be aborted.
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()

def test(folder):
    trainer = lightning.Trainer(
        accelerator="cpu", devices=2, strategy="ddp_spawn", logger=False, enable_progress_bar=False,
        enable_model_summary=False, enable_checkpointing=False, default_root_dir=folder,
    )
    data = Squares(None, data_dir=Path(folder), batch_size=17, validation=0.2, seed=5)
    data.prepare_data()
    model = Gathering()
    trainer.test(model, datamodule=data, verbose=False)
"""


@pytest.mark.promise("Several processes")
@pytest.mark.slow
def test_two_processes_test_every_sample_exactly_once(tmp_path: Path, warm: WarmProcess) -> None:
    """With two processes every test sample is counted once."""
    (tmp_path / "two_processes.py").write_text(TWO_PROCESSES)
    paths = [str(tmp_path), str(Path(__file__).parent)]
    code = f"import sys; sys.path[:0] = {paths}; import two_processes; two_processes.test({paths[0]!r})"
    done = warm.run(code=code)
    assert done.returncode == 0, done.stderr
    shown = [rows["-2"] for rows in json.loads((tmp_path / "shown.json").read_text())]
    module = data(tmp_path)
    module.setup()
    counts = Counter(row for rows in shown for row in rows)
    assert counts == Counter(module.data.split.test.tolist())
    assert abs(len(shown[0]) - len(shown[1])) <= 1


@pytest.mark.promise("Measurements")
def test_other_data_have_another_digest(tmp_path: Path) -> None:
    """One changed label, id, pixel or part of a single sample changes the digest in the record."""
    module = Squares(None, data_dir=tmp_path)
    module.setup()
    known = module.data
    before = module.summary["digest"]
    images, targets, ids = known.images.copy(), known.targets.copy(), list(known.ids)
    first = int(known.split.train[0])
    images[first, 0, 0, 0] ^= 1
    targets[first] = 1 - targets[first]
    ids[first] = "another"
    moved = known.split._replace(
        train=known.split.train[1:], validation=np.append(known.split.validation, first)
    )
    others = [
        replace(known, images=images),
        replace(known, targets=targets),
        replace(known, ids=ids),
        replace(known, split=moved),
    ]
    assert replace(known).digest() == before
    assert len({before, *(other.digest() for other in others)}) == 5
