"""Images without a label in the training batches, and nowhere else."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from galaxynet.data.array_module import ArrayData, ArrayDataModule
from galaxynet.data.splits import Split
from galaxynet.data.unlabelled import add_unlabelled
from galaxynet.plugin import OptimizerOptions
from galaxynet.tasks import Classifier
from galaxynet.tasks.teaching import Teacher

TRAIN, HELD_OUT, WITHOUT, MORE = 20, 5, 4, 30
"""Samples: for training, in each of the other parts, without a label, and in a second array."""
OWN = TRAIN + 2 * HELD_OUT + WITHOUT


class Pictures(ArrayDataModule):
    """Random images; the last ones have no label, and two of the second array are copies of tested ones."""

    name = "pictures"

    def load(self) -> ArrayData:
        numbers = np.random.default_rng(0)
        rows = np.arange(OWN)
        parts = Split(rows[:TRAIN], rows[TRAIN : TRAIN + HELD_OUT], rows[TRAIN + HELD_OUT : OWN - WITHOUT])
        targets = np.where(rows < OWN - WITHOUT, rows % 3, -1)
        images = numbers.integers(0, 256, (OWN, 2, 2, 1), np.uint8)
        data = ArrayData(images, targets, list(range(OWN)), parts, ("a", "b", "c"))
        if not self.with_unlabelled:
            return data
        more = numbers.integers(0, 256, (MORE, 2, 2, 1), np.uint8)
        more[3], more[7] = images[parts.test[1]], images[parts.validation[0]]
        rows = np.arange(OWN - WITHOUT, OWN + MORE)
        return add_unlabelled(data, rows, more=more, more_ids=[f"m{row}" for row in range(MORE)])


def pictures(unlabelled: bool = True) -> Pictures:
    module = Pictures(None, data_dir=Path(), batch_size=8)
    module.with_unlabelled = unlabelled
    module.setup()
    return module


def test_an_epoch_has_each_image_once() -> None:
    """A training epoch has every labelled and unlabelled image once, with its pixels, in mixed batches."""
    module = pictures()
    data = module.data
    assert data.more is not None
    everything = np.concatenate([data.images, data.more])
    batches = list(module.train_dataloader())
    shown: Counter[int] = Counter()
    for batch in batches:
        shown.update(batch.indices.tolist())
        pixels = (batch.inputs * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        np.testing.assert_array_equal(pixels, everything[batch.indices])
        labelled = batch.indices < TRAIN
        assert (batch.targets[labelled] == batch.indices[labelled] % 3).all()
        assert (batch.targets[~labelled] == -1).all()
    expected = [*range(TRAIN), *range(OWN - WITHOUT, OWN + MORE)]
    expected = [row for row in expected if row not in (OWN + 3, OWN + 7)]
    assert shown == Counter(expected)
    assert module.sizes == {"train": TRAIN, "validation": HELD_OUT, "test": HELD_OUT, "unlabelled": 32}
    assert module.epoch_samples == len(expected) == 52
    assert len(batches) == 7
    mixed = [0 < int((batch.targets < 0).sum()) < len(batch.targets) for batch in batches]
    assert sum(mixed) > len(batches) / 2


def test_only_the_training_batches_change() -> None:
    """Parts, ids, test labels and baseline are those without these images; the digest is another."""
    plain, module = pictures(unlabelled=False), pictures()
    assert plain.sizes == {"train": TRAIN, "validation": HELD_OUT, "test": HELD_OUT}
    assert plain.epoch_samples == TRAIN
    for name in ("test_ids", "test_labels", "baseline"):
        assert getattr(module, name) == getattr(plain, name)
    for loader in ("val_dataloader", "test_dataloader"):
        for ours, theirs in zip(getattr(module, loader)(), getattr(plain, loader)(), strict=True):
            assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert module.summary["digest"] != plain.summary["digest"]
    assert module.summary["unlabelled"] == 32
    assert "32 images without a label" in module.data.notes[-1]


def test_a_copy_of_a_held_out_image_is_left_out() -> None:
    """An image with the pixels of a validation or test image is counted and left out, whatever its id."""
    module = pictures()
    assert not {OWN + 3, OWN + 7} & set(module.data.unlabelled.tolist())
    assert module.summary["unlabelled_copies"] == 2
    assert "2 more left out" in module.data.notes[-1]


def test_unknown_numbers_are_nan() -> None:
    """Where numbers are learnt, an image without a target has none of them."""
    data = pictures(unlabelled=False).data
    data = replace(data, targets=np.zeros((OWN, 2), np.float32), classes=())
    more = np.full((1, 2, 2, 1), 7, np.uint8)
    added = add_unlabelled(data, np.array([OWN]), more=more, more_ids=["new"])
    assert added.targets.shape == (OWN + 1, 2)
    assert np.isnan(added.targets[OWN]).all()
    assert not np.isnan(added.targets[:OWN]).any()
    assert added.targets.dtype == np.float32


def test_another_further_image_is_another_digest() -> None:
    """A run is not resumed if the pixels of an image without a label have changed."""
    data = pictures(unlabelled=False).data

    def digest(value: int) -> str:
        more = np.full((1, 2, 2, 1), value, np.uint8)
        return add_unlabelled(data, np.array([OWN]), more=more, more_ids=["new"]).digest()

    assert digest(7) == digest(7) != digest(8)


def test_a_sample_without_a_label_weighs_half() -> None:
    """The loss of a batch is half cross-entropy and half divergence, each a mean over all its samples."""
    torch.manual_seed(0)
    info = pictures(unlabelled=False).info
    teacher, student = (
        Classifier(nn.Sequential(nn.Flatten(), nn.Linear(4, 3)), OptimizerOptions(), info) for _ in range(2)
    )
    student.teachers = (Teacher(teacher.eval()),)
    inputs, targets = torch.randn(4, 1, 2, 2), torch.tensor([2, -1, 0, -1])
    logits = student(inputs)
    own = nn.functional.cross_entropy(logits[::2], targets[::2], reduction="sum") / 4
    taught = student.divergence(logits, teacher.answers(teacher(inputs)))
    loss = student.taught(student.loss(logits, targets), logits, inputs)
    torch.testing.assert_close(loss, (own + taught) / 2)
    nothing = student.loss(logits, torch.full((4,), -1))
    assert nothing.item() == 0


@pytest.mark.parametrize("batch_size", [2, 8])
def test_training_accuracy_is_of_the_labelled(batch_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Accuracy in training counts labelled samples alone, however they fall into batches."""
    module = pictures()
    task = Classifier(nn.Sequential(nn.Flatten(), nn.Linear(4, 3)), OptimizerOptions(), module.info)
    task.teachers = (Teacher(task),)
    logged: dict[str, float] = {}
    monkeypatch.setattr(task, "log", lambda name, value: logged.update({name: float(value)}))
    monkeypatch.setattr(task, "learning_rate", lambda: 0.0)
    module.batch_size = batch_size
    task.on_train_epoch_start()
    right = 0
    for batch in module.train_dataloader():
        task.training_step(batch, 0)
        right += int((task(batch.inputs).argmax(1) == batch.targets).sum())
    task.on_train_epoch_end()
    assert 0 < right < TRAIN
    assert logged["train/accuracy"] == pytest.approx(right / TRAIN)
