"""Advice on the encoding of a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxynet.encoding import conversion_hint, encoding_of


def hint(data: bytes) -> str:
    with pytest.raises(UnicodeDecodeError) as caught:
        data.decode("utf-8")
    return conversion_hint(caught.value)


@pytest.mark.promise("Inputs")
def test_windows_1252_is_not_taken_for_latin_1() -> None:
    """A text with Windows' curly quotes is advised to be converted from Windows-1252, not from Latin-1."""
    assert "WINDOWS-1252" in hint("\u201ccaf\u00e9\u201d".encode("cp1252"))
    assert "LATIN1" in hint("caf\u00e9!".encode("latin-1"))
    # Valid UTF-8 around it is no evidence: its own bytes lie between 0x80 and 0x9F, too.
    assert "LATIN1" in hint("\u201cyes\u201d".encode() + b"caf\xe9!")
    assert "iconv -f ENCODING" in hint("\u201c\u041f\u0440\u0438\u201d".encode("cp1251") + b"!\x8f!")
    assert "cut short" in hint("caf\u00e9, caf\u00e9".encode()[:-1])


@given(st.binary(max_size=60))
def test_any_bytes_get_advice(data: bytes) -> None:
    """Whatever a file holds, it is decoded or there is advice, and an encoding that is named fits."""
    try:
        data.decode(encoding_of(data))
        return
    except UnicodeDecodeError as error:
        advice, wrong = conversion_hint(error), bytes([error.object[error.start]])
    if "iconv -f WINDOWS-1252" in advice:
        wrong.decode("cp1252")
