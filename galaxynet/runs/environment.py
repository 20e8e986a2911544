"""The machine and process of a run, and whether that process still exists."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from galaxynet.processor_load import load_average, usable_cores
from galaxynet.runs.record_parts import Environment

PACKAGES = (
    "galaxynet",
    "torch",
    "lightning",
    "torchmetrics",
    "numpy",
    "opencv-python-headless",
    "simplejpeg",
)
"""The distributions whose versions a record keeps besides those of the plugins."""


def describe_environment(packages: tuple[str, ...] = ()) -> Environment:
    """This machine, this process and the versions of what it runs; nothing is imported to find out.

    Args:
        packages: Further distributions whose versions are kept; the plugins', for example.
    """
    return Environment(
        versions={name: version for name in (*PACKAGES, *packages) if (version := _version(name))},
        git=_git_commit(),
        host=platform.node(),
        pid=os.getpid(),
        process_start=process_start(os.getpid()),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()}",
        processor=_processor(),
        cores=usable_cores(),
        memory=_memory(),
        load=load_average(),
    )


def process_start(pid: int) -> str:
    """When a process started: the boot's id and clock ticks since then. Empty if unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        # The second field is the program's name in brackets and may hold spaces and brackets itself.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return f"{boot}:{fields[19]}"
    except (OSError, IndexError):
        return ""


def is_alive(environment: Environment) -> bool:
    """False if the process of a run is known to have ended, which is unknown for another machine."""
    if environment.pid <= 0 or environment.host != platform.node():
        return True
    if sys.platform == "win32":  # there, os.kill with signal 0 ends the process
        return True
    try:
        os.kill(environment.pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    now = process_start(environment.pid)
    return not (now and environment.process_start) or now == environment.process_start


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _git_commit() -> str | None:
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
