"""How fast a file arrives over loopback, hashing included, beside curl, which only writes it.

The server is a process of its own that leaves the file to the kernel (sendfile), so that the client is what
is measured. galaxynet also computes the file's SHA-256, and its MD5 where the server states one, keeps the
state that a later call would go on from, and waits until the disk has the file; curl does none of that.

    python -m benchmarks.bench_download [--megabytes 100] [--rounds 9] [--folder FOLDER] [--json]
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import multiprocessing
import os
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.measure import Report, alternate, parser, ratio
from galaxynet import terminal
from galaxynet.fetching.download import download
from galaxynet.fetching.https import remotes
from galaxynet.fetching.partial import remove
from galaxynet.fetching.retry import RetryPolicy
from galaxynet.sources import DataFile, Https

OURS, OURS_MD5, CURL = "galaxynet, SHA-256", "galaxynet, SHA-256 and MD5", "curl"
CURL_SYNC, CURL_SUM = "curl, then fsync", "curl, then sha256sum"


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--megabytes", type=int, default=100, help="size of the file in 10^6 bytes")
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--folder", type=Path, help="where to write (a disk worth measuring)")
    given = arguments.parse_args()
    terminal.set_quiet(True)
    with tempfile.TemporaryDirectory(prefix="bench-download-", dir=given.folder) as name:
        seconds = measure(Path(name), given.megabytes * 10**6, given.rounds)
    report = Report(f"A file of {given.megabytes} MB over loopback", "median over alternating rounds")
    report.add("rate, beside curl's (SHA-256 included)", ratio(seconds[CURL], seconds[OURS]), goal=0.8)
    report.add("the same where the server states an MD5", ratio(seconds[CURL], seconds[OURS_MD5]))
    report.add("rate, beside curl's with fsync", ratio(seconds[CURL_SYNC], seconds[OURS]))
    report.add("rate, beside curl's with sha256sum", ratio(seconds[CURL_SUM], seconds[OURS]))
    for way, measured in seconds.items():
        report.add(way, given.megabytes / statistics.median(measured), unit="MB/s")
    report.emit(given.json)


def measure(folder: Path, size: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of each method, round by round."""
    content = os.urandom(size)
    source = folder / "source.bin"
    source.write_bytes(content)
    md5 = base64.b64encode(hashlib.md5(content).digest()).decode()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.Process(target=serve, args=(source, md5, sender), daemon=True)
    server.start()
    address = f"http://127.0.0.1:{receiver.recv()}"
    target = folder / "file.bin"
    ways: dict[str, Callable[[], None]] = {
        CURL: lambda: curl(address, target),
        OURS: lambda: ours(address, target),
        CURL_SYNC: lambda: curl(address, target, sync=True),
        OURS_MD5: lambda: ours(f"{address}/md5", target),
        CURL_SUM: lambda: curl(address, target, "sha256sum"),
    }
    try:
        return alternate(ways, rounds)
    finally:
        server.terminate()
        server.join()


def ours(address: str, target: Path) -> None:
    """Download as `galaxynet fetch` does."""
    remote = remotes(Https(mirrors=(address,)), DataFile(name="file.bin"), RetryPolicy())[0]
    download(remote, target, RetryPolicy())
    remove(target)


def curl(address: str, target: Path, then: str = "", sync: bool = False) -> None:
    """Download with curl; then run a command on the file, or wait until the disk has it."""
    subprocess.run(["curl", "-sSf", "-o", str(target), f"{address}/file.bin"], check=True)
    if then:
        subprocess.run([then, str(target)], check=True, stdout=subprocess.DEVNULL)
    if sync:
        with target.open("rb") as stream:
            os.fsync(stream.fileno())
    target.unlink()


def serve(path: Path, md5: str, ready: Connection) -> None:
    """Hand out one file, whatever is asked for, and tell its MD5 below /md5."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """The file."""
            self.send_response(200)
            self.send_header("Content-Length", str(path.stat().st_size))
            self.send_header("ETag", '"bench"')
            if self.path.startswith("/md5"):
                self.send_header("x-goog-hash", f"md5={md5}")
            self.end_headers()
            with path.open("rb") as stream:
                self.connection.sendfile(stream)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ready.send(server.server_address[1])
    server.serve_forever()


if __name__ == "__main__":
    main()
