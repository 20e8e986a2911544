"""The page of pictures of a prediction: what the network was sure of, what not, and what is odd.

The rows are selected while the catalogue is written; their few images are then read once more. So the page is
the same after an interruption.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet import atomic, phrases
from galaxynet.errors import GalaxynetError, UsageError
from galaxynet.images.decoding import prepare_one, usable_cores
from galaxynet.images.flags import UNUSABLE, ImageError
from galaxynet.images.picture import Picture
from galaxynet.images.preprocessing import Preprocessing, read_picture
from galaxynet.prediction.highlights import NOVELTY, Group, Highlights, Row
from galaxynet.prediction.rows import FILE, FLAG, ID, REASON, Catalogue
from galaxynet.report.html.gallery import Picture as Thumbnail
from galaxynet.report.html.gallery import picture as thumbnail
from galaxynet.report.html.rendering import render
from galaxynet.report.table import Table, text_table
from galaxynet.runs import Run

SUFFIXES = (".html", ".htm")
_PROBABILITIES = 3
_NUMBERS = 4


@dataclass(frozen=True)
class _Sample:
    """An image of the page.

    Attributes:
        picture: The part of it that the network sees; None if it cannot be shown.
        why: Why it cannot be shown.
        id: Its id.
        file: Its path.
        facts: Names and figures.
        reason: The cell of the column `reason`.
    """

    picture: Thumbnail | None
    why: str
    id: str
    file: str
    facts: tuple[tuple[str, str], ...]
    reason: str


@dataclass(frozen=True)
class _Strip:
    title: str
    samples: tuple[_Sample, ...]


@dataclass(frozen=True)
class _Section:
    title: str
    count: str
    strips: tuple[_Strip, ...]


def highlights_of(run: Run, catalogue: Catalogue) -> Highlights:
    """What selects the rows of a prediction; the same run draws the same rows of the same catalogue."""
    task = catalogue.network.task
    return Highlights(catalogue.own_columns, run.record.id, task.metric, task.higher_is_better)


def check_page(path: Path, *, overwrite: bool) -> None:
    """Make sure that a page can be written, before anything is computed for it.

    Raises:
        UsageError: If its suffix is not that of a page, or it exists and is not to be replaced.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--gallery {path}: a page of pictures ends in .html.")
    if path.is_dir():
        raise UsageError(f"--gallery {path} is a folder.", "Name a file.")
    if path.exists() and not overwrite:
        raise UsageError(f"{path} exists.", "Replace it with --overwrite, or name another file.")


def write_page(path: Path, run: Run, catalogue: Catalogue, highlights: Highlights, origin: str = "") -> None:
    """Write the page.

    Args:
        path: The page.
        run: The run whose network was applied.
        catalogue: The images, one for each row of the catalogue.
        highlights: What was selected of it.
        origin: Name of the catalogue's file; empty for none.

    Raises:
        OSError: If it cannot be written.
    """
    groups = highlights.groups()
    rows = {row.number: row for group in groups for some in group.selections for row in some.rows}
    with ThreadPoolExecutor(usable_cores()) as pool:
        samples = dict(
            zip(rows, pool.map(lambda row: _sample(catalogue, highlights, row), rows.values()), strict=True)
        )
    total = highlights.rows
    calibrated = catalogue.network.task.temperature is not None
    page = render(
        "pictures.html.j2",
        heading=f"{phrases.count(total, 'image')} predicted by {run.label}",
        run=run.record,
        label=run.label,
        origin=origin,
        counts=_counts(highlights, groups),
        sections=[_section(group, total, samples) for group in groups if group.count],
        lost=sum(not sample.picture and sample.why != "" for sample in samples.values()),
        shape=catalogue.network.preprocessing.shape,
        probable=bool(highlights.classes),
        calibrated=calibrated,
        prior=catalogue.network.prior,
        novelty=NOVELTY in highlights.names,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_text(path, page)


def _counts(highlights: Highlights, groups: Iterable[Group]) -> Table:
    """The kinds of images, their number and their share."""
    total = highlights.rows
    counts = [(group.title, group.count) for group in groups if group.kind == "class"]
    if not counts:
        counts = [("predicted", total - highlights.unusable)]
    counts += [("without a prediction", highlights.unusable), ("predicted and flagged", highlights.flagged)]
    rows = [(name, f"{count:,}", _share(count, total)) for name, count in counts]
    return text_table(("", "images", "share"), rows, title="Counts")


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.1f}%" if total else ""


def _section(group: Group, total: int, samples: dict[int, _Sample]) -> _Section:
    strips = tuple(
        _Strip(some.title, tuple(samples[row.number] for row in some.rows)) for some in group.selections
    )
    count = f"{phrases.count(group.count, 'image')}, {_share(group.count, total)}"
    return _Section(group.title, "" if group.kind == "novel" else count, strips)


def _sample(catalogue: Catalogue, highlights: Highlights, row: Row) -> _Sample:
    cells = row.cells
    usable = not cells[FLAG.name] & int(UNUSABLE)
    shown, why = None, ""
    if usable:
        try:
            shown = thumbnail(_seen(catalogue, row.number), f"image {cells[ID.name]}")
        except ImageError as error:
            why = error.reason
        except GalaxynetError as error:
            why = error.message
        except Exception as error:  # any error of a library costs this picture alone
            why = type(error).__name__
    facts = tuple(_facts(highlights, cells)) if usable else ()
    return _Sample(shown, why, cells[ID.name], cells[FILE.name], facts, cells[REASON.name])


def _facts(highlights: Highlights, cells: dict[str, Any]) -> Iterable[tuple[str, str]]:
    if highlights.classes:
        probabilities = {name: float(cells[f"p_{name}"]) for name in highlights.classes}
        ordered = sorted(probabilities.items(), key=lambda item: -item[1])
        shown = ordered if len(ordered) <= _PROBABILITIES + 2 else ordered[:_PROBABILITIES]
        yield from ((name, _percent(probability)) for name, probability in shown)
        names: Sequence[str] = [NOVELTY]
    else:
        names = [name for name in highlights.names if isinstance(cells[name], float)][:_NUMBERS]
        names += [NOVELTY] if NOVELTY not in names else []
    yield from ((name, f"{cells[name]:.4g}") for name in names if name in cells)


def _percent(probability: float) -> str:
    """A probability in percent; what is nearly 0 or 1 is not shown as if it were."""
    if not 0.001 <= probability <= 0.999:
        return "<0.1%" if probability < 0.5 else ">99.9%"
    return f"{100 * probability:.{0 if 0.01 <= probability < 0.99 else 1}f}%"


def _seen(catalogue: Catalogue, number: int) -> npt.NDArray[np.uint8]:
    """The part of an image that the network sees, in colour and with its own pixels where that can be."""
    inputs, preprocessing = catalogue.inputs, catalogue.network.preprocessing
    if type(preprocessing) is not Preprocessing:  # another one may show other things than a part
        return prepare_one(inputs, number, preprocessing, catalogue.fits).pixels
    radius = inputs.radius(number)
    content = inputs.read(number)
    if isinstance(content, Picture):
        return preprocessing.cut(content, radius)
    try:
        picture = read_picture(content, catalogue.fits, color=True, with_scale=radius is not None)
    except ImageError:
        picture = read_picture(content, catalogue.fits, color=False, with_scale=radius is not None)
    return preprocessing.cut(picture, radius)
