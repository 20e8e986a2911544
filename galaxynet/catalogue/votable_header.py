"""What the header of a VOTable says of a table: FITS-plus and VOParquet files carry one."""

from __future__ import annotations

from galaxynet.catalogue.columns import Parameter

Described = tuple[dict[str, dict[str, str]], list[Parameter], str]
"""Attributes of columns by their names, parameters, and the table's description."""


def parse_header(content: bytes) -> Described:
    """Columns, parameters and description by a VOTable header; nothing if it cannot be read."""
    from xml.etree import ElementTree

    # A document type could define entities that grow without bounds; a VOTable has none.
    if not content or b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        return {}, [], ""
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError:
        return {}, [], ""
    table = root.find(".//{*}TABLE")
    if table is None:
        return {}, [], ""
    columns = {
        field.get("name", ""): {
            "unit": field.get("unit", ""),
            "ucd": field.get("ucd", ""),
            "description": field.findtext("{*}DESCRIPTION", "").strip(),
        }
        for field in table.iterfind("{*}FIELD")
    }
    parameters = [
        Parameter(
            param.get("name", ""),
            _value(param.get("datatype", ""), param.get("value", "")),
            param.get("ucd", ""),
            param.findtext("{*}DESCRIPTION", "").strip(),
        )
        for param in table.iterfind("{*}PARAM")
    ]
    return columns, parameters, table.findtext("{*}DESCRIPTION", "").strip()


def _value(datatype: str, text: str) -> str | int | float | bool:
    try:
        if datatype == "boolean":
            return text == "true"
        if datatype in ("int", "long", "short"):
            return int(text)
        if datatype in ("float", "double"):
            return float(text)
    except ValueError:
        pass
    return text
