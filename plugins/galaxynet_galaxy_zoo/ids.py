"""Reading a GalaxyID, as tables and file names write it."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"(-?)0*([0-9]{1,19})(?:[.]0*|,0{1,2})?")  # not 100,000: it may be a hundred thousand
_FILE = re.compile(r"(?:.*[/\\])?(-?)0*([0-9]{1,19})(?:[.]0+)?\.jpe?g", re.IGNORECASE | re.DOTALL)
_SCIENTIFIC = re.compile(r"([1-9])\.?([0-9]{0,18})e\+?([0-9]{1,2})", re.IGNORECASE)
_LARGEST = 2**63 - 1


def galaxy_id(text: str) -> int:
    """The number that identifies a galaxy.

    Takes the forms that programs make of it: `100008`, `100008.0`, `100008.jpg`, `images/100008.jpg`, and
    `1.00008e+05` where every digit is written out.

    Raises:
        ValueError: If it is not a whole number below 2^63.
    """
    text = text.strip()
    if plain := _PLAIN.fullmatch(text) or _FILE.fullmatch(text):
        number = int(plain[1] + plain[2])
    elif (scientific := _SCIENTIFIC.fullmatch(text)) and _is_written_out(scientific):
        number = int((scientific[1] + scientific[2])[: int(scientific[3]) + 1])
    else:
        raise ValueError(f"{shortened(text)!r} is not a GalaxyID, which is a whole number")
    if abs(number) > _LARGEST:
        raise ValueError(f"{number} is too large for a GalaxyID")
    return number


def _is_written_out(number: re.Match[str]) -> bool:
    """Whether no digit was rounded away: a spreadsheet shows 587726033341776175 as 5.87726E+17."""
    decimals, exponent = number[2], int(number[3])
    return len(decimals) >= exponent and not decimals[exponent:].strip("0")


def shortened(text: str) -> str:
    """The beginning of a text, for a message."""
    return text if len(text) <= 40 else f"{text[:40]}..."
