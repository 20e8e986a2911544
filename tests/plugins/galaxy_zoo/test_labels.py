"""Classes of galaxies, from votes and from tables."""

from __future__ import annotations

import contextlib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from zoo_files import DISK, ODD, SMOOTH, write_csv, write_votes

from galaxynet.errors import DataError
from galaxynet_galaxy_zoo.ids import galaxy_id
from galaxynet_galaxy_zoo.labels import (
    MORPHOLOGY_CLASSES,
    PLURALITY_CLASSES,
    morphology5,
    plurality,
    read_labels,
)
from galaxynet_galaxy_zoo.tables import Votes, read_ids, read_votes
from galaxynet_galaxy_zoo.votes import COLUMN_INDEX, COLUMNS, QUESTIONS


def votes(**fractions: float) -> Votes:
    """One galaxy; `c1_2=0.5` is the column Class1.2."""
    row = np.zeros((1, 37))
    for name, value in fractions.items():
        row[0, COLUMNS.index("Class" + name[1:].replace("_", "."))] = value
    return Votes([7], row)


def test_plurality_is_the_highest_fraction() -> None:
    """The label is the column with the highest value, the first one of two that are equal."""
    assert plurality(votes(c1_1=0.4, c1_2=0.6, c6_2=0.5)).of == {7: PLURALITY_CLASSES.index("Class1.2")}
    assert plurality(votes(c1_1=1, c6_2=1)).of == {7: PLURALITY_CLASSES.index("Class1.1")}
    assert plurality(votes(c1_1=0.7, c6_2=0.9)).of == {7: PLURALITY_CLASSES.index("Class6.2")}


def test_agreement_is_the_fraction_of_the_class() -> None:
    """A label comes with the share of the volunteers who gave the answer that its class is named after."""
    assert plurality(votes(c1_1=0.4, c1_2=0.6)).agreement == {7: 0.6}
    assert morphology5(votes(c1_1=0.6, c7_2=0.5)).agreement == {7: 0.5}
    assert morphology5(votes(c1_2=0.9, c2_2=0.8, c4_1=0.7)).agreement == {7: 0.7}


@given(st.lists(st.floats(0, 1), min_size=37, max_size=37))
def test_the_highest_of_five_columns_is_the_highest_of_all(shares: list[float]) -> None:
    """No answer beats the one that led to its question, so the label is the highest of all 37 fractions."""
    row = np.array(shares)
    for question in QUESTIONS:  # in an order in which each follows the one that leads to it
        places = [COLUMN_INDEX[column] for column in question.columns]
        expected = 1.0 if question.asked_of is None else row[COLUMN_INDEX[question.asked_of]]
        total = row[places].sum()
        row[places] = row[places] / total * expected if total else expected / len(places)
    label = PLURALITY_CLASSES[plurality(Votes([7], row[None])).of[7]]
    assert row[COLUMN_INDEX[label]] == pytest.approx(row.max())


@pytest.mark.parametrize(
    ("fractions", "label"),
    [
        ({"c1_1": 0.469, "c7_1": 0.5}, "completely_round_smooth"),
        ({"c1_1": 0.6, "c7_2": 0.5}, "in_between_smooth"),
        ({"c1_1": 0.6, "c7_3": 0.55}, "cigar_shaped_smooth"),
        ({"c1_2": 0.602, "c2_1": 0.602}, "edge_on"),
        ({"c1_2": 0.8, "c2_2": 0.715, "c4_1": 0.619}, "spiral"),
        ({"c1_1": 0.468, "c7_1": 0.5}, None),
        ({"c1_1": 0.6, "c7_2": 0.499}, None),
        ({"c1_2": 0.7, "c2_1": 0.601}, None),
        ({"c1_2": 0.8, "c2_2": 0.714, "c4_1": 0.7}, None),
        ({"c1_2": 0.8, "c2_2": 0.8, "c4_1": 0.618}, None),
    ],
)
def test_the_five_class_rule_has_its_thresholds(fractions: dict[str, float], label: str | None) -> None:
    """At each threshold a galaxy is in, just below it has no label."""
    expected = {} if label is None else {7: MORPHOLOGY_CLASSES.index(label)}
    assert morphology5(votes(**fractions)).of == expected


def test_votes_are_read_from_zip_and_csv_by_the_names_of_the_columns(tmp_path: Path) -> None:
    """The zip and the unpacked table give the same votes; the order of the columns does not matter."""
    packed = write_votes(tmp_path / "votes.zip", {5: SMOOTH, 3: DISK, 4: ODD})
    lines = zipfile.ZipFile(packed).read("training_solutions_rev1.csv").decode().splitlines()
    turned = tmp_path / "votes.csv"
    turned.write_text("\n".join(",".join(reversed(line.split(","))) for line in lines))
    first, second = read_votes(packed), read_votes(turned)
    assert first.ids == second.ids == [5, 3, 4]
    assert np.array_equal(first.fractions, second.fractions)
    assert first.fractions[0, COLUMNS.index("Class7.1")] == 0.9


@pytest.mark.promise("Inputs")
def test_a_table_of_ones_own_is_read(tmp_path: Path) -> None:
    """A byte order mark, extra columns, blanks and empty or repeated rows in a label table are no fault."""
    path = tmp_path / "mine.csv"
    path.write_bytes(
        b"\xef\xbb\xbfra, label ,GalaxyID\r\n1,spiral,100\r\n\r\n1, round ,200\r\n0,round,200\r\n0,,300\r\n"
    )
    labels = read_labels(path)
    assert labels.classes == ("round", "spiral")
    assert labels.of == {100: 1, 200: 0}


@pytest.mark.promise("Inputs")
@pytest.mark.parametrize(
    ("header", "rows", "sentence"),
    [
        ("GalaxyID,class", ["1,a"], "lacks the column label"),
        ("id,label", ["1,a"], "lacks the column GalaxyID"),
        ("", [], "lacks the column GalaxyID"),
        ("GalaxyID,label", [], "has no labels"),
        ("GalaxyID,label", ["1,", "2,"], "has no labels"),
        ("GalaxyID,label", ["1,a", "x1,b"], r"line 3: 'x1' is not a GalaxyID"),
        ("GalaxyID,label", ["1,a", "2,b", "1,b"], r"line 4: galaxy 1 is labelled 'b' here and 'a' before"),
    ],
)
def test_a_table_of_no_use_is_one_sentence(
    tmp_path: Path, header: str, rows: list[str], sentence: str
) -> None:
    """What is wrong with a label table is said with the file, and the line where there is one."""
    path = write_csv(tmp_path / "mine.csv", header, rows)
    with pytest.raises(DataError, match=sentence) as caught:
        read_labels(path)
    assert str(path) in caught.value.message


@pytest.mark.promise("Inputs")
@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00binary\x00", b"GalaxyID,label\n1,\xe9t\xe9\n", b"PK\x03\x04..."]
)
def test_a_file_that_is_no_table_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    """Something else than a CSV file in UTF-8 is refused by one sentence, whatever its name."""
    for name in ("mine.csv", "mine.zip"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=name):
            read_labels(tmp_path / name)


def test_votes_of_no_use_are_one_sentence(tmp_path: Path) -> None:
    """Missing columns, rows that are no votes, repeated galaxies and an empty table are each said."""
    path = write_csv(tmp_path / "a.csv", "GalaxyID,Class1.1", ["1,0.5"])
    with pytest.raises(DataError, match=r"lacks the column Class1.2 and 35 more"):
        read_votes(path)
    header = ",".join(["GalaxyID", *COLUMNS])
    row = ",0" * 37
    with pytest.raises(DataError, match=r"line 3, galaxy 2: Class1\.1 is 'many', not a number"):
        read_votes(write_csv(tmp_path / "b.csv", header, ["1" + row, "2,many"]))
    with pytest.raises(DataError, match="line 3: a second row of votes for galaxy 4"):
        read_votes(write_csv(tmp_path / "c.csv", header, ["4" + row, "4" + row]))
    with pytest.raises(DataError, match="no rows"):
        read_votes(write_csv(tmp_path / "d.csv", header, []))


@pytest.mark.promise("Measurements")
@pytest.mark.parametrize(
    ("id_", "fraction", "reason"),
    [
        ("2", "nan", r"row 2 of votes, galaxy 2: Class1\.2 is nan"),
        ("2", "inf", r"row 2 of votes, galaxy 2: Class1\.2 is inf"),
        ("2", "7", r"row 2 of votes, galaxy 2: Class1\.2 is 7, not a fraction"),
        ("2", "-0.01", r"Class1\.2 is -0\.01"),
        ("3.7", "0.5", r"line 3: '3\.7' is not a GalaxyID"),
        ("nan", "0.5", r"line 3: 'nan' is not a GalaxyID"),
        ("inf", "0.5", r"line 3: 'inf' is not a GalaxyID"),
        ("1e300", "0.5", r"line 3: '1e300' is not a GalaxyID"),
    ],
)
def test_no_galaxy_is_labelled_by_what_is_no_vote(
    tmp_path: Path, id_: str, fraction: str, reason: str
) -> None:
    """A fraction that is not a number labels no galaxy; its row is named."""
    header = ",".join(["GalaxyID", *COLUMNS])
    rows = ["1" + ",0" * 37, f"{id_},0.9,{fraction}" + ",0" * 35]
    with pytest.raises(DataError, match=reason):
        read_votes(write_csv(tmp_path / "votes.csv", header, rows))


def test_a_fraction_may_be_rounded_beyond_one(tmp_path: Path) -> None:
    """The sixth decimal of a published table costs no row."""
    header = ",".join(["GalaxyID", *COLUMNS])
    read = read_votes(write_csv(tmp_path / "votes.csv", header, ["1,1.000001,-1e-9" + ",0" * 35]))
    assert plurality(read).of == {1: 0}


def test_a_list_of_ids_is_read(tmp_path: Path) -> None:
    """A list keeps its order and loses its repetitions; an empty or missing one is one sentence."""
    assert read_ids(write_csv(tmp_path / "ids.csv", "GalaxyID", ["3", "1", "3"])) == [3, 1]
    with pytest.raises(DataError, match="names no galaxies"):
        read_ids(write_csv(tmp_path / "none.csv", "GalaxyID", []))
    with pytest.raises(DataError, match="There is no file"):
        read_ids(tmp_path / "missing.csv")


SPELLINGS = (
    "{}",
    " {} ",
    "{}.0",
    "{}.000000",
    "{},0",
    "{}.jpg",
    "{}.JPEG",
    "images/{}.jpg",
    "a\\b\\{}.jpg",
    "000{}",
)


@pytest.mark.promise("Inputs")
@given(st.integers(0, 2**63 - 1), st.sampled_from(SPELLINGS))
def test_an_id_is_read_in_every_usual_spelling(galaxy: int, spelling: str) -> None:
    """A GalaxyID may be written as `100008`, `100008.0` or `100008.jpg`, wherever ids are read."""
    assert galaxy_id(spelling.format(galaxy)) == galaxy


@given(st.text(max_size=30) | st.from_regex("-?[0-9.,eE+]{1,30}(.jpg)?", fullmatch=True))
def test_no_text_breaks_the_reader_of_ids(text: str) -> None:
    """Whatever a cell holds, it is a number that an array can hold, or a reason."""
    with contextlib.suppress(ValueError):
        assert abs(galaxy_id(text)) < 2**63


@pytest.mark.parametrize(
    "text",
    ["5.87726E+17", "1e5", "100,000", "100008.5", "2/11/2020", "9" * 19, "9" * 5000, "1_0", "\u0661", ""],
)
def test_an_ambiguous_id_is_refused(text: str) -> None:
    """A rounded or ambiguous id, or one that is not a number, is refused with a short message."""
    with pytest.raises(ValueError, match="GalaxyID") as caught:
        galaxy_id(text)
    assert len(str(caught.value)) < 120


@pytest.mark.promise("Inputs")
def test_labels_votes_and_lists_read_the_same_ids(tmp_path: Path) -> None:
    """Labels, votes and lists of test ids take the same spellings of an id and the same dialects of CSV."""
    ids = ["100008.0", "100023.jpg", "1.00031E+05"]
    expected = [100008, 100023, 100031]
    lines = [f"{id_};a;b" for id_ in ids]
    table = write_csv(tmp_path / "labels.csv", "galaxyid;LABEL;note", lines)
    assert list(read_labels(table).of) == expected
    assert read_ids(table) == expected
    votes = [";".join([id_, "0,383147", *["0"] * 36]) for id_ in ids]
    read = read_votes(write_csv(tmp_path / "votes.csv", ";".join(["GALAXYID", *COLUMNS]), votes))
    assert read.ids == expected
    assert read.fractions[:, 0].tolist() == [0.383147] * 3


@pytest.mark.promise("Inputs")
def test_a_decimal_comma_is_read_where_it_can_only_be_one(tmp_path: Path) -> None:
    """Votes with decimal commas are read, unless commas separate the cells, too: then the line is named."""
    header = ["GalaxyID", *COLUMNS]
    quoted = write_csv(tmp_path / "quoted.csv", ",".join(header), ['1,"0,25",",5"' + ",0" * 35])
    assert read_votes(quoted).fractions[0, :2].tolist() == [0.25, 0.5]
    for cells in (["1,0"] * 37, ["0,0"] * 37):
        path = write_csv(tmp_path / "both.csv", ",".join(header), [",".join(["1", *cells])])
        with pytest.raises(DataError, match="line 2: 75 cells in a table of 38 columns"):
            read_votes(path)
    path = write_csv(tmp_path / "thousands.csv", ";".join(header), [";".join(["1", "1,000.5", *["0"] * 36])])
    with pytest.raises(DataError, match=r"Class1\.1 is '1,000\.5', not a number"):
        read_votes(path)
