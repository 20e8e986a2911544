"""A matplotlib figure as an SVG element for a page of HTML with several figures."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from galaxynet.report.figures.style import make_legible, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FORBIDDEN_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_PIXELS_PER_POINT = 96 / 72


def inline_svg(figure: Figure, prefix: str, description: str) -> str:
    """The figure as one `<svg>` element without namespaces, metadata or a background.

    matplotlib uses the same ids in every figure (`figure_1`, `patch_1`), but ids are global in a page: only
    referenced ids are kept, with a prefix. Its style sheet would be global as well, so the two properties in
    it are set on the element.

    Args:
        figure: The figure.
        prefix: Letters, digits and hyphens that no other figure of the page has.
        description: The alternative text.
    """
    written = io.BytesIO()
    with styled():
        make_legible(figure)
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    # A name may have characters that XML forbids.
    root = ElementTree.fromstring(_FORBIDDEN_IN_XML.sub("", written.getvalue().decode()))
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child.tag) in ("metadata", "style"):
                parent.remove(child)
    used = set(_references(root))
    for element in root.iter():
        element.tag = _local(element.tag)
        attributes = {_local(name): value for name, value in element.attrib.items()}
        element.attrib.clear()
        for name, value in attributes.items():
            if name == "id":
                if value in used:
                    element.set("id", f"{prefix}-{value}")
            elif name == "href" and value.startswith("#"):
                element.set("href", f"#{prefix}-{value[1:]}")
            else:
                element.set(name, _REFERENCE.sub(rf"url(#{prefix}-\1)", value))
    width = float(root.attrib.pop("width").removesuffix("pt")) * _PIXELS_PER_POINT
    for name in ("height", "version"):
        root.attrib.pop(name, None)
    root.set("style", f"--width: {width:.0f}px; stroke-linejoin: round; stroke-linecap: butt")
    root.set("role", "img")
    root.set("aria-label", _FORBIDDEN_IN_XML.sub("", description))
    return ElementTree.tostring(root, encoding="unicode")


def _local(name: str) -> str:
    """The name without its namespace, which HTML does not need for SVG elements."""
    return name.rpartition("}")[2]


def _references(root: ElementTree.Element) -> list[str]:
    ids = []
    for element in root.iter():
        for name, value in element.attrib.items():
            if _local(name) == "href" and value.startswith("#"):
                ids.append(value[1:])
            ids += _REFERENCE.findall(value)
    return ids
