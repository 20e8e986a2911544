from __future__ import annotations

import math
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from made_runs import made_run
from torch import Tensor, nn

import galaxynet
from galaxynet import paths
from galaxynet.data.batches import Batch
from galaxynet.errors import RunError, UsageError
from galaxynet.plugin import DataInfo, OptimizerOptions
from galaxynet.report import figures
from galaxynet.runs import OptionValues, PluginId, ReferenceValue, Run
from galaxynet.tasks import LanguageModel
from galaxynet.tasks.language_model import IGNORED
from galaxynet.terminal import printable
from galaxynet.training.callbacks import EpochSeeds
from galaxynet.training.config import Components
from galaxynet.training.train import train as train_plan


class Bigrams(nn.Module):
    """The next character from the last one alone."""

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        self.table = nn.Parameter(table)

    def forward(self, tokens: Tensor, state: Any = None) -> tuple[Tensor, Tensor]:
        return self.table[tokens], tokens[:, -1]


def bigrams(table: Tensor | None = None) -> LanguageModel:
    info = DataInfo("text", (4,), (), {"vocabulary": "abc"})
    return LanguageModel(Bigrams(torch.zeros(3, 3) if table is None else table), OptimizerOptions(), info)


@pytest.mark.promise("Measurements")
def test_held_out_loss_counts_characters() -> None:
    """A language model's held-out loss is a mean over characters, not over batches."""
    model = bigrams(torch.tensor([[0.0, 0.0, 0.0], [9.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    model.validation_step(Batch(torch.tensor([[0, 0, 0]]), torch.tensor([[1, 2, 0]]), torch.tensor([0])), 0)
    model.validation_step(
        Batch(torch.tensor([[1, 0, 0]]), torch.tensor([[1, IGNORED, IGNORED]]), torch.tensor([1])), 1
    )
    expected = (3 * math.log(3) + math.log(math.exp(9) + 2)) / 4
    assert model.evaluation_loss.running() == pytest.approx(expected)


def test_it_draws_what_is_likely() -> None:
    """Certain scores give the certain text, temperature 0 the likeliest, and a seed the same text again."""
    cycle = bigrams(torch.roll(torch.eye(3) * 50, 1, dims=1))
    assert "".join(cycle.generate("a", 7)) == "bcabcab"
    flat = bigrams()
    texts = ["".join(flat.generate("a", 60, seed=seed)) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    assert set(texts[0]) == set("abc")
    table = torch.tensor([[0.0, 0.1, 0.0]] * 3)
    assert "".join(bigrams(table).generate("c", 20, temperature=0)) == "b" * 20
    assert "".join(bigrams(table).generate("c", 20, temperature=1e-30)) == "b" * 20


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"prime": "abé€a"}, "has no 'é', '€'"),
        ({"prime": None}, "--prime None"),
        ({"prime": b"ab"}, "--prime b'ab'"),
        ({"temperature": -1.0}, "--temperature"),
        ({"temperature": math.nan}, "--temperature"),
        ({"temperature": "0.8"}, "--temperature"),
        ({"length": -1}, "--length"),
        ({"length": 1.5}, "--length 1.5"),
        ({"seed": -1}, "--seed -1"),
        ({"seed": 2**32}, "--seed 4294967296"),
        ({"seed": 0.5}, "--seed 0.5"),
    ],
)
def test_what_cannot_be_written_is_told_at_once(words: dict[str, Any], message: str) -> None:
    """Unknown characters are named, and numbers out of range, before the first character is drawn."""
    with pytest.raises(UsageError, match=message):
        bigrams().generate(**words)


def test_a_prime_is_read_as_a_text_is() -> None:
    """Windows' ends of lines and a byte order mark are taken as in texts, unless they were learnt."""

    def begun(vocabulary: str, prime: str) -> str:
        # The next character in Unicode order is certain.
        table = torch.roll(torch.eye(len(vocabulary)) * 50, 1, dims=1)
        info = DataInfo("text", (4,), (), {"vocabulary": vocabulary})
        return "".join(LanguageModel(Bigrams(table), OptimizerOptions(), info).generate(prime, 1))

    assert begun("\nab", "\ufeffb\r\n") == "a"
    assert begun("\nab", "a\r") == "a"
    assert begun("\n\rab", "\r") == "a"
    assert begun("a\ufeff", "\ufeff") == "a"
    with pytest.raises(UsageError, match="has no"):
        begun("\nab", "a\ufeffb")


def test_a_terminal_is_shown_control_characters_spelt_out() -> None:
    """Whatever a terminal obeys is made visible; letters, new lines and tabs stay."""
    assert printable("\x1b]0;title\x07é\n\t\x9b31m\x7f€") == "\\x1b]0;title\\x07é\n\t\\x9b31m\\x7f€"


def text_file(folder: Path) -> Path:
    path = folder / "my.txt"
    path.write_text("she said that he had said it to her, and so it was said.\n" * 14)
    return path


def interrupted(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]) -> Run:
    """A run of charrnn that was interrupted after two epochs."""
    plain = EpochSeeds.on_train_epoch_start

    def interrupt(self: EpochSeeds, trainer: Any, module: Any) -> None:
        if trainer.current_epoch == 2:
            signal.raise_signal(signal.SIGINT)
        plain(self, trainer, module)

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored
    with monkeypatch.context() as patched:
        patched.setattr(EpochSeeds, "on_train_epoch_start", interrupt)
        return galaxynet.train("charrnn", dataset="text", **options)


SETTINGS: list[dict[str, Any]] = [
    {"iterations": 11, "batch_size": 4, "sequence": 9},
    {"cell": "lstm", "layers": 2, "dropout": 0.3, "streams": 4, "sequence": 6, "schedule": "one-cycle"},
    {"layers": 2, "dropout": 0.2, "streams": 3, "iterations": 7, "sequence": 6, "batch_size": 9},
]


@pytest.mark.promise("Interruptions")
@pytest.mark.parametrize("settings", SETTINGS, ids=["faithful", "lstm", "rnn"])
def test_an_interrupted_run_repeats_an_uninterrupted_one(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted language model resumes its place, state and schedule to the last digit."""
    options = {"file": text_file(tmp_path), "epochs": 3, "hidden": 7, "seed": 2, **settings}
    whole = galaxynet.train("charrnn", dataset="text", **options)
    assert whole.record.status == "finished"
    cut = interrupted(monkeypatch, options)
    assert cut.record.status == "interrupted"
    plan = Components.load("charrnn", "text").plan({}, like=cut.record)
    done = train_plan(plan, runs_dir=cut.path.parent, data_dir=paths.data_dir(), resume=cut)
    assert done is not None
    assert done.metrics() == whole.metrics()
    assert done.record.metrics == whole.record.metrics


@pytest.mark.parametrize(
    "change", [("she said", "he, said"), ("she", "\u00e9he")], ids=["same letters", "new"]
)
def test_a_run_does_not_go_on_with_another_text(
    change: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change in the training part of a text is reported, with or without new letters."""
    path = text_file(tmp_path)
    cut = interrupted(monkeypatch, {"file": path, "epochs": 3, "iterations": 5, "hidden": 4, "name": "cut"})
    path.write_text(path.read_text().replace(*change, 1), encoding="utf-8")
    with pytest.raises(RunError, match="have changed since the run cut started"):
        galaxynet.train("charrnn", resume=cut.record.id)


@pytest.mark.figures
def test_a_run_tells_nats_bits_and_vocabulary(tmp_path: Path) -> None:
    """The record holds the test loss in both units, the smoothed loss and the vocabulary."""
    run = galaxynet.train(
        "charrnn",
        dataset="text",
        file=text_file(tmp_path),
        epochs=2,
        cell="gru",
        hidden=24,
        streams=8,
        sequence=8,
        lr=0.02,
    )
    record = run.record
    assert (record.task, record.metric, record.higher_is_better) == (
        "language",
        "test/bits_per_character",
        False,
    )
    assert record.metrics["test/loss"] == pytest.approx(
        record.metrics["test/bits_per_character"] * math.log(2)
    )
    assert {"train/smooth_loss", "val/loss", "val/bits_per_character", "train/loss"} <= set(run.metrics()[0])
    assert record.data["vocabulary"] == "".join(sorted(set(text_file(tmp_path).read_text())))
    assert record.metrics["test/bits_per_character"] < math.log2(len(record.data["vocabulary"]))
    assert (run.figures / "smooth-loss.png").is_file()


def text_run(folder: Path, epochs: int, **changes: Any) -> Run:
    """A run of charrnn, 1,000 updates an epoch, that the report's figure for 100 units applies to."""
    dataset = {"streams": 1, "sequence": 25, **changes.pop("read", {})}
    text = "text" if "file" in dataset else "pride-and-prejudice"
    values: dict[str, Any] = {
        "model": PluginId(name="charrnn", distribution="galaxynet", version="0.1.0"),
        "dataset": PluginId(name=text, distribution="galaxynet", version="0.1.0"),
        "options": OptionValues(model={"hidden": 100, "cell": "rnn"}, dataset=dataset, training={}),
        "splits": {"train": 1000 * dataset["streams"], "validation": 9, "test": 9},
        "reference": ReferenceValue(metric="train/smooth_loss", value=45.0, source="report"),
    }
    run = made_run(folder, task="language", **{**values, **changes})
    rows = "".join(f"{epoch},{60 - epoch / 2}\n" for epoch in range(epochs))
    (run.path / "metrics.csv").write_text(f"epoch,train/smooth_loss\n{rows}")
    return run


def test_the_smoothed_loss_is_drawn_beside_the_report(tmp_path: Path) -> None:
    """A run that it applies to has the report's point, after 20,000 updates; others have none."""
    whole, short = text_run(tmp_path, 20, name="whole"), text_run(tmp_path, 3, name="short")
    streams = text_run(tmp_path, 30, name="many", read={"streams": 2}, reference=None)
    axes = figures.draw([whole, short, streams], "smooth-loss").axes[0]
    drawn = {str(line.get_label()): line.get_xydata().tolist() for line in axes.lines}
    assert drawn.pop("2019 student report: 100 units") == [[20_000, 45]]
    assert [points[-1][0] for points in drawn.values()] == [20_000, 3_000, 30_000]
    for run in (short, streams):
        assert len(figures.draw(run, "smooth-loss").axes[0].lines) == 1


def test_the_figure_of_the_smoothed_loss_names_what_was_read(tmp_path: Path) -> None:
    """Each text once, one's own by its file; and the run, or how many there are."""
    novel = text_run(tmp_path, 2, name="novel")
    own = [text_run(tmp_path, 2, name=name, read={"file": f"/far/{name}.txt"}) for name in ("one", "two")]

    def words(runs: list[Run]) -> tuple[str, str]:
        figure = figures.draw(runs, "smooth-loss")
        return figure.get_suptitle(), figure.get_supxlabel()

    assert words([novel, *own, novel]) == (
        "charrnn  ·  4 runs",
        "pride-and-prejudice, text one.txt, text two.txt",
    )
    assert words(own[:1]) == ("charrnn  ·  one", "text one.txt")


def test_samples_are_shown_while_it_trains(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Text is shown on the way, brackets and all; the figures are those of a training without samples."""
    (tmp_path / "my.txt").write_text("[red]\n[bold]" * 60)
    options: dict[str, Any] = {"file": tmp_path / "my.txt", "epochs": 2, "hidden": 5, "iterations": 5}
    shown = galaxynet.train("charrnn", dataset="text", sample_every=1e-9, **options)
    output = capfd.readouterr().err
    assert "it writes in epoch 1" in output
    assert "[" in output.partition("it writes in epoch 1")[2]
    silent = galaxynet.train("charrnn", dataset="text", sample_every=0, **options)
    assert "it writes" not in capfd.readouterr().err
    assert shown.metrics() == silent.metrics()
