"""Members of a zip are read in bounded pieces."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxynet.zip_members import CHUNK, MemberError, member_chunks, read_member

BIG = 64 * CHUNK


def bomb(size: int = BIG, claim: int | None = None) -> bytes:
    """A zip with one member of zeros, whose headers may claim another size."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros", "w") as member:
        for start in range(0, size, CHUNK):
            member.write(bytes(min(CHUNK, size - start)))
    data = stream.getvalue()
    if claim is not None:
        data = data.replace(struct.pack("<L", size), struct.pack("<L", claim))
    return data


@pytest.mark.promise("Strangers' files")
def test_a_member_is_unpacked_no_further_than_allowed() -> None:
    """A small zip that unpacks to hundreds of megabytes costs a few, whatever sizes it claims."""
    for claim, reason in ((None, "more than 100 bytes"), (50, "CRC-32")):
        with zipfile.ZipFile(io.BytesIO(bomb(claim=claim))) as archive:
            tracemalloc.start()
            with pytest.raises(MemberError, match=reason):
                read_member(archive, archive.infolist()[0], 100)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < 8 * CHUNK, claim
    with zipfile.ZipFile(io.BytesIO(bomb(3 * CHUNK + 5))) as archive:
        assert [len(chunk) for chunk in member_chunks(archive, archive.infolist()[0])] == [CHUNK] * 3 + [5]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 9])
def test_a_method_that_cannot_be_bounded_is_named(method: int) -> None:
    """A member whose compression cannot be unpacked in pieces is refused by the name of its method."""
    with zipfile.ZipFile(io.BytesIO(bomb(10))) as archive:
        member = archive.infolist()[0]
        member.compress_type = method
        with pytest.raises(MemberError, match=r"bzip2|LZMA|Deflate64"):
            read_member(archive, member, 100)


@settings(max_examples=60, deadline=None)
@given(
    contents=st.lists(st.binary(max_size=300), max_size=3),
    deflate=st.booleans(),
    spoil=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=4),
)
def test_members_are_whole_or_refused(
    contents: list[bytes], deflate: bool, spoil: list[tuple[int, int]]
) -> None:
    """A member of any zip, damaged or not, is read unchanged or refused with a reason."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED) as archive:
        for number, content in enumerate(contents):
            archive.writestr(str(number), content)
    data = bytearray(stream.getvalue())
    for index, value in spoil:
        data[index % len(data)] = value
    try:
        archive = zipfile.ZipFile(io.BytesIO(bytes(data)))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error):
        return
    with archive:
        for member in archive.infolist():
            try:
                content = read_member(archive, member, 250)
            except MemberError:
                continue
            assert len(content) <= 250
            if not spoil:
                assert content == contents[int(member.filename)]
