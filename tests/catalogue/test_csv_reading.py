"""Tables as spreadsheets and scripts save them."""

from __future__ import annotations

import csv
import io
import os
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxynet.catalogue import csv_reading
from galaxynet.catalogue.csv_reading import read_table
from galaxynet.errors import DataError

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32")
cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=12)


def table(rows: list[list[str]], delimiter: str = ",", end: str = "\r\n") -> str:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator=end).writerows(rows)
    return stream.getvalue()


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(st.tuples(st.from_regex("[0-9]{1,6}", fullmatch=True), cells, cells), max_size=6),
    delimiter=st.sampled_from(",;\t"),
    encoding=st.sampled_from(ENCODINGS),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    case=st.sampled_from([str, str.lower, str.upper]),
    above=st.sampled_from(["", "sep={}\r\n", "\r\n\r\n"]),
    packed=st.booleans(),
)
@pytest.mark.promise("Inputs")
def test_a_table_reads_the_same_however_it_was_saved(
    rows: list[tuple[str, str, str]],
    delimiter: str,
    encoding: str,
    end: str,
    case: type[str],
    above: str,
    packed: bool,
) -> None:
    """A table reads the same with commas, semicolons or tabs, in UTF-8 or UTF-16, its header in any case."""
    header = [case(name) for name in ("Id", "extra", "Label")]
    text = above.format(delimiter) + table([header, *map(list, rows)], delimiter, end)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mine.zip" if packed else "mine.csv")
        if packed:
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("deep/mine.CSV", text.encode(encoding))
                archive.writestr("__MACOSX/deep/._mine.csv", b"\0")
                archive.writestr("readme.txt", b"nothing")
        else:
            path.write_bytes(text.encode(encoding))
        cells = [row for _, row in read_table(path, ("id", "label"))]
    assert cells == [[number, label] for number, _, label in rows]


@settings(max_examples=120, deadline=None)
@given(
    st.binary(max_size=200)
    | st.text("Idlabe,;\t\"\r\n\0'\u00e91", max_size=80).map(lambda text: text.encode("utf-16"))
    | st.text("Idlabe,;\t\"\r\n'1", max_size=80).map(lambda text: b"id,label\n" + text.encode())
)
def test_any_file_is_a_table_or_one_sentence(content: bytes) -> None:
    """Whatever bytes a file holds, under any name, there are rows or a sentence that names the file."""
    for name in ("mine.csv", "mine.zip"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, name)
            path.write_bytes(content)
            try:
                for line, row in read_table(path, ("id", "label")):
                    assert line > 1
                    assert len(row) == 2
            except DataError as error:
                message = error.message
            else:
                continue
        assert str(path) in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"ID,Label,LABEL\n1,a,b\n", r"several columns called label: Label, LABEL"),
        (b"id\tlabel\n1\ta\tb\n", r"line 2: 3 cells in a table of 2 columns.*a tab between double quotes"),
        (b"\nid,label\n1,a\n2,a,b\n", r"line 4: 3 cells in a table of 2 columns"),
        (b'id,label\n1,"a\n2,b\n', r"not a CSV file: .*double quote"),
        (b"id,label\n1,\x93a\x94\n", r"has the byte 0x93.*Save it as CSV in UTF-8.*WINDOWS-1252"),
        ("id,label\n1,a\n".encode("utf-16-le"), r"zero byte.*UTF-16LE"),
        ("id,label\n1,\u00e9\n".encode("utf-16")[:-1], r"damaged UTF-16"),
        (b'id,label\n1,"a;\r\nb"\n2\n', ""),
        (b"name;label\n1;a\n", r"lacks the column id: its first line says name, label"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(tmp_path: Path, content: bytes, message: str) -> None:
    """Each fault of a table is one sentence with the file, the line where there is one, and the way out."""
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    if not message:
        assert list(read_table(path, ("id", "label"))) == [(3, ["1", "a;\r\nb"]), (4, ["2", ""])]
        return
    with pytest.raises(DataError, match=message) as caught:
        list(read_table(path, ("id", "label")))
    assert str(path) in caught.value.message


def test_what_is_not_a_table_at_all_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workbook, a pipe, endless zeros and a zip that unpacks to too much are refused, and nothing hangs."""
    workbook = tmp_path / "mine.xlsx"
    with zipfile.ZipFile(workbook, "w") as archive:
        archive.writestr("[Content_Types].xml", "")
        archive.writestr("xl/workbook.xml", "")
    with pytest.raises(DataError, match="is a spreadsheet, not a CSV file"):
        list(read_table(workbook, ("id",)))
    os.mkfifo(tmp_path / "pipe.csv")
    for path in (tmp_path / "pipe.csv", Path("/dev/zero"), tmp_path):
        with pytest.raises(DataError, match="is not an ordinary file"):
            list(read_table(path, ("id",)))
    endless = tmp_path / "endless.csv"
    endless.write_bytes(b"id" * 2**20)
    with pytest.raises(DataError, match="a line of more than 1,000,000 characters"):
        list(read_table(endless, ("id",)))
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mine.csv", "id\n" + "1\n" * 1000)
    assert len(list(read_table(packed, ("id",)))) == 1000
    monkeypatch.setattr(csv_reading, "LARGEST_IN_ZIP", 999)
    with pytest.raises(DataError, match="unpacks to more than 999 bytes"):
        list(read_table(packed, ("id",)))
