"""Arrays of other libraries as plain columns: without masks, text as Python strings."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet.catalogue.columns import Kind, clean_text

_KINDS: dict[str, Kind] = {
    "b": "bool",
    "int8": "int16",
    "uint8": "int16",
    "int16": "int16",
    "uint16": "int32",
    "int32": "int32",
    "uint32": "int64",
    "int64": "int64",
    "float16": "float32",
    "float32": "float32",
    "float64": "float64",
}


def plain_array(source: Any) -> tuple[Kind, npt.NDArray[Any]] | None:
    """The type and the cells of a column, missing numbers as NaN and missing texts empty.

    Args:
        source: A column of astropy, or an array.

    Returns:
        None if a row has more than one cell of it.
    """
    mask = getattr(source, "mask", None)
    array = np.asarray(getattr(source, "filled", lambda: source)() if mask is None else source)
    if array.ndim != 1:
        return None
    missing = np.zeros(len(array), bool) if mask is None else np.broadcast_to(np.asarray(mask), array.shape)
    if array.dtype.kind in "SUO":
        texts = [
            "" if gone or value is None else clean_text(_text(value))
            for value, gone in zip(array.tolist(), missing.tolist(), strict=True)
        ]
        return "string", np.array(texts, dtype=object)
    kind = _KINDS.get(array.dtype.kind if array.dtype.kind == "b" else array.dtype.newbyteorder("=").name)
    if kind is None:
        kind = "float64"
    if missing.any() and kind != "bool":
        kind = kind if kind.startswith("float") else "float64"
        array = array.astype(kind)
        array[missing] = np.nan
    return kind, np.ascontiguousarray(array, dtype=kind)


def _text(value: Any) -> str:
    return value.decode("utf-8", "backslashreplace").rstrip() if isinstance(value, bytes) else str(value)
