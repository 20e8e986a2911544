"""From images to a catalogue: rows, flags, resumption, shards."""

from __future__ import annotations

import contextlib
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bad_images import GOOD, bad_images
from warm_process import WarmProcess

import galaxynet
from galaxynet import terminal
from galaxynet.catalogue.columns import Table
from galaxynet.catalogue.reading import read_table
from galaxynet.errors import DataError, UsageError
from galaxynet.images.flags import UNUSABLE, Flag
from galaxynet.images.input_search import find_inputs
from galaxynet.prediction import job
from galaxynet.prediction.job import predict_to_file
from galaxynet.prediction.network_of_run import applied_network
from galaxynet.prediction.rows import Catalogue
from galaxynet.prediction.shards import Shard, merge
from galaxynet.runs import Run

NUMBERS = ("p_flat", "p_round", "entropy", "novelty")


def predict(run: Run, images: Path, output: Path, batch_size: int = 256, **options: Any) -> Table:
    network = applied_network(run, accelerator="cpu", batch_size=batch_size)
    predict_to_file(run, Catalogue(find_inputs([str(images)]), network), output, **options)
    return read_table(output)


def same(first: Table, second: Table, atol: float = 1e-6) -> None:
    assert first.names == second.names
    for column in first.columns:
        if column.type.startswith("float"):
            np.testing.assert_allclose(first[column.name], second[column.name], atol=atol, rtol=1e-5)
        else:
            assert list(first[column.name]) == list(second[column.name])


def test_a_row_for_each_image_in_order(trained: Run, cutouts: Path, tmp_path: Path) -> None:
    """The folder's images are rows ordered by their paths, with probabilities that add up to 1."""
    table = predict(trained, cutouts, tmp_path / "c.parquet")
    assert table.names == ("id", "file", "label", "p_flat", "p_round", "entropy", "novelty", "flag", "reason")
    expected = sorted(str(path.relative_to(cutouts)) for path in cutouts.rglob("*.*"))
    assert [Path(name).relative_to(cutouts).as_posix() for name in table["file"]] == expected
    assert list(table["id"]) == [Path(name).stem for name in expected]
    np.testing.assert_allclose(table["p_flat"] + table["p_round"], 1, atol=1e-6)
    assert set(table["label"]) <= {"flat", "round"}
    assert not table["flag"].any()
    assert table.parameters["run"] == trained.record.id
    assert len(str(table.parameters["model_sha256"])) == 64


def test_what_cannot_be_used_has_a_row(trained: Run, tmp_path: Path) -> None:
    """A damaged image never ends the job: its row has NaN, no label, a flag and the cause."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    bad = bad_images()
    for number, (name, content) in enumerate(bad.items()):
        (folder / f"{number:02d}-good.jpg").write_bytes(GOOD)
        (folder / f"{number:02d}-{name}").write_bytes(content)
    listed = tmp_path / "list.txt"
    names = sorted(path.name for path in folder.iterdir())
    listed.write_text("".join(f"mixed/{name}\n" for name in names) + "mixed/absent.jpg\nmixed\n")
    table = predict(trained, listed, tmp_path / "c.csv")
    assert len(table) == 2 * len(bad) + 2
    for row, name in enumerate([*names, "absent.jpg", "mixed"]):
        unusable = bool(table["flag"][row] & int(UNUSABLE))
        assert unusable != name.endswith("good.jpg"), (name, table["reason"][row])
        assert np.isnan([table[column][row] for column in NUMBERS]).all() == unusable
        assert (table["label"][row] == "") == unusable
        assert (table["reason"][row] != "") == unusable
    assert table["flag"][-2] == Flag.UNREADABLE
    good = [row for row, name in enumerate(names) if name.endswith("good.jpg")]
    assert np.ptp(table["p_flat"][good]) < 1e-6


def test_progress_moves_while_few_images_are_predicted(
    trained: Run, cutouts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bar of 64 images does not stand at 0 until the end; each image is counted once."""
    steps: list[int] = []
    monkeypatch.setattr(terminal, "progress", lambda *_: contextlib.nullcontext(steps.append))
    (tmp_path / "list.txt").write_text(f"{min(cutouts.rglob('*.jpg'))}\n" * 64)
    predict(trained, tmp_path / "list.txt", tmp_path / "c.csv")
    assert sum(steps) == 64
    assert max(steps) <= 16


def test_a_row_depends_on_no_other(trained: Run, cutouts: Path, tmp_path: Path) -> None:
    """Batch size and neighbours change no figure by more than 1e-6."""
    whole = predict(trained, cutouts, tmp_path / "a.csv")
    same(whole, predict(trained, cutouts, tmp_path / "b.csv", batch_size=1))
    same(whole, predict(trained, cutouts, tmp_path / "c.csv", batch_size=7))
    (tmp_path / "single.txt").write_text(f"{whole['file'][13]}\n")
    single = predict(trained, tmp_path / "single.txt", tmp_path / "d.csv")
    np.testing.assert_allclose(
        [single[name][0] for name in NUMBERS], [whole[name][13] for name in NUMBERS], atol=1e-6
    )


def test_shards_merge_to_the_whole(trained: Run, cutouts: Path, tmp_path: Path) -> None:
    """Shards in any order and format make the catalogue that one call makes; gaps and repeats are refused."""
    whole = predict(trained, cutouts, tmp_path / "whole.parquet")
    paths = [
        tmp_path / name for name in ("a.csv", "b.parquet", "c.vot", "d.fits", "e.ecsv", "f.csv", "g.csv")
    ]
    for index, path in enumerate(paths, start=1):
        predict(trained, cutouts, path, shard=Shard(index, 7))
    shuffled = [paths[index] for index in (3, 0, 6, 1, 5, 2, 4)]
    assert merge(shuffled, tmp_path / "all.parquet") == 30
    merged = read_table(tmp_path / "all.parquet")
    same(whole, merged)
    assert merged.parameters.keys() == whole.parameters.keys()
    for suffix in ("csv", "ecsv"):
        text = tmp_path / f"all.{suffix}"
        merge(shuffled, text)
        predict(trained, cutouts, tmp_path / f"whole.{suffix}")
        of_both = [
            [line for line in path.read_text().splitlines() if not line.startswith("#")]
            for path in (text, tmp_path / f"whole.{suffix}")
        ]
        assert of_both[0] == of_both[1]
    with pytest.raises(DataError, match=r"name the shard 4/7 too"):
        merge([path for path in paths if path.name != "d.fits"], tmp_path / "gap.csv")
    with pytest.raises(DataError, match="7/7"):
        merge(paths[:6], tmp_path / "gap.csv")
    with pytest.raises(DataError, match="have the same rows"):
        merge([*paths, paths[2]], tmp_path / "twice.csv")
    with pytest.raises(DataError, match="not a shard"):
        merge([tmp_path / "whole.parquet", *paths], tmp_path / "x.csv")
    with pytest.raises(UsageError, match="exists"):
        merge(paths, tmp_path / "all.parquet")


def test_shards_of_other_images_do_not_merge(trained: Run, cutouts: Path, tmp_path: Path) -> None:
    """A shard of a changed folder is not put beside one of the unchanged folder."""
    predict(trained, cutouts, tmp_path / "a.csv", shard=Shard(1, 2))
    (cutouts / "J9999.jpg").write_bytes(GOOD)
    predict(trained, cutouts, tmp_path / "b.csv", shard=Shard(2, 2))
    with pytest.raises(DataError, match="different predictions"):
        merge([tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path / "all.csv")


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "a/b", "-1/3", "1/0"])
def test_a_shard_out_of_range_is_refused(text: str) -> None:
    """Shards count from 1 to N."""
    with pytest.raises(UsageError, match="I from 1 to N"):
        Shard.parse(text)


def test_a_job_that_failed_goes_on(
    trained: Run, cutouts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it was interrupted, the same call loses and repeats no row, and cleans up."""
    monkeypatch.setattr(job, "PART_ROWS", 8)
    whole = predict(trained, cutouts, tmp_path / "whole.csv", batch_size=4)
    blocks = Catalogue.blocks
    for rows in (0, 3, 8, 9, 29):
        output = tmp_path / f"{rows}.csv"

        def broken(self: Catalogue, start: int = 0, rows: int = rows) -> Any:
            for block in blocks(self, start):
                start += len(block["id"])
                if start > rows:
                    raise KeyboardInterrupt
                yield block

        monkeypatch.setattr(Catalogue, "blocks", broken)
        with pytest.raises(KeyboardInterrupt):
            predict(trained, cutouts, output, batch_size=4)
        monkeypatch.setattr(Catalogue, "blocks", blocks)
        assert not output.exists()
        same(whole, predict(trained, cutouts, output, batch_size=4))
        assert not [path for path in tmp_path.iterdir() if "parts" in path.name]


def test_what_exists_is_not_replaced_unasked(trained: Run, cutouts: Path, tmp_path: Path) -> None:
    """A catalogue stays until --overwrite; parts of another prediction are not continued."""
    output = tmp_path / "c.csv"
    predict(trained, cutouts, output)
    before = output.stat().st_mtime_ns
    with pytest.raises(UsageError, match="--overwrite"):
        predict(trained, cutouts, output)
    assert output.stat().st_mtime_ns == before
    predict(trained, cutouts, output, overwrite=True)
    assert output.stat().st_mtime_ns != before
    other = tmp_path / "d.csv"
    parts = tmp_path / "d.csv.parts"
    parts.mkdir()
    (parts / "job.json").write_text('{"request": {"run": "another"}}')
    with pytest.raises(DataError, match=r"other .*run"):
        predict(trained, cutouts, other)


WORKER = """
import sys
import galaxynet.prediction.job as job
job.PART_ROWS = 8
from galaxynet.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.slow
@pytest.mark.promise("Interruptions")
def test_a_kill_loses_and_repeats_no_row(
    trained: Run, cutouts: Path, tmp_path: Path, warm: WarmProcess
) -> None:
    """After `kill -9` at any moment, the same command completes the catalogue, row for row."""
    whole = predict(trained, cutouts, tmp_path / "whole.csv")
    output = tmp_path / "killed.csv"
    words = ["predict", str(trained.path), str(cutouts), "--batch-size", "4", "-o", str(output)]
    seen = False
    for parts in (1, 2, 3):
        process = warm.start(*words, code=WORKER)
        while (
            process.poll() is None
            and not (output.parent / "killed.csv.parts" / f"part-{parts - 1:06d}.npz").exists()
        ):
            time.sleep(0.002)
        if process.poll() is None:
            seen = True
            process.send_signal(signal.SIGKILL)
        process.wait()
    assert seen
    done = warm.run(*words, code=WORKER)
    if "exists" not in done.stderr:
        assert done.returncode == 0, done.stderr
    same(whole, read_table(output))
    assert not (tmp_path / "killed.csv.parts").exists()


def test_python_takes_arrays_and_files(trained: Run, cutouts: Path) -> None:
    """`model.predict` takes paths and arrays alike, and a whole folder."""
    model = galaxynet.load(trained)
    files = sorted(cutouts.glob("*.png"))
    import cv2

    arrays = [cv2.imread(str(file))[..., ::-1] for file in files]
    by_file, by_array = model.predict(files), model.predict(arrays)
    np.testing.assert_allclose(by_file["p_flat"], by_array["p_flat"], atol=1e-6)
    assert by_array["id"][0] == "array-0"
    assert len(model.predict(cutouts)) == 30
    assert isinstance(model.network, __import__("torch").nn.Module)
    wrong = model.predict([np.zeros((2, 3, 4, 5), np.float32)])
    assert wrong["label"][0] == ""
    assert "uint8" in wrong["reason"][0]


def test_columns_of_a_table_are_passed_through(trained: Run, cutouts: Path, tmp_path: Path) -> None:
    """Ra and dec come through with their units; a column with one of our names gets another."""
    files = sorted(path.relative_to(tmp_path) for path in cutouts.glob("*.jpg"))[:4]
    source = tmp_path / "targets.csv"
    rows = [f"G{n},{file},{10.5 + n},{-3.25 - n},old{n}" for n, file in enumerate(files)]
    source.write_text("id,path,ra,dec,label\n" + "\n".join(rows) + "\n")
    table = predict(trained, source, tmp_path / "c.vot")
    assert list(table["id"]) == ["G0", "G1", "G2", "G3"]
    assert table["ra"].tolist() == [10.5, 11.5, 12.5, 13.5]
    assert list(table["input_label"]) == ["old0", "old1", "old2", "old3"]
    units = {column.name: (column.unit, column.ucd) for column in table.columns}
    assert units["ra"] == ("deg", "pos.eq.ra;meta.main")
    source.write_text("id,path\nG1,a.jpg\nG1,b.jpg\n")
    with pytest.raises(DataError, match="'G1' to 2 images"):
        find_inputs([str(source)])


def test_only_one_process_writes_a_catalogue(trained: Run, cutouts: Path, tmp_path: Path) -> None:
    """A second process that is given the same output stops with a sentence."""
    from galaxynet.prediction.parts import Parts

    network = applied_network(trained, accelerator="cpu")
    catalogue = Catalogue(find_inputs([str(cutouts)]), network)
    parts = Parts(tmp_path / "c.csv", catalogue.columns)
    parts.folder.mkdir()
    with parts.held(), pytest.raises(DataError, match="Another process"):
        Parts(tmp_path / "c.csv", catalogue.columns).held().__enter__()
