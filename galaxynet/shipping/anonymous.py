"""The record of a run without what says where and by whom it was made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from galaxynet.options import Options
from galaxynet.runs import Environment, OptionValues, RunRecord

_ABSOLUTE = re.compile(r"(?:~|/|[A-Za-z]:[\\/])")
_PATH = re.compile(r"(?:(?<=^)|(?<=[\s=,;:('\"]))(?:~[^\s/]*|[A-Za-z]:)?[/\\][^\s=,;)'\"]*")


def anonymous(record: RunRecord, options: OptionValues) -> RunRecord:
    """A copy of a record without machine, process, command line, sweep, name and keys of other software.

    Args:
        record: The record.
        options: Its options without folders.
    """
    copied = RunRecord(**{name: getattr(record, name) for name in RunRecord.model_fields if name != "layout"})
    copied.name = copied.sweep = copied.message = ""
    copied.command = []
    copied.options = options
    copied.data = {name: without_folders(value) for name, value in record.data.items()}
    machine = record.environment
    copied.environment = Environment(versions=machine.versions, python=machine.python, cores=machine.cores)
    return copied


def options_without_folders(record: RunRecord, classes: Mapping[str, type[Options]]) -> OptionValues:
    """The options of a record; of each path in them the last part alone.

    Args:
        record: The record.
        classes: The options classes under `model`, `dataset` and `training`.
    """
    shortened: dict[str, dict[str, Any]] = {}
    for part, cls in classes.items():
        files = {field.name for field in cls.fields() if "Path" in str(field.type)}
        values = getattr(record.options, part)
        shortened[part] = {
            name: _last_part(value) if name in files and isinstance(value, str) else without_folders(value)
            for name, value in values.items()
        }
    return OptionValues(**shortened)


def without_folders(value: Any) -> Any:
    """A value of a record; in its texts, the last part in place of each absolute path."""
    if isinstance(value, str):
        if _ABSOLUTE.match(value) and not re.search(r"[=,;\s]", value):
            return _last_part(value)
        return _PATH.sub(lambda match: _last_part(match[0]), value)
    if isinstance(value, Mapping):
        return {name: without_folders(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [without_folders(part) for part in value]
    return value


def _last_part(path: str) -> str:
    return PurePath(path.replace("\\", "/")).name or path
