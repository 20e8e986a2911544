"""The record of a run: everything that `run.json` says, validated when it is read.

The file is strict JSON: it holds no NaN and no infinity. A metric that has no value (the loss of a training
that diverged) is stored as null.
"""

from __future__ import annotations

import json
import secrets
import string
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
)

from galaxynet.errors import RunError, first_fault
from galaxynet.runs.record_parts import (
    Count,
    Environment,
    ExportedWeights,
    InitialWeights,
    MajorityClass,
    Moment,
    Number,
    OptionValues,
    Part,
    Plain,
    PluginId,
    ReferenceValue,
    TeacherRun,
    finite,
)
from galaxynet.untrusted import parse_json

SCHEMA = 1
"""The version of the record's layout that this galaxynet writes."""


Status = Literal["running", "finished", "failed", "interrupted", "diverged"]
Task = Annotated[str, Field(min_length=1, max_length=80)]
"""`classification`, `reconstruction`, `language`, or what a plugin calls its own."""

_LIGHTNINGS = {"32-true": "float32", "bf16-mixed": "bf16", "16-mixed": "fp16"}
# Records of galaxynet 0.1.0 have Lightning's name.
Precision = Annotated[str, AfterValidator(lambda name: _LIGHTNINGS.get(name, name))]


def new_id() -> str:
    """Six random characters of a-z and 0-9."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(6))


class RunRecord(Part):
    """One training, from its options to its metrics.

    Attributes:
        layout: Version of the record's layout; `schema` in the file.
        id: Six characters of a-z and 0-9, unique in a runs folder.
        name: The name given by the user, or empty.
        sweep: The name of the sweep that it is a trial of, or empty.
        status: `interrupted` can be resumed; `diverged` means that the loss became undefined.
        message: Why it failed, or empty.
        task: What kind of network it is.
        metric: The metric by which runs are compared, for example `test/accuracy`.
        higher_is_better: Whether a higher value of it is better.
        model: The network's plugin.
        dataset: The dataset's plugin.
        options: Every option.
        command: The command that made the run, as a list of arguments.
        seed: The seed of initialisation, order and augmentation.
        parameters: Trainable parameters, those of frozen modules included.
        frozen_parameters: Those of frozen modules, which the training did not change.
        classes: Names of the classes, by index.
        class_counts: Training samples of each class, in the same order; empty where the data module does not
            know them, and in older records.
        splits: Samples by part (`train`, `validation`, `test`); images without a label as `unlabelled`.
        test_set: Hex digest of the sorted test ids; runs with different ones cannot be compared.
        data: Counts that the data module reports.
        preprocessing: From an image to what the network takes, of `Preprocessing.to_dict`; empty where the
            samples are not images, and in older records.
        calibration: How to correct the network's probabilities, and what intervals of its vote fractions are
            computed with; empty for nothing.
        agreement: Of vote fractions: accuracy by the volunteers' agreement on each question, and by the
            margin between the two answers with the most votes, as `[border, right, samples]`; else empty.
        vote_tree: The questions of `VoteTree.to_dict`, for vote fractions; else empty.
        weights: The weights that the training began with; None if they were random.
        teachers: The runs whose networks taught this one.
        baseline: What always giving the same answer scores, where the data module knows it.
        also: The same for each table of classes that is learnt beside vote fractions.
        reference: The published figure for these options, if there is one.
        metrics: Final metrics; None where undefined.
        epochs: Epochs done.
        started: When the run began.
        finished: When it ended, None while it runs.
        seconds: Time in s by phase (`prepare`, `train`, `test`).
        samples_per_second: Training throughput.
        environment: Where it ran.
        device: Name of the device.
        accelerator: Lightning's name of its kind.
        devices: How many of them were asked for.
        world_size: How many processes there were; None before the first step and in older records.
        steps: Steps that the optimiser took, those before a `--resume` included; None likewise.
        precision: Number format of the forward pass, as `--precision` names it, never `auto`.
        exported: The weights of an exported run, which has no checkpoints; None for any other.
    """

    layout: int = Field(default=SCHEMA, alias="schema")
    id: str = Field(default_factory=new_id, pattern=r"^[a-z0-9]{6}$")
    name: str = ""
    sweep: str = ""
    status: Status = "running"
    message: str = ""
    task: Task
    metric: str
    higher_is_better: bool = True
    model: PluginId
    dataset: PluginId
    options: OptionValues = Field(default_factory=OptionValues)
    command: list[str] = Field(default_factory=list)
    seed: int = 0
    parameters: Count = 0
    frozen_parameters: Count = 0
    classes: list[str] = Field(default_factory=list)
    class_counts: list[Count] = Field(default_factory=list)
    splits: dict[str, Count] = Field(default_factory=dict)
    test_set: str = ""
    data: dict[str, Plain] = Field(default_factory=dict)
    preprocessing: dict[str, Plain] = Field(default_factory=dict, max_length=100)
    calibration: dict[str, Plain] = Field(default_factory=dict, max_length=100)
    agreement: dict[str, Plain] = Field(default_factory=dict, max_length=10)
    vote_tree: dict[str, Plain] = Field(default_factory=dict, max_length=10)
    weights: InitialWeights | None = None
    teachers: list[TeacherRun] = Field(default_factory=list, max_length=100)
    baseline: MajorityClass | None = None
    also: dict[str, MajorityClass] = Field(default_factory=dict, max_length=20)
    reference: ReferenceValue | None = None
    metrics: dict[str, Number] = Field(default_factory=dict)
    epochs: Count = 0
    started: Moment = Field(default_factory=lambda: datetime.now(UTC))
    finished: Moment | None = None
    seconds: dict[str, Number] = Field(default_factory=dict)
    samples_per_second: Number = None
    environment: Environment = Field(default_factory=Environment)
    device: str = ""
    accelerator: str = ""
    devices: Count = 1
    world_size: Count | None = None
    steps: Count | None = None
    precision: Precision = ""
    exported: ExportedWeights | None = None

    def to_json(self) -> str:
        """The text of `run.json`: keys sorted, two spaces of indent, a newline at the end."""
        plain = finite(self.model_dump(mode="python"))
        return (
            json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False, default=_plain)
            + "\n"
        )

    @classmethod
    def from_json(cls, text: str) -> RunRecord:
        """Read and validate the text of a `run.json`.

        Raises:
            RunError: If it is not strict JSON, is no record, or was written by a newer galaxynet.
        """
        values = _parsed(text)
        layout = values.get("schema", SCHEMA)
        if isinstance(layout, int) and layout > SCHEMA:
            raise RunError(
                f"The record has layout {layout}; this galaxynet reads up to {SCHEMA}.",
                "Upgrade with: pip install --upgrade galaxynet",
            )
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            key, reason = first_fault(error)
            raise RunError(f"In the record, {key or 'the whole'}: {reason}.") from None


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} is no JSON type: {value!r}")


def _parsed(text: str) -> dict[str, Any]:
    try:
        values = parse_json(text)
    except ValueError as error:
        raise RunError(f"The record is not JSON: {error}.") from None
    if not isinstance(values, dict):
        raise RunError("The record is not a JSON object.")
    return values
