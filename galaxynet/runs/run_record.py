"""The record of a run: everything that `run.json` says, validated when it is read.

The file is strict JSON: it holds no NaN and no infinity. A metric that has no value (the loss of a training
that diverged) is stored as null.
"""

from __future__ import annotations

import json
import math
import secrets
import string
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    JsonValue,
    ValidationError,
)

from galaxynet.errors import RunError, first_fault
from galaxynet.untrusted import parse_json

SCHEMA = 1
"""The version of the record's layout that this galaxynet writes."""

_FIRST_YEAR, _LAST_YEAR = 1970, 9000

Status = Literal["running", "finished", "failed", "interrupted", "diverged"]
Task = Annotated[str, Field(min_length=1, max_length=80)]
"""`classification`, `reconstruction`, `language`, or what a plugin calls its own."""

_LIGHTNINGS = {"32-true": "float32", "bf16-mixed": "bf16", "16-mixed": "fp16"}
# Records of galaxynet 0.1.0 have Lightning's name.
Precision = Annotated[str, AfterValidator(lambda name: _LIGHTNINGS.get(name, name))]


def new_id() -> str:
    """Six random characters of a-z and 0-9."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(6))


def _finite(value: Any) -> Any:
    """Any number that JSON cannot write becomes None, in containers too."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return value


Number = Annotated[float | None, BeforeValidator(_finite)]
"""A float, or None where it is not finite."""

Plain = Annotated[JsonValue, BeforeValidator(_finite)]
"""A JSON value without NaN and infinity."""

Count = Annotated[int, Field(ge=0, lt=2**63)]
"""How many of something."""


def _moment(moment: datetime) -> datetime:
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:  # in the year 1, to change the zone overflows
        raise ValueError(f"the year is not between {_FIRST_YEAR} and {_LAST_YEAR}")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_moment)]
"""A time with its zone, kept in UTC."""


class Part(BaseModel):
    """Base of the record and its parts. Keys it does not know are kept and written back."""

    model_config = ConfigDict(
        extra="allow", validate_assignment=True, populate_by_name=True, serialize_by_alias=True
    )


class PluginId(Part):
    """Which plugin was used: its name, the distribution that it came from, and that one's version."""

    name: str
    distribution: str = ""
    version: str = ""


Values = Annotated[dict[str, Plain], Field(max_length=200)]
"""Options by name: each may become a column, so a stranger's record must not have any number of them."""

Names = Annotated[list[str], Field(max_length=10_000)]
"""Names of modules, or sentences; bounded, because the record may be a stranger's."""


class OptionValues(Part):
    """Every option of a run, by whom it belongs to; plain types as `Options.to_dict` gives them."""

    model: Values = Field(default_factory=dict)
    dataset: Values = Field(default_factory=dict)
    training: Values = Field(default_factory=dict)

    def merged(self) -> dict[str, Any]:
        """All options in one dict: the model's first, then the dataset's and the trainer's."""
        return {**self.model, **self.dataset, **self.training}


class MajorityClass(Part):
    """What always giving the same answer scores on the test part.

    For classification it is the most frequent class of the training part and its share; for vote fractions it
    is the mean row of the training part, with its root mean square error as `accuracy`, and itself as `row`.
    """

    label: str
    accuracy: FiniteFloat
    samples: Count
    row: list[FiniteFloat] = Field(default_factory=list, max_length=10_000)


class ReferenceValue(Part):
    """A published figure that applies to this run."""

    metric: str
    value: FiniteFloat
    source: str


class InitialWeights(Part):
    """The weights that a training began with.

    Attributes:
        run: The id of the run that they are from.
        name: That run's name, or its id.
        model: Its network.
        digest: Sixteen hex digits that identify its weights.
        tensors: Parameters and buffers of the new network.
        taken: How many of them were taken over.
        modules: Names of the modules that were taken over whole.
        new: Names of the modules that began at random.
        options: The options whose values came with the weights.
        notes: What differs from that run, in sentences.
    """

    run: str = ""
    name: str = ""
    model: str = ""
    digest: str = ""
    tensors: Count = 0
    taken: Count = 0
    modules: Names = Field(default_factory=list)
    new: Names = Field(default_factory=list)
    options: Values = Field(default_factory=dict)
    notes: Names = Field(default_factory=list)


class TeacherRun(Part):
    """A run whose network taught that of another.

    Attributes:
        run: Its id.
        name: Its name, or its id.
        model: Its network.
        digest: Sixteen hex digits that identify its weights.
    """

    run: str = ""
    name: str = ""
    model: str = ""
    digest: str = ""


class Environment(Part):
    """Where a run was made.

    Attributes:
        versions: Version by distribution name.
        git: Commit of the working directory, None outside a repository.
        host: Name of the machine.
        pid: Process id, 0 if unknown.
        process_start: When that process started, in the system's own notation; tells a process from a
            later one that got the same id. Empty if unknown.
        python: Version of Python.
        system: Operating system and its release.
        processor: Name of the processor.
        cores: Cores that the process could use.
        memory: Main memory in bytes.
        load: Load average of the minute before the run, of all programs on the machine.
    """

    versions: dict[str, str] = Field(default_factory=dict)
    git: str | None = None
    host: str = ""
    pid: int = 0
    process_start: str = ""
    python: str = ""
    system: str = ""
    processor: str = ""
    cores: Count | None = None
    memory: Count | None = None
    load: Number = None


class ExportedWeights(Part):
    """The weights of a network that was exported: what of a checkpoint is needed besides the record.

    Attributes:
        sha256: Digest of `weights.safetensors`, in hex.
        size: Its size in bytes.
        data_info: The data that the network is built for, of `DataInfo.to_dict`.
        rounding: By how much the 16-bit network differs from the run's: `samples`, and where the network
            has outputs of single samples the largest (`max`) and `mean` absolute difference of their numbers,
            and `labels`, how many of their texts differ.
        metrics: The test metrics, measured again with the 16-bit network.
    """

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: Count
    data_info: dict[str, Plain] = Field(max_length=10)
    rounding: dict[str, Number] = Field(default_factory=dict, max_length=10)
    metrics: dict[str, Number] = Field(default_factory=dict, max_length=1000)


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
        splits: Samples by part (`train`, `validation`, `test`).
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
        plain = _finite(self.model_dump(mode="python"))
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
