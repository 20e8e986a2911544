"""Weights that packages ship: a row of a listing, and their card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from galaxynet import untrusted
from galaxynet.errors import GalaxynetError, RunError
from galaxynet.report.rows import Row
from galaxynet.report.wording import (
    interval_of,
    metric_name,
    show_baseline,
    show_interval,
    show_result,
)
from galaxynet.runs import Run, Shipped
from galaxynet.runs.folder import CARD, reason
from galaxynet.terminal import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

_FIELDS = ("metric", "value", "low", "high", "samples", "majority", "majority_class", "parameters")


def weights_row(shipped: Shipped, verify: bool) -> dict[str, Any]:
    """Shipped weights as plain values, with their test figure.

    Args:
        shipped: The weights.
        verify: Compare the digest of the file, too.
    """
    name, _ = shipped.names
    row: dict[str, Any] = {
        "kind": "weights",
        "name": name,
        "distribution": shipped.plugin.distribution,
        "version": shipped.plugin.version,
        "summary": shipped.weights.summary,
        "model": shipped.plugin.name,
        "dataset": None,
        **dict.fromkeys(_FIELDS),
        "figure": "",
        "sha256": None,
        "bytes": None,
        "problem": "",
    }
    try:
        run = shipped.open(verify=verify)
    except GalaxynetError as error:
        return {**row, "problem": str(error)}
    record, fields = run.record, Row(run).fields
    exported = record.exported
    assert exported is not None
    figure = f"{metric_name(record.metric)} {show_result(record)}"
    if interval := interval_of(record):
        figure += f" ({show_interval(interval, record.metric)})"
    if record.baseline:
        figure += f"; always {record.baseline.label} {show_baseline(record)}"
    return {
        **row,
        "dataset": record.dataset.name,
        **{field: fields[field] for field in _FIELDS},
        "figure": f"{figure}; n {fields['samples'] or 0:,}",
        "sha256": exported.sha256,
        "bytes": exported.size,
    }


def card_view(run: Run) -> RenderableType:
    """The card, and the folder that it is in.

    Raises:
        RunError: If the card is missing or cannot be read.
    """
    from rich.console import Group
    from rich.markdown import Markdown
    from rich.text import Text

    try:
        text = untrusted.read_text(run.path / CARD, untrusted.MIB)
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"The card {run.path / CARD} cannot be read: {reason(error)}.") from None
    lines = "\n".join(map(printable, text.splitlines()))
    return Group(Markdown(lines), Text(""), Text(str(run.path), style="dim"))
