"""The end of a training: the test, read once, with the weights of the best epoch; and what is kept of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import torch
from lightning.pytorch import Trainer

from galaxynet import terminal
from galaxynet.data.module import DataModule
from galaxynet.evaluation.calibration import Calibration, Probabilities, fit_temperature
from galaxynet.evaluation.intervals import accuracy_interval
from galaxynet.phrases import count
from galaxynet.report.wording import show_interval, show_metric, show_seconds
from galaxynet.runs import Run, write_predictions
from galaxynet.runs.folder import PREDICTIONS
from galaxynet.runs.reconstructions import RECONSTRUCTIONS, ReconstructedSamples
from galaxynet.tasks import Classifier, Reconstructor, Task
from galaxynet.tasks.reconstructor import Reconstructions
from galaxynet.tasks.shares import gather_columns
from galaxynet.training.callbacks import Throughput
from galaxynet.training.metrics_file import decimal

_MOST_CLASSES = 20


def announce(run: Run) -> None:
    """Say what is about to be trained, on what, and where it is kept."""
    record = run.record
    parts = ", ".join(f"{count:,} {part}" for part, count in record.splits.items())
    terminal.note(
        (record.model.name, "bold"),
        f" ({record.parameters:,} parameters) on ",
        (record.dataset.name, "bold"),
        f": {parts}",
    )
    counts = record.data.get("classes")
    if isinstance(counts, dict) and 0 < len(counts) <= _MOST_CLASSES:
        listed = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        terminal.note(f"{len(counts)} classes: {listed}")
    if record.baseline is not None:
        terminal.note(
            f"always answering {record.baseline.label} would score {record.baseline.accuracy:.1%} "
            "on the test part"
        )
    terminal.note(f"run {record.id} in {run.path} on {record.device}, {record.precision}")


def evaluate(
    run: Run | None,
    trainer: Trainer,
    network: Task,
    data: DataModule,
    folder: Path,
    trained: float,
    throughput: Throughput,
) -> None:
    """Test the best weights and complete the record.

    Args:
        run: The run; None in every process but the first, which take part in the test and write nothing.
        trainer: The trainer after `fit`.
        network: The network.
        data: Its data.
        folder: The run folder.
        trained: Seconds that `fit` took.
        throughput: What was timed during it.
    """
    metrics = {} if run is None else _last_epoch(run)
    metrics.update(_best_epoch(trainer, network))
    best = folder / "checkpoints" / "best.ckpt"
    began = time.perf_counter()
    epochs = trainer.current_epoch
    tested = trainer.test(network, datamodule=data, ckpt_path=str(best), verbose=False, weights_only=True)
    metrics.update({name: decimal(value) for name, value in tested[0].items()})
    seconds = time.perf_counter() - began
    predictions = network.predictions() if isinstance(network, Classifier) else None
    reconstructions = network.reconstructions() if isinstance(network, Reconstructor) else None
    calibration = calibrated(network, data) if isinstance(network, Classifier) else None
    samples = throughput.total(trainer)
    if run is None:
        return
    run.record.calibration = {} if calibration is None else dict(calibration.to_dict())
    if predictions is not None:
        classes = data.info.classes
        write_predictions(
            run.path / PREDICTIONS,
            ids=[data.ids[row] for row in predictions.indices.tolist()],
            labels=[classes[target] for target in predictions.targets.tolist()],
            predictions=[classes[guess] for guess in predictions.probabilities.argmax(1).tolist()],
            classes=classes,
            probabilities=predictions.probabilities.tolist(),
        )
    if reconstructions is not None:
        _named(reconstructions, data).write(run.path / RECONSTRUCTIONS)
    record = run.record
    record.metrics = {name: value for name, value in metrics.items() if name != "lr"}
    record.epochs = epochs
    record.seconds["train"] = (record.seconds.get("train") or 0.0) + trained  # a resumed run had some before
    record.seconds["test"] = seconds
    if throughput.seconds:
        record.samples_per_second = samples / throughput.seconds
    record.status = "finished"
    record.finished = datetime.now(UTC)
    run.save()
    _draw(run)
    _tell(run)


def calibrated(network: Classifier, data: DataModule) -> Calibration | None:
    """A temperature fitted to the validation part, in float32; None if it is missing or too small.

    All processes take part. The network has the weights of the best epoch, and keeps them.
    """
    if not data.sizes["validation"]:
        return None
    loaders = data.val_dataloader()
    parts: list[tuple[torch.Tensor, ...]] = []
    network.eval()
    with torch.inference_mode():
        for loader in loaders if isinstance(loaders, list) else [loaders]:
            for batch in loader:
                if len(batch.targets):
                    logits = network.to(batch.inputs.device)(batch.inputs)
                    parts.append((logits.float().cpu(), batch.targets.cpu()))
    logits, targets = gather_columns(parts)

    def probabilities(temperature: float) -> Probabilities:
        return network.probabilities(logits / temperature).double().numpy()

    with torch.inference_mode():
        return fit_temperature(probabilities, targets.numpy())


def _named(found: Reconstructions, data: DataModule) -> ReconstructedSamples:
    """Reconstructions with the ids of their samples, and their classes where there are any."""
    classes = data.info.classes
    return ReconstructedSamples(
        [str(data.ids[row]) for row in found.indices.tolist()],
        [classes[target] if classes else "" for target in found.targets.tolist()],
        found.originals.numpy(),
        found.decodings.numpy(),
    )


def _last_epoch(run: Run) -> dict[str, float]:
    """What was logged last; Lightning itself forgets it where a run goes on that had done all its epochs."""
    rows = run.metrics()
    return {name: value for name, value in rows[-1].items() if name not in ("epoch", "step")} if rows else {}


def _best_epoch(trainer: Trainer, network: Task) -> dict[str, float]:
    checkpoint = trainer.checkpoint_callback
    score = getattr(checkpoint, "best_model_score", None)
    return {} if score is None else {f"best/val/{network.metric}": decimal(score)}


def _draw(run: Run) -> None:
    """Draw the figures; a figure that fails costs a line, not the run."""
    from galaxynet.report.figures import write_figures

    try:
        write_figures(run)
    except Exception as error:
        terminal.note(f"no figures: {error}", style="yellow")


def _tell(run: Run) -> None:
    record = run.record
    value = record.metrics.get(record.metric)
    if value is None:
        return
    text = ""
    if record.task == "classification":
        samples = record.splits["test"]
        interval = show_interval(accuracy_interval(value, samples))
        text += f" (95 % interval {interval}, {samples:,} samples)"
        if record.baseline is not None:
            text += f", majority class {record.baseline.accuracy:.1%}"
    reference = record.reference
    if reference is not None:
        published = show_metric(reference.metric, reference.value)
        if reference.metric != record.metric:
            ours = show_metric(reference.metric, record.metrics.get(reference.metric))
            text += f"; {reference.metric} {ours}"
        text += f"; {reference.source}: {published}"
    rate = f", {record.samples_per_second:,.0f} samples/s" if record.samples_per_second else ""
    terminal.note(f"{record.metric} ", (show_metric(record.metric, value), "bold"), text)
    terminal.note(
        f"trained {count(record.epochs, 'epoch')} in {show_seconds(record.seconds.get('train'))}{rate}"
    )
    if record.task == "language":
        terminal.note(f"let it write with: galaxynet generate {record.id}")
    terminal.note("compare with: galaxynet compare")
