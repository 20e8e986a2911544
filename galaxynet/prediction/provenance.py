"""Where a catalogue's figures come from: the parameters that its file carries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import version

from galaxynet.catalogue.columns import Parameter, clean_text
from galaxynet.images.fits import FitsOptions
from galaxynet.images.stretch import AUTO
from galaxynet.prediction.network import AppliedNetwork
from galaxynet.runs import Run, ShippedRun

_CHUNK = 2**20


def weights_digest(run: Run) -> str:
    """SHA-256 of the file with the weights of a run's best epoch, in hex.

    Raises:
        RunError: If it has none.
    """
    digest = hashlib.sha256()
    with run.weights_path().open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def title_of(run: Run) -> str:
    """What a catalogue is, in a line."""
    origin = f"with the weights {run.source}" if isinstance(run, ShippedRun) else f"of the run {run.label}"
    return f"Predictions of the network {run.record.model.name} {origin}"


def provenance(
    run: Run, digest: str, created: str, fits: FitsOptions, network: AppliedNetwork
) -> list[Parameter]:
    """The facts about a catalogue.

    Args:
        run: The run whose network is applied.
        digest: The digest of its weights.
        created: When the prediction was begun, in ISO 8601.
        fits: How FITS images are read.
        network: The network, as it is applied.
    """
    record = run.record
    software = "meta.version;meta.software"
    parameters = [
        Parameter("run", record.id, "meta.id", "the run that trained the network"),
        *_name(run),
        Parameter("model", f"{record.model.name} {record.model.version}", software, "the network"),
        Parameter("model_sha256", digest, "meta.checksum;meta.software", "digest of its weights"),
        Parameter("dataset", record.dataset.name, "meta.dataset", "what it was trained on"),
        Parameter("galaxynet", version("galaxynet"), software, "the software that applied it"),
        Parameter("created", created, "time.creation", "when it was applied (UTC)"),
        Parameter("precision", network.precision, "", "number format of the forward pass"),
        Parameter("views", network.task.views, "meta.number", "views of an image that are averaged"),
        Parameter(
            "preprocessing", json.dumps(record.preprocessing, sort_keys=True), "", "from image to input"
        ),
    ]
    if network.task.temperature is not None:
        parameters.append(
            Parameter(
                "temperature",
                network.task.temperature,
                "stat.param",
                "logits are divided by it: calibration",
            )
        )
    if network.prior is not None:
        parameters += [
            Parameter(
                "prior",
                json.dumps(dict(network.prior.shares)),
                "stat.param",
                f"shares of the classes that the probabilities are for: {network.prior.origin}",
            ),
            Parameter(
                "training_prior",
                json.dumps(dict(network.prior.trained)),
                "stat.param",
                "the shares in the training, for which they were before",
            ),
        ]
    if fits.bands or fits.hdu:
        parameters.append(Parameter("fits", _fits(fits), "", "what was read of FITS images"))
    parameters.append(
        Parameter(
            "stretch", str(fits.stretch or AUTO), "", "of FITS images: Lupton asinh, width,Q,minimum or auto"
        )
    )
    return [
        Parameter(p.name, clean_text(p.value), p.ucd, p.description) if isinstance(p.value, str) else p
        for p in parameters
        if p.value != ""
    ]


def _name(run: Run) -> list[Parameter]:
    if isinstance(run, ShippedRun):
        return [Parameter("weights", run.source, "meta.version;meta.software", "the shipped weights")]
    return [Parameter("run_name", run.record.name, "meta.id", "its name")]


def shard_parameters(index: int, count: int, first: int, total: int, inputs: str) -> list[Parameter]:
    """What a shard must say of itself to be merged with the others.

    Args:
        index: Its number, from 1.
        count: How many shards there are.
        first: Number of its first row, from 0, in the whole.
        total: Rows of the whole.
        inputs: The digest of all inputs.
    """
    return [
        Parameter("shard", index, "", "number of this shard"),
        Parameter("shards", count, "", "how many there are"),
        Parameter("first_row", first, "", "number of its first row in the whole, from 0"),
        Parameter("total_rows", total, "", "rows of the whole"),
        Parameter("inputs", inputs, "", "digest of the list of all images"),
    ]


SHARD_NAMES = ("shard", "shards", "first_row", "total_rows", "inputs")
"""The parameters of `shard_parameters`."""


def _fits(fits: FitsOptions) -> str:
    parts: Sequence[str] = [
        f"hdu {fits.hdu}" * bool(fits.hdu),
        f"bands {','.join(fits.bands)}" * bool(fits.bands),
    ]
    return ", ".join(filter(None, parts))
