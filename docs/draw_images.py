"""Draw the pictures of the documentation: `python docs/draw_images.py DATA_FOLDER RUNS_FOLDER`.

The folders are those of the tutorial: `galaxy-sim` with 2,000 galaxies of seed 0, and the two runs on them.
"""

from __future__ import annotations

import re
import sys
import zipfile
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI

from galaxynet.report.comparison import comparison_table
from galaxynet.report.rows import Row, group_rows, sort_rows
from galaxynet.report.table_layout import format_table
from galaxynet.runs import Run, scan

IMAGES = Path(__file__).parent / "images"
ROWS, COLUMNS, SIDE, GAP = 3, 8, 136, 4
WIDTH = 98

# rich's own format names fonts on another site; the reader's terminal font does as well.
SVG_FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "Fira Code", "Liberation Mono, Menlo, Consolas"
)


def contact_sheet(archive: Path, target: Path) -> None:
    """The first galaxies of a survey, the central part of each frame, ordered by id."""
    sheet = np.full((ROWS * (SIDE + GAP) - GAP, COLUMNS * (SIDE + GAP) - GAP, 3), 255, np.uint8)
    with zipfile.ZipFile(archive) as images:
        names = [name for name in images.namelist() if name.endswith(".jpg")][: ROWS * COLUMNS]
        for number, name in enumerate(names):
            frame: Any = cv2.imdecode(np.frombuffer(images.read(name), np.uint8), cv2.IMREAD_COLOR)
            row, column = (index * (SIDE + GAP) for index in divmod(number, COLUMNS))
            small = cv2.resize(frame[84:340, 84:340], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            sheet[row : row + SIDE, column : column + SIDE] = small
    cv2.imwrite(str(target), sheet, [cv2.IMWRITE_JPEG_QUALITY, 88])


def comparison(runs_dir: Path, target: Path) -> None:
    """The table that `galaxynet compare` prints."""
    runs = [run for run in scan(runs_dir) if isinstance(run, Run)]
    console = Console(record=True, width=WIDTH, file=StringIO(), highlight=False, force_terminal=True)
    names = ["run", "model", "act", "parameters", "epochs", "accuracy", "interval", "status"]
    for group in group_rows([Row(run) for run in runs]):
        table = comparison_table(replace(group, rows=sort_rows(group.rows)), WIDTH, names)
        console.print(format_table(table, WIDTH))
    text = console.export_svg(
        title="galaxynet compare", theme=MONOKAI, code_format=SVG_FORMAT, unique_id="compare"
    )
    target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    data, runs = map(Path, sys.argv[1:])
    contact_sheet(data / "galaxy-sim" / "images_training_rev1.zip", IMAGES / "simulated-galaxies.jpg")
    comparison(runs, IMAGES / "compare.svg")
