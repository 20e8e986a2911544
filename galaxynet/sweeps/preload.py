"""Imported by the process that trials are forked from: does the slow imports once for all of them."""

from __future__ import annotations

import importlib
import os

from galaxynet.children import end_with_parent
from galaxynet.launch import isolate_environment
from galaxynet.sweeps.forking import PRELOAD_VARIABLE

isolate_environment()
# A plugin's import may never end; afterwards, this process ends by itself with the last that uses it.
stop_watching = end_with_parent(grace_s=0)
for module in (
    "galaxynet.sweeps.worker",
    "galaxynet.training.fit",
    "galaxynet.report.figures.style",
    *filter(None, os.environ.get(PRELOAD_VARIABLE, "").split(",")),
):
    try:
        importlib.import_module(module)
    except (Exception, SystemExit):
        continue  # the trial reports a module that cannot be imported
stop_watching()
