"""`galaxynet plugins`: which networks, datasets and commands are installed, and what is wrong with them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from galaxynet import registry, terminal
from galaxynet.errors import PluginError, UsageError
from galaxynet.registry import Kind, Plugin
from galaxynet.training.config import Components


def command(
    format: Annotated[
        Literal["rich", "json"], typer.Option("--format", help="A table, or JSON for a program.")
    ] = "rich",
    check: Annotated[
        bool,
        typer.Option("--check", help="Import what each plugin brings, too; exit 1 if one is broken."),
    ] = False,
) -> None:
    """List installed networks, datasets and commands, and the packages they come from.

    A plugin is any installed package with an entry point of the group galaxynet.models,
    galaxynet.datasets or galaxynet.commands. A broken one is listed with its fault and harms no other.
    """
    rows = [_row(plugin, check) for kind in registry.GROUPS for plugin in registry.plugins(kind)]
    if format == "json":
        import json

        terminal.write(json.dumps(rows, indent=2) + "\n")
    else:
        for kind in registry.GROUPS:
            _print(kind, [row for row in rows if row["kind"] == kind])
    if check and any(row["problem"] for row in rows):
        raise typer.Exit(1)


def _row(plugin: Plugin, check: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": plugin.kind,
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "summary": "",
        "dataset": None,
        "problem": "",
    }
    try:
        spec = plugin.load()
        row["summary"] = spec.summary
        row["dataset"] = getattr(spec, "dataset", None)
        if plugin.kind == "model":
            Components.load(plugin.qualified)
        if check:
            registry.resolve_for(plugin, spec.module)
    except (PluginError, UsageError) as error:
        row["problem"] = str(error)
    if plugin.name in registry.conflicts(plugin.kind):
        row["problem"] = row["problem"] or f"two packages offer this name; use {plugin.qualified}"
    return row


def _print(kind: Kind, rows: list[dict[str, Any]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    console = terminal.results()
    if not rows:
        console.print(f"No {kind}s: {registry.nothing_installed(kind)}", soft_wrap=True)
        return
    table = Table(title=f"{kind}s", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("name", style="cyan", no_wrap=True)
    table.add_column("summary")
    if kind == "model":
        table.add_column("trained on")
    table.add_column("from", style="dim", no_wrap=True)
    for row in rows:
        summary = f"[red]{escape(row['problem'])}[/red]" if row["problem"] else escape(row["summary"])
        dataset = [row["dataset"] or ""] if kind == "model" else []
        table.add_row(row["name"], summary, *dataset, f"{row['distribution']} {row['version']}")
    console.print(table)
    console.print()
