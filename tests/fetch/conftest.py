"""A stranger's dataset plugin, installed where a test needs one."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kaggle_server import KEY, SECRETS, USER, KaggleServer
from made import QUICK, challenge, clean_environment, command_line, mirrored, module

from galaxynet import registry, terminal
from galaxynet.fetching import kaggle_api
from galaxynet.fetching.fetch import fetch
from galaxynet.fetching.request import FetchRequest, FetchResult
from galaxynet.fetching.retry import RetryPolicy
from galaxynet.registry import Plugin

_numbers = itertools.count()


@pytest.fixture
def stranger(distribution: Any) -> Callable[..., Plugin]:
    """Install a stranger's package with one dataset: `stranger(text that defines SPEC)` gives its plugin."""

    def install(spec: str, name: str = "stars") -> Plugin:
        unique = f"stranger_{os.getpid()}_{next(_numbers)}"
        distribution(unique, {unique: module(spec)}, {"galaxynet.datasets": {name: f"{unique}:SPEC"}})
        return registry.find("dataset", name)

    return install


@pytest.fixture
def server() -> Iterator[KaggleServer]:
    """Kaggle, on this machine."""
    with KaggleServer(challenge()) as running:
        yield running


@pytest.fixture
def kaggle(server: KaggleServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KaggleServer:
    """The same, and this process takes it for Kaggle and is logged in."""
    for name in list(os.environ):
        if name.startswith("KAGGLE") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    (tmp_path / "home" / ".kaggle").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KAGGLE_USERNAME", USER)
    monkeypatch.setenv("KAGGLE_KEY", KEY)
    monkeypatch.setitem(kaggle_api.ENDPOINTS, "PROD", f"http://127.0.0.1:{server.port}/v1")
    return server


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of the test."""
    return tmp_path / "data"


@pytest.fixture
def get(stranger: Callable[..., Plugin], server: KaggleServer, data: Path) -> Callable[..., FetchResult]:
    """Fetch the stranger's dataset from the server, over https."""
    created: dict[bool, Plugin] = {}

    def run(md5: bool = False, policy: RetryPolicy = QUICK, force: bool = False) -> FetchResult:
        if md5 not in created:
            created[md5] = stranger(mirrored(server.mirror(), md5=md5))
        return fetch(FetchRequest(created[md5], data, policy=policy, force=force))

    return run


@pytest.fixture
def nothing_secret(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Whatever a test does, no credential and no signed link appears in what it prints."""
    yield
    printed = "".join(capfd.readouterr())
    assert not [secret for secret in SECRETS if secret in printed]


@pytest.fixture
def galaxynet(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the installed command in a process of its own: `galaxynet("fetch", "stars", VARIABLE="...")`."""

    def run(*words: str, timeout: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command_line(*words),
            env=clean_environment(tmp_path, **environment),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture(autouse=True)
def _notes_are_seen() -> Iterator[None]:
    """Create a new console, which capsys captures, and let no test silence the next."""
    terminal.messages.cache_clear()
    yield
    terminal.set_quiet(False)
    terminal.messages.cache_clear()
