"""The faults of `docs/reference/fetch-faults.md`, each as a scene in which `galaxynet fetch` is called."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from kaggle_server import KEY, USER, KaggleServer
from made import challenge, clean_environment, command_line, zip_bytes

QUICK = ("--timeout", "0.5", "--retries", "2", "--retry-pause", "0.01")


FILES = challenge()


CREDENTIALS = json.dumps({"username": USER, "key": KEY})


# Machines on which every name is unknown, and on which every name leads to a closed port: the
# command gets the answers of the system itself.
NO_DNS = """
import socket

def unknown(*_, **__):
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

socket.getaddrinfo = unknown
"""


DEAD_END = """
import socket

def dead_end(*_, **__):
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", PORT))]

socket.getaddrinfo = dead_end
"""


class Scene:
    """One fault: how it is brought about, and what is called."""

    def __init__(self, server: KaggleServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.words = ["fetch", "stars", *QUICK]
        self.environment = server.environment()
        self.limit: int | None = None
        self.signal: int | None = None
        self.held: socket.socket | None = None

    def without_credentials(self) -> None:
        del self.environment["KAGGLE_KEY"], self.environment["KAGGLE_USERNAME"]

    def kaggle_json(self, content: bytes) -> Callable[[], None]:
        def scene() -> None:
            self.without_credentials()
            folder = self.folder / "home" / ".kaggle"
            folder.mkdir(parents=True)
            (folder / "kaggle.json").write_bytes(content)

        return scene

    def quoted_key(self) -> None:
        self.environment["KAGGLE_KEY"] = f"\u201c{KEY}\u201d"

    def wrong_key(self) -> None:
        self.environment["KAGGLE_KEY"] = "mistyped"

    def api(self, *words: str) -> Callable[[], None]:
        return lambda: self.server.fail("api", *words, always=True)

    def storage(self, *words: str, always: bool = True) -> Callable[[], None]:
        return lambda: self.server.fail("storage", *words, always=always)

    def no_dns(self) -> None:
        self._on_a_machine(NO_DNS)

    def refused(self) -> None:
        self.held = socket.socket()  # bound and not listening, so no other process can answer
        self.held.bind(("127.0.0.1", 0))
        self._on_a_machine(DEAD_END.replace("PORT", str(self.held.getsockname()[1])))

    def _on_a_machine(self, text: str) -> None:
        site = self.folder / "machine"
        site.mkdir()
        (site / "sitecustomize.py").write_text(text)
        self.environment = {"KAGGLE_API_ENVIRONMENT": "LOCALHOST", "KAGGLE_USERNAME": USER, "KAGGLE_KEY": KEY}
        self.environment["PYTHONPATH"] = f"{site}{os.pathsep}{os.environ['PYTHONPATH']}"

    def proxy_gone(self) -> None:
        self.environment["http_proxy"] = "http://127.0.0.1:9"

    def socks(self) -> None:
        self.environment["http_proxy"] = "socks5h://127.0.0.1:9"

    def no_bundle(self) -> None:
        # Kaggle's own address is https; no request is made, since the bundle is checked first.
        del self.environment["KAGGLE_API_ENVIRONMENT"]
        self.environment["REQUESTS_CA_BUNDLE"] = str(self.folder / "bundle.pem")
        self.environment["https_proxy"] = self.environment["http_proxy"]

    def without_hash(self) -> None:
        self.server.hashes = False
        self.server.fail("storage", "corrupt", always=True)

    def sends(self, content: bytes) -> Callable[[], None]:
        def scene() -> None:
            self.server.files["images.zip"] = content

        return scene

    def full_disk(self) -> None:
        # A limit on the size of a file: the system refuses the write as it does on a full disk.
        self.limit = 300_000

    def no_room(self) -> None:
        self.server.sizes["images.zip"] = 1 << 55

    def interrupted(self) -> None:
        self.signal = signal.SIGINT
        self.server.fail("storage", "slow")

    def killed(self) -> None:
        self.signal = signal.SIGKILL
        self.server.fail("storage", "slow")

    def folder_of(self, content: bytes | None) -> Callable[[], None]:
        def scene() -> None:
            downloads = self.folder / "downloads"
            downloads.mkdir()
            (downloads / "labels.zip").write_bytes(FILES["labels.zip"])
            if content is not None:
                (downloads / "images.zip").write_bytes(content)
            self.words += ["--from", str(downloads)]

        return scene

    def renamed(self) -> None:
        self.folder_of(FILES["images.zip"])()
        downloads = self.folder / "downloads"
        (downloads / "images.zip").rename(downloads / "images (1).ZIP")

    def dangling(self) -> None:
        self.folder_of(None)()
        (self.folder / "downloads" / "images.zip").symlink_to(self.folder / "moved.zip")

    def run(self) -> subprocess.CompletedProcess[str]:
        environment = clean_environment(self.folder, **self.environment)
        process = subprocess.Popen(
            command_line(*self.words),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=self._limited if self.limit else None,
        )
        if self.signal:
            self._wait_for_a_part()
            process.send_signal(self.signal)
        out, err = process.communicate(timeout=120)
        if self.held:
            self.held.close()
        return subprocess.CompletedProcess(self.words, process.returncode, out, err)

    def _wait_for_a_part(self) -> None:
        part = self.folder / "data" / "stars" / "images.zip.part"
        until = time.monotonic() + 20
        while not part.is_file() or part.stat().st_size < 200_000:
            assert time.monotonic() < until
            time.sleep(0.01)

    def _limited(self) -> None:
        assert self.limit is not None
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.limit, self.limit))


def bomb() -> bytes:
    return zip_bytes({"images/zeros.jpg": bytes(100 << 20)})


def deflate64() -> bytes:
    content = bytearray(zip_bytes({"images/0.jpg": bytes(1000)}))
    for index in (8, content.index(b"PK\x01\x02") + 10):
        content[index] = 9
    return bytes(content)


def slip() -> bytes:
    return zip_bytes({"images/1.jpg": b"1", "../../.bashrc": b"rm"})


def scenes(scene: Scene) -> dict[str, Callable[[], None]]:
    """How each fault of the table is brought about."""
    return {
        "no credentials": scene.without_credentials,
        "half a `kaggle.json`": scene.kaggle_json(CREDENTIALS.encode()[:-2]),
        "an empty `kaggle.json`": scene.kaggle_json(b""),
        "a `kaggle.json` without a key": scene.kaggle_json(b'{"username": "ada"}'),
        "a `kaggle.json` with a byte order mark": scene.kaggle_json(CREDENTIALS.encode("utf-8-sig")),
        "quotation marks in the key": scene.quoted_key,
        "wrong key": scene.wrong_key,
        "rules not accepted": scene.api("", "", "403"),
        "the competition is gone": scene.api("404"),
        "the file is gone": scene.api("", "", "404"),
        "too many requests, for good": scene.api("429 0"),
        "too many requests, for an hour": scene.api("429 3600"),
        "Kaggle fails with 500": scene.api("500"),
        "Kaggle fails with 503": scene.api("503"),
        "something else answers in Kaggle's place": scene.api("html"),
        "no network or no DNS": scene.no_dns,
        "the connection is refused": scene.refused,
        "the proxy is gone": scene.proxy_gone,
        "a proxy that is a SOCKS proxy": scene.socks,
        "a bundle of certificates that is not there": scene.no_bundle,
        "the server goes silent, once": scene.storage("silent", always=False),
        "the server goes silent, always": scene.storage("silent", "mute"),
        "the body is cut short, once": scene.storage("cut 400000", always=False),
        "the body is cut short, always": scene.storage("cut 400000"),
        "the link expires midway": scene.storage("cut 400000", "403", always=False),
        "Range is ignored": scene.storage("cut 400000", "whole", always=False),
        "another range is sent than was requested": scene.storage("cut 400000", "wrong range", always=False),
        "wrong bytes of the right size, with a hash": scene.storage("corrupt"),
        "wrong bytes of the right size, without a hash": scene.without_hash,
        "a web page in place of the file": scene.storage("html"),
        "the file is not a zip": scene.sends(b"GalaxyID,Class1.1\n"),
        "a zip bomb": scene.sends(bomb()),
        "a zip slip": scene.sends(slip()),
        "an archive packed with Deflate64": scene.sends(deflate64()),
        "a file that the dataset cannot be trained on with": scene.sends(zip_bytes({"images/": b""})),
        "not enough disk space for the file": scene.no_room,
        "the disk is full midway": scene.full_disk,
        "Ctrl-C midway": scene.interrupted,
        "kill -9 midway": scene.killed,
        "`--from`: an archive is missing": scene.folder_of(None),
        "`--from`: half an archive": scene.folder_of(FILES["images.zip"][:500_000]),
        "`--from`: a file that is not a zip": scene.folder_of(b"GalaxyID,Class1.1\n"),
        "`--from`: a web page": scene.folder_of(b"<!DOCTYPE html><title>Sign in</title>"),
        "`--from`: a name that a browser changed": scene.renamed,
        "`--from`: an archive packed with Deflate64": scene.folder_of(deflate64()),
        "`--from`: a link that leads nowhere": scene.dangling,
    }
