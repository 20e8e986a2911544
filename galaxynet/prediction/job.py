"""A prediction from images to a catalogue's file, which survives whatever ends its process."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet import terminal
from galaxynet.catalogue.columns import Block, Layout
from galaxynet.catalogue.writing import check_format, write_table
from galaxynet.errors import DataError, UsageError
from galaxynet.images.flags import UNUSABLE
from galaxynet.prediction.highlights import watched
from galaxynet.prediction.parts import Parts
from galaxynet.prediction.picture_page import check_page, highlights_of, write_page
from galaxynet.prediction.provenance import provenance, shard_parameters, title_of, weights_digest
from galaxynet.prediction.rows import FLAG, REASON, Catalogue
from galaxynet.prediction.shards import Shard
from galaxynet.runs import Run

PART_ROWS = 4096
"""Rows of a part: what is done again after a kill, and what is in memory at once."""


@dataclass(frozen=True)
class Prediction:
    """What a finished prediction wrote.

    Attributes:
        path: The catalogue's file.
        rows: Its rows.
        flagged: Rows with a prediction and something to note.
        unusable: Rows without a prediction.
        reasons: The commonest causes of `unusable`, with their counts.
        resumed: Rows that an earlier process had predicted.
        seconds: Time that the others took.
    """

    path: Path
    rows: int
    flagged: int
    unusable: int
    reasons: tuple[tuple[str, int], ...]
    resumed: int
    seconds: float


def predict_to_file(
    run: Run,
    catalogue: Catalogue,
    output: Path,
    *,
    shard: Shard | None = None,
    overwrite: bool = False,
    gallery: Path | None = None,
) -> Prediction:
    """Apply a network to images and write the catalogue.

    Args:
        run: The run of the network.
        catalogue: Images and network, all of them, also where a shard is written.
        output: The file; its suffix names the format.
        shard: The part of the images to predict; None for all.
        overwrite: Replace a file that exists.
        gallery: A page of pictures to write besides; None for none.

    Raises:
        UsageError: If a file exists, or its suffix is unknown.
        DataError: If a library is missing, or an unfinished prediction of something else is in the way.
    """
    check_format(output)
    total = len(catalogue.inputs)
    digest = catalogue.inputs.digest()
    rows = range(total) if shard is None else shard.rows(total)
    if not rows:
        raise UsageError(
            f"--shard {shard.index}/{shard.count}: it has no rows of {total}." if shard else "No rows."
        )
    catalogue = Catalogue(catalogue.inputs.part(rows.start, rows.stop), catalogue.network, catalogue.fits)
    weights = weights_digest(run)
    request = _request(run, weights, catalogue, digest, shard)
    parts = Parts(output, catalogue.columns)
    job = _begin(parts, request, overwrite, gallery)
    highlights = None if gallery is None else highlights_of(run, catalogue)
    with parts.held():
        done = parts.complete()
        resumed, began = sum(done), time.monotonic()
        if resumed:
            terminal.note(f"continuing after {resumed:,} of {len(rows):,} rows")
        _predict(catalogue, parts, done)
        seconds = time.monotonic() - began
        count = -(-len(rows) // PART_ROWS)
        facts = provenance(run, weights, job["created"], catalogue.fits, catalogue.network)
        if shard is not None:
            facts += shard_parameters(shard.index, shard.count, rows.start, total, digest)
        layout = Layout(
            catalogue.columns,
            tuple(facts),
            title_of(run),
            len(rows),
            parts.widths(count),
        )
        counter = _Counter()
        write_table(output, layout, watched(counter.counted(parts.blocks(count)), highlights))
        if gallery is not None and highlights is not None:
            with terminal.working("reading the selected images"):
                write_page(gallery, run, catalogue, highlights, output.name)
    parts.remove()
    return Prediction(
        output, len(rows), counter.flagged, counter.unusable, counter.commonest(), resumed, seconds
    )


def _request(
    run: Run, weights: str, catalogue: Catalogue, digest: str, shard: Shard | None
) -> dict[str, Any]:
    """What determines the rows: parts of another request cannot be continued."""
    network = catalogue.network
    columns = json.dumps([column.name for column in catalogue.columns])
    return {
        "version": 1,
        "run": run.record.id,
        "weights": weights,
        "calibration": dict(run.record.calibration),
        "inputs": digest,
        "shard": "" if shard is None else f"{shard.index}/{shard.count}",
        "columns": hashlib.sha256(columns.encode()).hexdigest(),
        "fits": repr(catalogue.fits),
        "pixel_scale": repr(catalogue.inputs.pixel_scale),
        "precision": network.precision,
        "views": network.task.views,
        "coverage": network.coverage,
        "prior": None if network.prior is None else dict(network.prior.shares),
        "part_rows": PART_ROWS,
    }


def _begin(parts: Parts, request: dict[str, Any], overwrite: bool, gallery: Path | None) -> dict[str, Any]:
    """The job to continue, or a new one."""
    job = parts.job()
    continued = job is not None and job.get("request") == request
    page = None if gallery is None else str(gallery.absolute())
    if parts.output.is_dir():
        raise UsageError(f"{parts.output} is a folder.", "Name a file.")
    if gallery is not None:
        # A page of the same job may be there already: it is written before the parts are removed.
        ours = continued and job is not None and job.get("gallery") == page
        check_page(gallery, overwrite=overwrite or ours)
        gallery.parent.mkdir(parents=True, exist_ok=True)
    if job is not None and continued:
        return job
    if parts.output.exists() and not overwrite:
        raise UsageError(f"{parts.output} exists.", "Replace it with --overwrite, or name another file.")
    if parts.folder.exists() and not overwrite:
        earlier = (job or {}).get("request", {})
        changed = [name for name in request if request[name] != earlier.get(name)]
        raise DataError(
            f"{parts.folder} has an unfinished prediction with other {' and '.join(changed) or 'settings'}.",
            "Start over with --overwrite, or name another file.",
        )
    parts.output.parent.mkdir(parents=True, exist_ok=True)
    job = {
        "request": request,
        "created": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "gallery": page,
    }
    parts.begin(job)
    return job


def _predict(catalogue: Catalogue, parts: Parts, done: Sequence[int]) -> None:
    """Predict the rows that are missing and keep them, part by part."""
    total, first = len(catalogue.inputs), sum(done)
    number, waiting, held = len(done), [], 0
    with (
        terminal.progress("predicting", total, "images") as advance,
        contextlib.closing(catalogue.blocks(first)) as blocks,
    ):
        advance(first)
        for block in blocks:
            waiting.append(block)
            held += _length(block)
            first += _length(block)
            while held >= PART_ROWS or (held and first == total):
                joined = {name: np.concatenate([part[name] for part in waiting]) for name in waiting[0]}
                parts.add(number, {name: cells[:PART_ROWS] for name, cells in joined.items()})
                number += 1
                waiting = [{name: cells[PART_ROWS:] for name, cells in joined.items()}]
                held = _length(waiting[0])
            advance(_length(block))


def _length(block: Block) -> int:
    return len(block[FLAG.name])


class _Counter:
    """Counts what became of the rows, while they are written."""

    def __init__(self) -> None:
        self.flagged = self.unusable = 0
        self._reasons: dict[str, int] = {}

    def counted(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """The same blocks."""
        for block in blocks:
            flags: npt.NDArray[np.int16] = block[FLAG.name]
            unusable = (flags & int(UNUSABLE)) != 0
            self.unusable += int(unusable.sum())
            self.flagged += int(((flags != 0) & ~unusable).sum())
            for reason in block[REASON.name][unusable].tolist():
                if reason in self._reasons or len(self._reasons) < 1000:
                    self._reasons[reason] = self._reasons.get(reason, 0) + 1
            yield block

    def commonest(self) -> tuple[tuple[str, int], ...]:
        """The commonest reasons."""
        ordered = sorted(self._reasons.items(), key=lambda item: -item[1])
        return tuple(ordered[:5])
