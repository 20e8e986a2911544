"""Kaggle's own client in a process: when it is imported, and what it must not do there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kaggle_server import SECRETS, KaggleServer
from made import GALAXIES, clean_environment

Stranger = Callable[..., Any]


@pytest.mark.promise("Environment")
def test_verbose_does_not_reach_the_client(
    stranger: Stranger, server: KaggleServer, galaxynet: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """A VERBOSE variable does not make Kaggle's client print headers."""
    stranger(GALAXIES)
    done = galaxynet(
        "fetch", "stars", "--timeout", "2", **server.environment(), VERBOSE="1", VERBOSE_OUTPUT="true"
    )
    assert done.returncode == 0, done.stderr
    assert len(server.asked("DownloadDataFile")) == 2
    assert not [secret for secret in (*SECRETS, "Authorization") if secret in done.stdout + done.stderr]


@pytest.mark.promise("Environment")
def test_standard_input_stays_open(stranger: Stranger, tmp_path: Path) -> None:
    """Missing Kaggle credentials do not close the caller's standard input."""
    plugin = stranger(GALAXIES)
    code = (
        "import sys\nfrom pathlib import Path\nfrom galaxynet import registry\n"
        "from galaxynet.errors import GalaxynetError\nfrom galaxynet.fetching.fetch import fetch\n"
        "from galaxynet.fetching.request import FetchRequest\n"
        f"plugin, data = registry.find('dataset', {plugin.name!r}), Path({str(tmp_path)!r}) / 'data'\n"
        "try: fetch(FetchRequest(plugin, data))\n"
        "except GalaxynetError: print(sys.stdin.read())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=clean_environment(tmp_path),
        input="still here",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "still here\n", done.stderr


def test_kaggles_client_is_imported_for_kaggle_alone() -> None:
    """Neither the help nor a fetch from a folder imports Kaggle's client."""
    code = (
        "import sys, contextlib; from galaxynet.cli.main import root\n"
        "with contextlib.suppress(SystemExit): root().main(['fetch', '--help'], standalone_mode=False)\n"
        "import galaxynet.fetching.fetch, galaxynet.fetching.local, galaxynet.fetching.kaggle\n"
        "print([name for name in ('kaggle', 'kagglesdk', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
