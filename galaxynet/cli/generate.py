"""`galaxynet generate`: text from a trained language model."""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from galaxynet import terminal
from galaxynet.commands import Network, Quiet, RunsDir

if TYPE_CHECKING:
    from collections.abc import Iterable


def command(
    run: Network,
    length: Annotated[int, typer.Option("--length", help="Number of characters to generate.", min=0)] = 500,
    temperature: Annotated[
        float,
        typer.Option(
            "--temperature",
            help="Lower is more predictable; 0: always the likeliest character.",
            min=0,
        ),
    ] = 1.0,
    prime: Annotated[
        str,
        typer.Option("--prime", help="Text to continue.", show_default=False),
    ] = "",
    seed: Annotated[
        int, typer.Option("--seed", help="The same seed gives the same text.", min=0, max=2**32 - 1)
    ] = 0,
    runs_dir: RunsDir = None,
    quiet: Quiet = False,
) -> None:
    """Generate text with a trained language model, character by character.

    The weights are those of the best epoch. The text goes to standard output as it is written.

      galaxynet generate last
      galaxynet generate k3x9ab --length 500 --temperature 0.8 --prime "It is a truth" --seed 3
    """
    terminal.set_quiet(quiet)
    with terminal.working("loading PyTorch"):
        from galaxynet.api import generate
    drawn = generate(run, length=length, temperature=temperature, prime=prime, seed=seed, runs_dir=runs_dir)
    text = itertools.chain([prime], drawn, ["\n"])
    _write(text)


def _write(text: Iterable[str]) -> None:
    """Print text as it is generated; end silently if the reader has gone (`| head`)."""
    try:
        for part in text:
            terminal.write(part)
            sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes once more at the end, and would raise an error then.
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None
