"""`galaxynet predict`: apply a trained network to images and write a catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from galaxynet import terminal
from galaxynet.commands import (
    Prior,
    Quiet,
    RunsDir,
    Views,
    accelerator_option,
    batch_size_option,
    complete_networks,
)

if TYPE_CHECKING:
    from galaxynet.images.fits import FitsOptions
from galaxynet.cli.predict_output import print_preview, print_summary

_TABLE = "Columns of an input table"
_FITS = "FITS images"


def command(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="Id, name or folder of a run, or last; shipped weights; with --merge, a shard.",
            autocompletion=complete_networks,
        ),
    ],
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="IMAGES",
            help="Folders, zip archives, images, globs, a list with a path a line (- for standard input), or "
            "a table with a column of paths.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Catalogue: .csv, .ecsv, .parquet, .fits or .vot."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the catalogue if it exists.")
    ] = False,
    gallery: Annotated[
        Path | None,
        typer.Option(
            "--gallery",
            metavar="FILE",
            help="Page of pictures (.html): surest, least sure, random, novel and flagged images.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be predicted, and how long it takes.")
    ] = False,
    shard: Annotated[
        str, typer.Option("--shard", metavar="I/N", help="Predict one of N equal parts.", show_default=False)
    ] = "",
    merge: Annotated[bool, typer.Option("--merge", help="Merge the shards that are named.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if an image could not be used.")
    ] = False,
    path_column: Annotated[
        str,
        typer.Option(
            "--path-column",
            metavar="NAME",
            help="Paths of the images.",
            show_default="file, path, filename, ...",
            rich_help_panel=_TABLE,
        ),
    ] = "",
    id_column: Annotated[
        str,
        typer.Option(
            "--id-column", metavar="NAME", help="Ids.", show_default="id, if there", rich_help_panel=_TABLE
        ),
    ] = "",
    radius_column: Annotated[
        str,
        typer.Option(
            "--radius-column",
            metavar="NAME",
            help="Radii of the galaxies in arcsec, by which images are cut as the training images were.",
            show_default=False,
            rich_help_panel=_TABLE,
        ),
    ] = "",
    pixel_scale: Annotated[
        float | None,
        typer.Option(
            "--pixel-scale",
            metavar="ARCSEC",
            help="Side of a pixel.",
            show_default="by the image's world coordinates",
            rich_help_panel=_TABLE,
            min=1e-6,
        ),
    ] = None,
    hdu: Annotated[
        str,
        typer.Option(
            "--hdu",
            metavar="N|NAME",
            help="Extension.",
            show_default="as in training, or the first with an image",
            rich_help_panel=_FITS,
        ),
    ] = "",
    bands: Annotated[
        str,
        typer.Option(
            "--bands",
            metavar="I,R,G",
            help="Names of bands, or numbers of planes from 1: to be red, green and blue, or gray together.",
            show_default="as in training, or all, to gray",
            rich_help_panel=_FITS,
        ),
    ] = "",
    stretch: Annotated[
        str,
        typer.Option(
            "--stretch",
            metavar="WIDTH[,Q[,MIN]]",
            help="Asinh stretch of Lupton et al. 2004, in the flux units of the image; auto: by its sky.",
            show_default="as in training, or auto",
            rich_help_panel=_FITS,
        ),
    ] = "",
    id_keyword: Annotated[
        str,
        typer.Option(
            "--id-keyword",
            metavar="KEYWORD",
            help="Header keyword with the id.",
            show_default="the file's name",
            rich_help_panel=_FITS,
        ),
    ] = "",
    sets: Annotated[
        float | None,
        typer.Option(
            "--sets",
            metavar="COVERAGE",
            help="Add a column set: classes that hold the true one with this probability, such as 0.9.",
            show_default=False,
        ),
    ] = None,
    prior: Prior = None,
    views: Views = None,
    intervals: Annotated[
        bool,
        typer.Option("--intervals", help="Add the ends of 90 % intervals of vote fractions, _low and _high."),
    ] = False,
    batch_size: Annotated[int, batch_size_option()] = 256,
    accelerator: Annotated[Literal["auto", "cpu", "gpu", "mps"], accelerator_option()] = "auto",
    precision: Annotated[
        Literal["float32", "bf16", "fp16"],
        typer.Option("--precision", help="Number format; only in float32 a row is the same in every batch."),
    ] = "float32",
    runs_dir: RunsDir = None,
    quiet: Quiet = False,
) -> None:
    """Apply a trained network to images and write a catalogue.

    Each image has a row, in order. One that cannot be used has no prediction, and the column reason says why.
    If the command is stopped or killed, the same command continues.

      galaxynet predict last cutouts/ -o catalogue.parquet
      galaxynet predict k3x9ab survey.zip -o catalogue.fits
      galaxynet predict k3x9ab targets.csv --radius-column petro_r90 -o catalogue.vot
      galaxynet predict k3x9ab big/ -o part-03.parquet --shard 3/16
      galaxynet predict k3x9ab cutouts/ -o catalogue.csv --gallery page.html
      galaxynet predict --merge part-*.parquet -o all.parquet
    """
    from galaxynet.errors import UsageError

    terminal.set_quiet(quiet)
    from galaxynet.prediction.shards import Shard

    words = list(images or ())
    if output is None and not dry_run:
        raise UsageError("The catalogue needs a name.", "Name it with -o: -o catalogue.parquet")
    if merge:
        assert output is not None
        for flag, value in (("--gallery", gallery), ("--prior", prior)):
            if value is not None:
                raise UsageError(f"{flag} goes with a prediction, not with --merge.", "Leave it out.")
        _merge([run, *words], output, overwrite)
        return
    if not words:
        raise UsageError(
            "Name the images: a folder, a zip archive, files, a list or a table.",
            f"galaxynet predict {run} cutouts/ -o catalogue.parquet",
        )
    fits = _fits_options(hdu, bands, stretch, id_keyword)
    from galaxynet import paths, runs
    from galaxynet.catalogue.writing import check_format
    from galaxynet.images.input_search import TableColumns, find_inputs

    part = Shard.parse(shard) if shard else None
    if output is not None:
        check_format(output)
    selected = runs.find_network(paths.runs_dir(runs_dir), run)
    inputs = find_inputs(words, TableColumns(path_column, id_column, radius_column, pixel_scale))
    with terminal.working("loading PyTorch"):
        from galaxynet.prediction.job import predict_to_file
        from galaxynet.prediction.network_of_run import applied_network
        from galaxynet.prediction.parts import parts_folder
        from galaxynet.prediction.preview import preview
        from galaxynet.prediction.rows import Catalogue
    network = applied_network(
        selected,
        accelerator=accelerator,
        precision=precision,
        batch_size=batch_size,
        sets=sets,
        views=None if views is None else int(views),
        intervals=intervals,
        prior=prior,
    )
    if views is not None and selected.record.calibration and network.task.temperature is None:
        terminal.note(
            f"probabilities are not calibrated for --views {views}: leave it out for those that are"
        )
    catalogue = Catalogue(inputs, network, fits)
    for note in (*inputs.notes, *catalogue.notes):
        terminal.note(note)
    if dry_run:
        print_preview(preview(catalogue))
        return
    assert output is not None
    try:
        prediction = predict_to_file(
            selected, catalogue, output, shard=part, overwrite=overwrite, gallery=gallery
        )
    except (KeyboardInterrupt, OSError):
        if parts_folder(output).is_dir():
            terminal.note("the same command continues where this one stopped")
        raise
    print_summary(prediction)
    if gallery is not None:
        terminal.note(f"{gallery}: pictures of the selected images")
    if strict and prediction.unusable:
        raise typer.Exit(1)


def _fits_options(hdu: str, bands: str, stretch: str, id_keyword: str) -> FitsOptions:
    from galaxynet.errors import UsageError
    from galaxynet.images.fits import FitsOptions

    try:
        return FitsOptions.parse(hdu, bands, stretch, id_keyword)
    except ValueError as error:
        raise UsageError(f"--stretch {error}.") from None


def _merge(words: list[str], output: Path, overwrite: bool) -> None:
    from galaxynet.prediction.shards import merge

    rows = merge([Path(word) for word in words], output, overwrite=overwrite)
    terminal.note(f"{output}: {rows:,} rows of {len(words)} shards")
