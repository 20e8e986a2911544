"""The network charrnn, which generates text character by character, and its datasets.

This module is imported for listings and for `--help`, so it imports no torch.
"""

from __future__ import annotations

from galaxynet.plugin import DataFile, DatasetSpec, Https, ModelSpec, Reference
from galaxynet_charrnn.options import CharRNNOptions, TextFileOptions, TextOptions

__all__ = ["CHARRNN", "NOVEL", "PRIDE_AND_PREJUDICE", "PUBLISHED_UPDATES", "TEXT"]

_REPORT = "2019 student report, part 1 (smoothed loss, read off)"
# The report trained min-char-rnn: one stream, 25 characters an update; an epoch is 1,000 of them by default.
_FAITHFUL = {"cell": "rnn", "layers": 1, "streams": 1, "sequence": 25, "iterations": None}

PUBLISHED_UPDATES = {100: 20_000, 200: 30_000}
"""After how many updates of the weights the report read its losses off, by the width of the layer."""

CHARRNN = ModelSpec(
    name="charrnn",
    summary="recurrent network that learns to write text character by character",
    options=CharRNNOptions,
    module="galaxynet_charrnn.model:CharRNN",
    dataset="pride-and-prejudice",
    # 20 epochs of 1,000 updates. A batch is what Lightning handles at once, not what an update sees.
    # The network only computes in float32, and `auto` can be another format.
    training={"epochs": 20, "batch_size": 100, "precision": "float32"},
    references=(
        Reference({"hidden": 100, "epochs": 20, **_FAITHFUL}, {"train/smooth_loss": 45.0}, _REPORT),
        Reference({"hidden": 200, "epochs": 30, **_FAITHFUL}, {"train/smooth_loss": 55.0}, _REPORT),
    ),
    claims="galaxynet_charrnn.claims:CLAIMS",
    figures={"smooth-loss": "galaxynet_charrnn.figures:smooth_loss"},
)

NOVEL = DataFile(
    name="pride_and_prejudice.txt",
    summary="the novel as plain text, UTF-8",
    folder="pg1342.txt",
    convert="galaxynet_charrnn.check:keep",
)

PRIDE_AND_PREJUDICE = DatasetSpec(
    name="pride-and-prejudice",
    summary="Jane Austen's novel, read character by character (Project Gutenberg)",
    options=TextOptions,
    module="galaxynet_charrnn.datamodule:PrideAndPrejudiceData",
    files=(NOVEL,),
    sources=(
        Https(
            urls={
                NOVEL.name: (
                    "https://www.gutenberg.org/cache/epub/1342/pg1342.txt",
                    "https://www.gutenberg.org/files/1342/1342-0.txt",
                )
            }
        ),
    ),
    homepage="https://www.gutenberg.org/ebooks/1342",
    check="galaxynet_charrnn.check:check",
)

TEXT = DatasetSpec(
    name="text",
    summary="your own text file, UTF-8, named with --file",
    options=TextFileOptions,
    module="galaxynet_charrnn.datamodule:TextFileData",
)
