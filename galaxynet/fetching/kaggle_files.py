"""The files of a Kaggle competition or dataset, onto the shelf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import requests

from galaxynet.errors import DataError
from galaxynet.fetching import partial
from galaxynet.fetching.checks import check_content
from galaxynet.fetching.download import Remote, download
from galaxynet.fetching.downloading import twice, whole
from galaxynet.fetching.errors import FetchError, disk_errors
from galaxynet.fetching.folder import Found, look_into
from galaxynet.fetching.kaggle_login import Session
from galaxynet.fetching.patience import Patience, patiently
from galaxynet.fetching.shelf import Shelf
from galaxynet.sources import DataFile, KaggleCompetition, KaggleDataset

_COMPETITIONS = "competitions.competition_api_client"
_DATASETS = "datasets.dataset_api_client"
_PAGES = 100


def login(source: KaggleCompetition | KaggleDataset, shelf: Shelf, patience: Patience) -> Session:
    """Log in at Kaggle.

    Raises:
        FetchError: If there are no credentials, they are wrong, or the network fails.
    """
    rules = ""
    page = f"https://www.kaggle.com/datasets/{source.slug}"
    if isinstance(source, KaggleCompetition):
        rules = f"https://www.kaggle.com/c/{source.slug}/rules"
        page = f"https://www.kaggle.com/c/{source.slug}/data"
    then = f"galaxynet fetch {shelf.plugin.name} --from FOLDER"
    by_hand = f"download the files from {page} in a browser, then: {then}"
    return patiently(lambda: Session(patience, by_hand, rules), patience)


def sizes(source: KaggleCompetition, session: Session, patience: Patience) -> dict[str, int]:
    """Names and sizes in bytes of the files of a competition.

    Raises:
        FetchError: If Kaggle does not tell.
    """
    from kagglesdk.competitions.types.competition_api_service import ApiListDataFilesRequest

    found: dict[str, int] = {}
    request = ApiListDataFilesRequest()
    request.competition_name = source.slug
    request.page_size = 200
    for _ in range(_PAGES):
        answer = patiently(
            lambda: session.call(f"{_COMPETITIONS}.list_data_files", request, f"competition {source.slug}"),
            patience,
        )
        found |= {file.name: file.total_bytes for file in answer.files}
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
    return found


def download_competition(
    source: KaggleCompetition, files: Sequence[DataFile], shelf: Shelf, patience: Patience
) -> None:
    """Download files of a competition and put them on the shelf.

    Raises:
        FetchError: If one cannot be had.
        DataError: If one arrives damaged twice.
    """
    from kagglesdk.competitions.types.competition_api_service import ApiDownloadDataFileRequest

    session = login(source, shelf, patience)
    known = sizes(source, session, patience)
    missing = [file.name for file in files if file.name not in known]
    if missing:
        raise FetchError(
            f"The Kaggle competition {source.slug} has no file {', '.join(missing)}.",
            f"It has: {', '.join(sorted(known)) or 'none'}.",
        )
    for file in files:

        def open_stream(headers: Mapping[str, str], name: str = file.name) -> requests.Response:
            request = ApiDownloadDataFileRequest()
            request.competition_name, request.file_name = source.slug, name
            answer: requests.Response = session.call(
                f"{_COMPETITIONS}.download_data_file", request, name, headers
            )
            return answer

        origin = f"kaggle competition {source.slug}"
        if file.name.endswith((".zip", ".gz")):
            whole(Remote(file.name, origin, open_stream, known[file.name]), file, shelf, patience)
        else:
            _maybe_zipped(Remote(file.name, origin, open_stream), file, known[file.name], shelf, patience)


def download_dataset(
    source: KaggleDataset, files: Sequence[DataFile], shelf: Shelf, patience: Patience
) -> None:
    """Download a dataset, one zip, and take the files out of it onto the shelf.

    Raises:
        FetchError: If it cannot be had, or lacks a file.
        DataError: If it arrives damaged twice.
    """
    from kagglesdk.datasets.types.dataset_api_service import ApiDownloadDatasetRequest

    session = login(source, shelf, patience)
    owner, _, name = source.slug.partition("/")

    def open_stream(headers: Mapping[str, str]) -> requests.Response:
        request = ApiDownloadDatasetRequest()
        request.owner_slug, request.dataset_slug = owner, name
        answer: requests.Response = session.call(
            f"{_DATASETS}.download_dataset", request, source.slug, headers
        )
        return answer

    remote = Remote(f"{name}.zip", f"kaggle dataset {source.slug}", open_stream)
    part = shelf.folder / f"{name}.zip.part"

    def task() -> None:
        download(remote, part, patience)
        check_content(part, remote.name)
        for file in files:
            names = [file.name, *source.members.get(file.name, ()), file.name.removesuffix(".gz")]
            _take_out(part, names, file, shelf, remote.source)

    twice(part, task)


def _maybe_zipped(remote: Remote, file: DataFile, size: int, shelf: Shelf, patience: Patience) -> None:
    """Download a file that Kaggle may send packed into a zip, as it does with larger tables."""
    part = shelf.part(file)

    def task() -> None:
        digest = download(remote, part, patience)
        with part.open("rb") as stream:
            zipped = stream.read(4) == b"PK\x03\x04"
        if zipped:
            _take_out(part, [file.name], file, shelf, remote.source)
        elif digest.size != size:
            raise DataError(f"{file.name} arrived with {digest.size:,} bytes; Kaggle lists {size:,}.")
        else:
            shelf.accept(file, part, digest, remote.source, part=part)

    twice(part, task)


def _take_out(bundle: Path, names: Sequence[str], file: DataFile, shelf: Shelf, origin: str) -> None:
    """Take one file out of a downloaded zip.

    Raises:
        FetchError: If it is not in there; then the zip is removed.
        DataError: If it is damaged.
    """
    member = look_into(bundle, names)
    if not member:
        # Nothing is damaged, so fetching it again at once would not help; kept, it would never be renewed.
        partial.forget(bundle)
        raise FetchError(
            f"Kaggle's zip does not hold {file.name}.",
            "The publisher may have renamed it; look at the dataset's page.",
        )
    found = Found(file, bundle, member)
    target = shelf.folder / f".{file.name}.taking"
    with disk_errors(target):
        digest = found.take(target, md5=bool(file.md5), advance=lambda _: None)
    shelf.accept(file, target, digest, origin, part=bundle, published=found.as_published, depth=2)
