"""`galaxynet plugins`: list installed networks, datasets, commands and trained weights."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from galaxynet import registry, terminal
from galaxynet.errors import PluginError, UsageError
from galaxynet.registry import Plugin
from galaxynet.report.output import print_rows, print_tables
from galaxynet.report.shipped_view import weights_row
from galaxynet.report.table import Column, Table, make_table
from galaxynet.runs import shipped_weights
from galaxynet.training.config import Components


def command(
    format: Annotated[Literal["rich", "json"], typer.Option("--format", help="Output format.")] = "rich",
    check: Annotated[
        bool,
        typer.Option("--check", help="Import each plugin fully; exit 1 if one is broken."),
    ] = False,
) -> None:
    """List installed networks, datasets, commands and trained weights, and their packages.

    A plugin is an entry point of the group galaxynet.models, galaxynet.datasets or
    galaxynet.commands in an installed package. A broken plugin is listed with its error.
    Trained weights that come with a package can be named wherever a run is; their card:
    galaxynet runs show NAME.
    """
    by_kind = {kind: [_row(plugin, check) for plugin in registry.plugins(kind)] for kind in registry.GROUPS}
    weights = [weights_row(shipped, check) for shipped in shipped_weights()]
    rows = [row for of_kind in by_kind.values() for row in of_kind] + weights
    if format == "json":
        print_rows(rows, "json")
    else:
        listings = {**{f"{kind}s": of_kind for kind, of_kind in by_kind.items()}, "weights": weights}
        print_tables([_table(title, listed) for title, listed in listings.items() if listed])
        for kind in (kind for kind, of_kind in by_kind.items() if not of_kind):
            terminal.echo(f"No {kind}s: {registry.nothing_installed(kind)}")
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


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    columns: list[Column[dict[str, Any]]] = [
        Column("name", lambda row: row["name"], overflow="keep", style="cyan"),
        Column(
            "summary",
            lambda row: row["problem"] or row["summary"],
            overflow="wrap",
            style=lambda row: "red" if row["problem"] else "",
        ),
        Column("from", lambda row: f"{row['distribution']} {row['version']}", overflow="keep", style="dim"),
    ]
    if title == "models":
        columns.insert(2, Column("trained on", lambda row: row["dataset"] or "", overflow="keep"))
    elif title == "weights":
        columns.insert(2, Column("test figure (95% interval)", lambda row: row["figure"], overflow="wrap"))
    return make_table(columns, rows, title=title)
