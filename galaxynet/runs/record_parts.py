"""The parts of a run's record, and the types of their values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    JsonValue,
)

_YEARS = (1970, 9000)


def finite(value: Any) -> Any:
    """Any number that JSON cannot write becomes None, in containers too."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return value


Number = Annotated[float | None, BeforeValidator(finite)]
"""A float, or None where it is not finite."""


Plain = Annotated[JsonValue, BeforeValidator(finite)]
"""A JSON value without NaN and infinity."""


Count = Annotated[int, Field(ge=0, lt=2**63)]
"""How many of something."""


def _moment(moment: datetime) -> datetime:
    first, last = _YEARS
    if not first <= moment.year <= last:  # in the year 1, to change the zone overflows
        raise ValueError(f"the year is not between {first} and {last}")
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
        set_coverage: Share of its conformal sets that hold the true class of a test sample, by the share
            that is promised; empty where the run has none.
    """

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: Count
    data_info: dict[str, Plain] = Field(max_length=10)
    rounding: dict[str, Number] = Field(default_factory=dict, max_length=10)
    metrics: dict[str, Number] = Field(default_factory=dict, max_length=1000)
    set_coverage: dict[str, Number] = Field(default_factory=dict, max_length=10)
