"""Templates of HTML pages that stand alone: everything is escaped, and style and script are in the page."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from importlib import metadata, resources
from typing import Any

from galaxynet.report.table import BEST_STYLE
from galaxynet.terminal import printable

_TEMPLATES = "templates"
_CSS_CLASSES = {
    BEST_STYLE: "best",
    "green": "finished",
    "cyan": "running",
    "yellow": "interrupted",
    "magenta": "diverged",
    "red": "failed",
    "dim": "faint",
}
"""CSS classes by the style of a cell in a terminal."""


def render(template: str, *, heading: str, script: str = "", **values: Any) -> str:
    """A page as HTML.

    Args:
        template: File name of a template that extends `base.html.j2`.
        heading: Its heading.
        script: File name of its script; empty for none.
        **values: What else the template names.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("galaxynet.report.html", _TEMPLATES),
        autoescape=True,  # names of runs, classes, options and files are untrusted
        finalize=_make_printable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["css_classes"] = _CSS_CLASSES
    now = datetime.now().astimezone()
    code = _text(script) if script else ""
    return environment.get_template(template).render(
        heading=heading,
        moment=now.isoformat(timespec="seconds"),
        when=f"{now:%d %B %Y, %H:%M} {now:%Z}".strip(),
        version=metadata.version("galaxynet"),
        style=_text("page.css"),
        script=code,
        script_digest=base64.b64encode(hashlib.sha256(code.encode()).digest()).decode(),
        **values,
    )


def _make_printable(value: Any) -> Any:
    """A printable text; our own HTML, which is not of type `str`, stays."""
    return printable(value) if type(value) is str else value


def _text(name: str) -> str:
    return (resources.files("galaxynet.report.html") / _TEMPLATES / name).read_text(encoding="utf-8")
