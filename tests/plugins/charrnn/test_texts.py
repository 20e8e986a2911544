from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxynet.cli.main import main
from galaxynet.errors import DataError, UsageError
from galaxynet.paths import data_dir
from galaxynet_charrnn import NOVEL
from galaxynet_charrnn.check import check
from galaxynet_charrnn.datamodule import PrideAndPrejudiceData, TextFileData
from galaxynet_charrnn.options import TextFileOptions, TextOptions
from galaxynet_charrnn.streams import EvaluationBatches, StreamBatches
from galaxynet_charrnn.text import encode, read_text, without_licence

BOOK = "Chapter 1\n\nIt is a truth, said Mrs. Bennet.\n"
GUTENBERG = (
    "\ufeffThe Project Gutenberg eBook\r\n\r\n"
    "*** START OF THE PROJECT GUTENBERG EBOOK PRIDE AND PREJUDICE ***\r\n"
    + BOOK.replace("\n", "\r\n")
    + "\r\n*** END OF THE PROJECT GUTENBERG EBOOK PRIDE AND PREJUDICE ***\r\nlicence\r\n"
)


def module(folder: Path, text: str, **options: Any) -> TextFileData:
    (folder / "my.txt").write_text(text, encoding="utf-8")
    data = TextFileData(TextFileOptions(file=folder / "my.txt", **options), data_dir=folder)
    data.setup()
    return data


def test_the_licence_is_cut_off(tmp_path: Path) -> None:
    """What Project Gutenberg puts around a book is not learnt; a text without its marks stays whole."""
    path = tmp_path / "pg1342.txt"
    path.write_text(GUTENBERG, encoding="utf-8", newline="")
    assert without_licence(read_text(path)) == BOOK
    assert without_licence(BOOK) == BOOK


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_text_comes_back(text: str) -> None:
    """Characters of any script, to numbers and back."""
    corpus = encode(text)
    assert "".join(corpus.vocabulary[token] for token in corpus.tokens) == text
    assert sorted(set(text)) == list(corpus.vocabulary)


@pytest.mark.promise("Inputs")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \r\n\n", "holds white space alone, 3 characters"),
        (b"PK\x03\x04\x00\x01", "zero byte at position 4"),
        ("caf\xe9".encode("latin-1"), "not UTF-8 text: byte 0xe9 at position 3.*iconv -f LATIN1"),
        (b"\xef\xbb\xbfcaf\xe9!", "byte 0xe9 at position 6"),
        (b"\xff\xfea\x00\x00\xd8b\x00", "damaged UTF-16"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """An empty, a binary and a Latin-1 file are each refused in a sentence of their own."""
    (tmp_path / "bad.txt").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_text(tmp_path / "bad.txt")


@pytest.mark.promise("Inputs")
def test_a_text_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    """A text in UTF-8 or UTF-16 with a byte order mark is read as it is, without a conversion."""
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        (tmp_path / "my.txt").write_bytes("caf\u00e9\r\n\u201cyes\u201d".encode(encoding))
        assert read_text(tmp_path / "my.txt") == "caf\u00e9\n\u201cyes\u201d"


@pytest.mark.parametrize(
    ("length", "options"),
    [(20, {}), (900, {"streams": 64}), (12, {"sequence": 4}), (60, {"test_fraction": 0.01})],
)
def test_a_text_that_is_too_short_is_refused(tmp_path: Path, length: int, options: dict[str, Any]) -> None:
    """A text shorter than a sequence, or whose held-out parts are nothing, says so."""
    with pytest.raises(DataError, match="too short"):
        module(tmp_path, "xy" * (length // 2), **options)


def test_a_text_of_one_character_is_refused(tmp_path: Path) -> None:
    """Nothing can be learnt from the same character over and over, which would be predicted without error."""
    with pytest.raises(DataError, match="The only character of the text is 'x'"):
        module(tmp_path, "x" * 2000)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """Without --file, or with one that is not there or is a pipe, the way out is said."""
    with pytest.raises(UsageError, match="--file FILE"):
        TextFileData(TextFileOptions(), data_dir=tmp_path).setup()
    with pytest.raises(UsageError, match="no such file"):
        TextFileData(TextFileOptions(file=tmp_path / "none"), data_dir=tmp_path).setup()
    os.mkfifo(tmp_path / "pipe")
    for special in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(UsageError, match="not a regular file"):
            TextFileData(TextFileOptions(file=special), data_dir=tmp_path).setup()
    with pytest.raises(DataError, match="galaxynet fetch pride-and-prejudice"):
        PrideAndPrejudiceData(TextOptions(), data_dir=tmp_path).setup()


def test_the_parts_are_contiguous(tmp_path: Path) -> None:
    """Training, validation and test part are the text in order; the test part is its end."""
    text = "".join(map(chr, range(100, 1100)))
    data = module(tmp_path, text, test_fraction=0.2)
    parts = data.parts
    assert {name: len(part) for name, part in parts.items()} == {"train": 720, "validation": 80, "test": 200}
    assert np.array_equal(np.concatenate(list(parts.values())), data.corpus.tokens)
    assert data.summary["vocabulary"] == text
    assert data.info.extra["vocabulary"] == text
    assert data.test_ids != module(tmp_path, text[:-1] + "z", test_fraction=0.2).test_ids


def test_a_text_is_known_by_all_of_it(tmp_path: Path) -> None:
    """One other character in the training part changes the digest in the record; the same text keeps it."""
    text = "".join(map(chr, range(100, 1100)))
    data, again = module(tmp_path, text), module(tmp_path, text)
    assert data.summary == again.summary
    assert re.fullmatch("[0-9a-f]{16}", data.summary["digest"])
    other = module(tmp_path, text[1] + text[0] + text[2:])
    assert other.test_ids == data.test_ids
    assert other.summary == {**data.summary, "digest": other.summary["digest"]}
    assert other.summary["digest"] != data.summary["digest"]


def test_the_division_is_told_in_characters(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A single note gives the sizes of all parts in characters, and the length of a sample."""
    (tmp_path / "my.txt").write_text("ab\n" * 1000)
    data = TextFileData(TextFileOptions(file=tmp_path / "my.txt"), data_dir=tmp_path)
    data.prepare_data()
    data.prepare_data()
    assert capfd.readouterr().err == (
        "3,000 characters: 2,430 train, 270 validation, 300 test; "
        "a sample is a sequence of 25, and an epoch trains on 1,000 of them\n"
    )


@pytest.mark.promise("Measurements")
@settings(deadline=None, max_examples=50)
@given(st.integers(2, 300), st.integers(1, 9), st.integers(1, 3), st.integers(1, 50))
def test_every_held_out_character_is_predicted_once(
    characters: int, streams: int, processes: int, chunk: int
) -> None:
    """Every held-out character is predicted exactly once, whatever the streams, batches and processes."""
    tokens = torch.arange(characters)
    targets, lengths = [], set()
    for rank in range(processes):
        batches = EvaluationBatches(tokens, streams=streams, rank=rank, processes=processes, chunk=chunk)
        lengths.add(len(batches))
        for batch in batches:
            counted = batch.targets >= 0
            assert torch.equal(batch.inputs[counted] + 1, batch.targets[counted])
            targets += batch.targets[counted].tolist()
    assert sorted(targets) == list(range(1, characters))
    assert len(lengths) == 1


@settings(deadline=None, max_examples=50)
@given(st.integers(40, 400), st.integers(1, 4), st.integers(1, 8), st.integers(1, 70))
def test_training_goes_on_where_it_was(characters: int, streams: int, sequence: int, updates: int) -> None:
    """The sequences of three epochs are those of one long one, each stream in order."""
    epoch = 0
    tokens = torch.arange(characters)
    shape: Any = {"streams": streams, "sequence": sequence}

    def flat(batches: StreamBatches) -> torch.Tensor:
        return torch.cat([torch.cat([b.inputs, b.targets, b.indices[:, None]], 1) for b in batches])

    three = StreamBatches(tokens, updates=updates, epoch=lambda: epoch, **shape)
    parts = []
    for epoch in range(3):  # noqa: B007 (the batches ask for it)
        parts.append(flat(three))
    whole = StreamBatches(tokens, updates=3 * updates, epoch=lambda: 0, **shape)
    assert torch.equal(torch.cat(parts), flat(whole))
    for batch in whole:
        assert torch.equal(batch.inputs + 1, batch.targets)
        assert torch.equal(batch.inputs[:, 0] - batch.inputs[0, 0], whole.begins)


def test_check_tells_the_novel_from_a_stranger(tmp_path: Path) -> None:
    """After a fetch, a page or another book under the novel's name is refused."""
    (tmp_path / NOVEL.name).write_text(BOOK)
    with pytest.raises(DataError, match="not the novel"):
        check(tmp_path)


def test_another_text_is_not_kept_as_the_novel(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`fetch --from` judges a text before it gets the novel's name; one that is there stays."""

    def fetch(content: bytes) -> tuple[int, str]:
        (tmp_path / "mine" / "pg1342.txt").write_bytes(content)
        with pytest.raises(SystemExit) as ended:
            main(["fetch", "pride-and-prejudice", "--from", str(tmp_path / "mine")])
        return int(ended.value.code or 0), " ".join(capfd.readouterr().err.split())

    (tmp_path / "mine").mkdir()
    kept = data_dir() / "pride-and-prejudice" / NOVEL.name
    code, output = fetch(b"It is a truth\n" * 99)
    assert code == 1
    assert f"{tmp_path / 'mine' / 'pg1342.txt'} is not the novel" in output.replace(NOVEL.name, "pg1342.txt")
    assert "--dataset text --file FILE" in output
    assert "checked" not in output
    assert not kept.exists()
    novel = "“Mr. Bennet,” she said.\n".encode() * 30_000
    assert fetch(novel)[0] == 0
    code, output = fetch(b"caf\xe9\n" * 99)
    assert (code, "pg1342.txt is not UTF-8 text: byte 0xe9" in output) == (1, True), output
    assert kept.read_bytes() == novel
    assert sorted(path.name for path in kept.parent.iterdir()) == [NOVEL.name, "receipt.json"]


@pytest.mark.real
def test_the_novel_is_read(real_data: Path) -> None:
    """The real novel is found whole: its characters, and its beginning."""
    folder = real_data / "pride-and-prejudice"
    assert check(folder) == ["684,768 characters, 75 different ones"]
    data = PrideAndPrejudiceData(TextOptions(), data_dir=real_data)
    data.setup()
    # 20,000 updates of 25 characters, the report's training, stay within the training part.
    assert len(data.parts["train"]) > 20_000 * 25
