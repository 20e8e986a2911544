"""The bounded archive reader."""

from __future__ import annotations

import contextlib
import io
import stat
import struct
import tempfile
import warnings
import zipfile
import zlib
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import write_zip

from galaxynet.fetching.archive import Archive, ArchiveError, Limits, looks_like_web_page

SMALL = Limits(members=20, bytes=1 << 20, ratio=50, ratio_from=1 << 12, directory=1 << 13)

names = st.text(
    st.characters(categories=("L", "N"), include_characters=" _-/."), min_size=1, max_size=12
).filter(
    lambda name: not name.startswith("/") and ".." not in name and name.strip("/. ") and "//" not in name
)
members = st.dictionaries(names.map(lambda name: name.rstrip("/") + "x"), st.binary(max_size=500), max_size=6)


def read_all(content: bytes) -> dict[str, bytes]:
    """All members as our reader gives them out, within small limits."""
    with tempfile.TemporaryDirectory() as folder, mock.patch("galaxynet.fetching.archive.LIMITS", SMALL):
        path = Path(folder) / "a.zip"
        path.write_bytes(content)
        with Archive(path) as opened:
            return {member.filename: b"".join(opened.chunks(member)) for member in opened.members}


def zip_bytes(content: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in content.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return buffer.getvalue()


def one_member(**changes: object) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        member = zipfile.ZipInfo("a.txt")
        for name, value in changes.items():
            setattr(member, name, value)
        archive.writestr(member, b"content")
    return buffer.getvalue()


@given(members, st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
def test_any_honest_archive_is_read_back(content: dict[str, bytes], method: int) -> None:
    """Whatever an honest archive holds comes out byte by byte."""
    assert read_all(zip_bytes(content, method)) == content


@pytest.mark.promise("Strangers' files")
@given(members.filter(lambda content: any(content.values())), st.data())
def test_damage_is_noticed(content: dict[str, bytes], data: st.DataObject) -> None:
    """One changed byte in an archive is an error or changes no member's content."""
    whole = bytearray(zip_bytes(content))
    index = data.draw(st.integers(0, len(whole) - 1))
    whole[index] ^= data.draw(st.integers(1, 255))
    try:
        members = read_all(bytes(whole))
    except ArchiveError:
        return
    assert sorted(members.values()) == sorted(content.values())


@pytest.mark.promise("Strangers' files")
@given(members, st.data())
def test_a_cut_archive_is_refused(content: dict[str, bytes], data: st.DataObject) -> None:
    """A truncated archive is refused, wherever it was cut, and never taken for a smaller one."""
    whole = zip_bytes(content)
    with pytest.raises(ArchiveError):
        read_all(whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.promise("Strangers' files")
@given(st.binary(max_size=400))
def test_no_bytes_are_more_than_an_archive_error(content: bytes) -> None:
    """Any bytes in a zip are members or one clear error."""
    for start in (b"", b"PK\x03\x04", b"PK\x05\x06" + bytes(18)):
        with contextlib.suppress(ArchiveError):
            assert read_all(start + content) == {}


@pytest.mark.promise("Strangers' files")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/etc/passwd", "absolute"),
        ("../evil.txt", "leads out"),
        ("images/../../evil.txt", "leads out"),
        ("images\\..\\..\\evil.txt", "leads out"),
        ("\\\\server\\share", "absolute"),
        ("C:/evil.txt", "drive"),
        ("c:evil.txt", "drive"),
        ("bell\x07.txt", "control"),
        ("//", "no name"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(name: str, reason: str) -> None:
    """A member whose name is absolute, leads out of the archive or names a drive is refused."""
    with pytest.raises(ArchiveError, match=reason):
        read_all(one_member(filename=name))


@pytest.mark.promise("Strangers' files")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"external_attr": (stat.S_IFLNK | 0o777) << 16}, "is a link"),
        ({"external_attr": (stat.S_IFIFO | 0o666) << 16}, "special file"),
        ({"compress_type": zipfile.ZIP_LZMA}, "LZMA"),
        ({"compress_type": zipfile.ZIP_BZIP2}, "bzip2"),
    ],
)
def test_links_and_unbounded_methods_are_refused(changes: dict[str, int], reason: str) -> None:
    """Symbolic links, special files and compression that cannot be bounded are refused."""
    with pytest.raises(ArchiveError, match=reason):
        read_all(one_member(**changes))


def test_an_encrypted_member_is_refused() -> None:
    """A member that asks for a password is refused, in words."""
    whole = bytearray(zip_bytes({"a.txt": b"content"}))
    whole[whole.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(ArchiveError, match="encrypted"):
        read_all(bytes(whole))


@pytest.mark.parametrize("twin", ["a.txt", "./a.txt", "a.txt/"])
def test_a_name_that_is_there_twice_is_refused(twin: str) -> None:
    """Two members with the same name, in any spelling, are refused as ambiguous."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("a.txt", b"one")
        archive.writestr(twin, b"" if twin.endswith("/") else b"two")
    with pytest.raises(ArchiveError, match="twice"):
        read_all(buffer.getvalue())


@pytest.mark.promise("Strangers' files")
def test_a_bomb_is_stopped_by_what_comes_out() -> None:
    """A zip bomb is stopped by the ratio of what comes out, long before its end."""
    with pytest.raises(ArchiveError, match="zip bomb"):
        read_all(zip_bytes({"zeros": bytes(900_000)}))


@pytest.mark.promise("Strangers' files")
def test_a_bomb_that_lies_about_its_size_is_stopped() -> None:
    """A small size in the header does not hide a zip bomb."""
    whole = bytearray(zip_bytes({"zeros": bytes(900_000)}))
    for index in (22, whole.index(b"PK\x01\x02") + 24):
        whole[index : index + 4] = struct.pack("<I", 10)
    with pytest.raises(ArchiveError):
        read_all(bytes(whole))


@pytest.mark.promise("Strangers' files")
def test_overlapping_members_are_refused() -> None:
    """Zip members that share their bytes are refused."""
    data = zlib.compress(b"x" * 1000)[2:-4]
    local = struct.pack(
        "<4s5H3I2H", b"PK\x03\x04", 20, 0, 8, 0, 0, zlib.crc32(b"x" * 1000), len(data), 1000, 1, 0
    )
    body = local + b"a" + data
    entries = b""
    for name in (b"a", b"b"):
        entries += struct.pack(
            "<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, zlib.crc32(b"x" * 1000), len(data), 1000, 1,
            0, 0, 0, 0, 0, 0,
        ) + name  # fmt: skip
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 2, 2, len(entries), len(body), 0)
    with pytest.raises(ArchiveError, match="overlaps"):
        read_all(body + entries + end)


def test_limits_on_members_and_bytes() -> None:
    """Too many members and too many bytes are refused."""
    with pytest.raises(ArchiveError, match="21 members"):
        read_all(zip_bytes({str(number): b"" for number in range(21)}))
    noise = bytes(range(256)) * 2050
    with pytest.raises(ArchiveError, match="more than 1,048,576 bytes"):
        read_all(zip_bytes({"a": noise, "b": noise}, zipfile.ZIP_STORED))


@pytest.mark.parametrize("count", [1, 3])
def test_a_table_of_contents_that_is_not_whole_is_noticed(count: int) -> None:
    """An archive whose end tells another number of members than its table holds is damaged, not smaller."""
    whole = bytearray(zip_bytes({"a": b"1", "b": b"2"}))
    end = whole.index(b"PK\x05\x06")
    whole[end + 8 : end + 12] = struct.pack("<2H", count, count)
    with pytest.raises(ArchiveError, match="is incomplete"):
        read_all(bytes(whole))


@pytest.mark.promise("Strangers' files")
def test_a_long_table_of_contents_is_not_read_to_its_end() -> None:
    """A zip's table of contents is bounded while it is read."""
    with pytest.raises(ArchiveError, match="table of contents is too long"):
        read_all(zip_bytes({"n" * 200 + str(number): b"" for number in range(60)}))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n <!DOCTYPE html><html>log in</html>", "is a web page"),
        (b"GalaxyID,label\n", "is not a zip archive"),
        (b"PK\x03\x04" + bytes(3000), "is a truncated zip archive"),
    ],
)
def test_what_is_no_archive_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    """The error distinguishes an empty file, a web page, other files and half an archive."""
    path = tmp_path / "images.zip"
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match=f"^images.zip {reason}"):
        Archive(path)


def test_every_member_is_read_once_by_verify(tmp_path: Path) -> None:
    """`verify` counts the files, reports the bytes it went over, and finds the one damaged member."""
    path = write_zip(
        tmp_path / "a.zip", {f"d/{n}.jpg": bytes([n]) * 5000 for n in range(9)}, zipfile.ZIP_STORED
    )
    seen: list[int] = []
    with Archive(path) as archive:
        assert archive.verify(seen.append) == 9
    assert sum(seen) == 45_000
    whole = bytearray(path.read_bytes())
    whole[whole.index(bytes([7]) * 100)] = 0
    path.write_bytes(whole)
    with Archive(path) as archive, pytest.raises(ArchiveError, match=r"d/7\.jpg cannot be read"):
        archive.verify()


def test_web_pages_are_told_from_data() -> None:
    """An HTML page is recognised by its beginning, whatever its name; a novel is not taken for one."""
    assert looks_like_web_page(b"\xef\xbb\xbf\r\n<!doctype HTML>")
    assert not looks_like_web_page(b"It is a truth universally acknowledged <html>")


@pytest.mark.real
def test_the_real_archives_pass(real_data: Path) -> None:
    """Kaggle's own archives keep every rule and every limit."""
    for name in ("training_solutions_rev1.zip", "central_pixel_benchmark.zip", "images_test_rev1.zip"):
        with Archive(real_data / "galaxy-zoo" / name) as archive:
            assert archive.verify() >= 1
