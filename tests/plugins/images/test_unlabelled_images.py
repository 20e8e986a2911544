"""`--unlabelled`: a network also learns what its teacher answers to your images without a label."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_process import run_here
from own_images import encoded, picture, write_folder, write_labels

import galaxynet
from galaxynet.errors import OptionError
from galaxynet.runs import Run
from galaxynet.training.callbacks import EpochSeeds
from galaxynet.training.training_options import TrainingOptions
from galaxynet_images.datamodule import ImagesData
from galaxynet_images.options import ImagesOptions

IDS, OTHERS = range(100_000, 100_030), range(200_000, 200_020)
QUICK = ("--size", "24", "--threads", "1", "--precision", "float32", "--batch-size", "8", "--augment")
DATA = ("--dataset", "images", "--images", "cutouts", "--labels", "mine.csv")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the run that teaches, which all tests of this module share."""
    return tmp_path_factory.mktemp("teaching")


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty images in the current folder, thirty of them with a label."""
    monkeypatch.chdir(tmp_path)
    write_folder(Path("cutouts"), [*IDS, *OTHERS])
    write_labels(Path("mine.csv"), {str(i): ("flat" if i % 2 else "round") for i in IDS})


@pytest.fixture
def teacher(shared: Path, tmp_path: Path) -> Run:
    """A finished run, in the folder of the runs."""
    if not shared.joinpath("runs").exists():
        train("--epochs", "2", "--name", "teacher")
        shutil.copytree("runs", shared / "runs")
    elif not Path("runs").exists():
        shutil.copytree(shared / "runs", "runs")
    return galaxynet.find_run("teacher")


def train(*words: str, code: int = 0) -> Run:
    done = run_here("train", "galaxy_alexnet", *DATA, *QUICK, *words)
    assert done.returncode == code, done.stderr
    return galaxynet.find_run("last")


def refusal(*words: str) -> str:
    before = len(galaxynet.list_runs())
    done = run_here("train", *words)
    assert done.returncode == 2, done.stderr
    assert len(galaxynet.list_runs()) == before
    return " ".join(done.stderr.split())


def test_without_a_teacher_it_is_refused() -> None:
    """Nothing says what an image without a label shows but a teacher: without one, the call is wrong."""
    message = refusal("galaxy_alexnet", *DATA, "--unlabelled")
    assert "--unlabelled: images without a label are learnt from the answers of a teacher." in message
    assert "--teacher RUN" in message
    with pytest.raises(OptionError, match="--teacher RUN"):
        TrainingOptions(unlabelled=True)


def test_where_each_image_has_a_label_it_is_refused(teacher: Run) -> None:
    """With no image to add, the training is refused; it would be one without the flag."""
    for identifier in OTHERS:
        Path(f"cutouts/{identifier}.jpg").unlink()
    message = refusal("galaxy_alexnet", *DATA, *QUICK, "--unlabelled", "--teacher", "teacher")
    assert "--unlabelled: the dataset images has no images without a label." in message


def test_a_student_learns_from_all_images(teacher: Run) -> None:
    """An epoch has all images; parts, test and means are the teacher's; the record has their number."""
    run = train("--epochs", "3", "--teacher", "teacher", "--unlabelled", "--name", "student")
    record, taught = run.record, teacher.record
    assert record.splits == {**taught.splits, "unlabelled": 20}
    assert record.options.training["unlabelled"] is True
    assert record.test_set == taught.test_set
    assert record.preprocessing == taught.preprocessing
    assert record.baseline == taught.baseline
    assert record.data["classes"] == taught.data["classes"]
    assert (record.data["unlabelled"], record.data["unlabelled_left_out"]) == (20, 0)
    assert record.data["pixels"] == taught.data["pixels"]
    assert record.steps == 3 * -(-(record.splits["train"] + 20) // 8)
    assert all(0 <= row["train/accuracy"] <= 1 for row in run.metrics())
    shown = run_here("runs", "show", "student")
    assert "unlabelled" in shown.stdout
    # The test needs none of them.
    for identifier in OTHERS:
        Path(f"cutouts/{identifier}.jpg").unlink()
    done = run_here("evaluate", "student", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert "it is" not in done.stderr, "the metrics of run.json are repeated"
    tested = json.loads(done.stdout)
    assert "student" in json.dumps(tested)


def test_the_images_change_what_is_learnt(teacher: Run) -> None:
    """With the images without a label, the network is another one than without."""
    words = ("--epochs", "1", "--teacher", "teacher")
    alone, more = train(*words), train(*words, "--unlabelled")
    assert alone.record.splits == teacher.record.splits
    assert alone.record.metrics["train/loss"] != more.record.metrics["train/loss"]


@pytest.mark.promise("Interruptions")
def test_an_interrupted_student_repeats_an_uninterrupted_one(
    teacher: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resumed training equals an uninterrupted one, and so does --like; other images are refused."""
    words = ("--epochs", "2", "--teacher", "teacher", "--unlabelled")
    whole = train(*words)
    plain = EpochSeeds.on_train_epoch_start

    def start(self: EpochSeeds, trainer: Any, module: Any) -> None:
        if trainer.current_epoch == 1:
            signal.raise_signal(signal.SIGINT)
        plain(self, trainer, module)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    with monkeypatch.context() as patched:
        patched.setattr(EpochSeeds, "on_train_epoch_start", start)
        run = train(*words, code=130)
    image = Path(f"cutouts/{OTHERS[3]}.jpg")
    before = image.read_bytes()
    image.write_bytes(encoded(picture(1)))
    done = run_here("train", "--resume", run.record.id)
    assert (done.returncode, "The data of images have changed since" in done.stderr) == (1, True)
    image.write_bytes(before)
    done = run_here("train", "--resume", run.record.id)
    assert done.returncode == 0, done.stderr
    resumed = galaxynet.find_run(run.record.id)
    assert (resumed.metrics(), resumed.record.metrics) == (whole.metrics(), whole.record.metrics)
    done = run_here("train", "galaxy_alexnet", "--like", whole.record.id)
    assert done.returncode == 0, done.stderr
    assert galaxynet.find_run("last").record.metrics == whole.record.metrics


def module(**options: Any) -> ImagesData:
    options = {"images": Path("cutouts"), "labels": Path("mine.csv"), "size": 16, **options}
    data = ImagesData(ImagesOptions(**options), data_dir=Path("data"))
    data.with_unlabelled = True
    data.setup()
    return data


def test_a_test_image_never_enters() -> None:
    """An image that the test ids name is not trained on, though it has no label, nor is one of its name."""
    tested = [IDS[0], IDS[1], IDS[2], OTHERS[0], OTHERS[1]]
    Path("test.csv").write_text("id\n" + "".join(f"{identifier}\n" for identifier in tested))
    Path("cutouts/copies").mkdir()
    Path(f"cutouts/copies/{OTHERS[1]}.png").write_bytes(encoded(picture(3), ".png"))
    data = module(test_ids=Path("test.csv"))
    added = {str(data.ids[row]) for row in data.data.unlabelled}
    assert added == {str(identifier) for identifier in OTHERS[2:]}
    assert sorted(map(str, data.test_ids)) == sorted(map(str, tested[:3]))


def test_a_labelled_image_that_takes_no_part_does_not_enter() -> None:
    """A class with one image is left out of all; its image is not one without a label."""
    with Path("mine.csv").open("a") as table:
        table.write(f"{OTHERS[0]},ring\n{OTHERS[1]},\n")
    data = module()
    added = {str(data.ids[row]) for row in data.data.unlabelled}
    assert added == {str(identifier) for identifier in OTHERS[1:]}
    assert data.summary["classes_left_out"] == ["ring"]


@pytest.mark.promise("Inputs")
def test_a_damaged_image_is_named_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """An image without a label that cannot be used is named and left out, as any other."""
    Path(f"cutouts/{OTHERS[5]}.jpg").write_bytes(b"\xff\xd8no image")
    data = module()
    assert data.sizes["unlabelled"] == 19
    assert data.summary["unlabelled_left_out"] == 1
    assert any(f"{OTHERS[5]}.jpg" in note for note in data.data.notes)


def test_other_sizes_are_cut_as_the_labelled(tmp_path: Path) -> None:
    """Larger images without a label are cut to the same share, and the labelled ones are unchanged."""
    for identifier in OTHERS:
        Path(f"cutouts/{identifier}.jpg").unlink()
    large = [*OTHERS, *range(300_000, 300_030)]
    write_folder(Path("cutouts/large"), large, side=96)
    data = module(crop=24)
    plain = ImagesData(data.options, data_dir=Path("data"))
    plain.setup()
    assert data.preprocessing == plain.preprocessing
    assert data.preprocessing is not None
    assert data.preprocessing.frame == 48
    assert np.array_equal(data.data.images, plain.data.images)
    assert data.sizes["unlabelled"] == len(large)
    assert len(list(Path("data/images/arrays").glob("[!.]*"))) == 2, "one array each, kept beside another"


@pytest.mark.slow
def test_trials_of_a_sweep_learn_from_them(teacher: Run) -> None:
    """A sweep compares a training with and without these images."""
    done = run_here(
        *("sweep", "galaxy_alexnet", *DATA, *QUICK, "--epochs", "1", "--teacher", "teacher"),
        *("--unlabelled", "no,yes", "--name", "both", "--yes"),
    )
    assert done.returncode == 0, done.stderr
    records = [run.record for run in galaxynet.list_runs() if isinstance(run, Run)]
    assert sorted(r.splits.get("unlabelled", 0) for r in records if r.sweep == "both") == [0, 20]
