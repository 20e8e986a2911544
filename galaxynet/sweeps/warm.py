"""Imported by the process from which workers are forked: it does the slow imports once for all trials."""

from __future__ import annotations

import os

from galaxynet.children import end_with_parent
from galaxynet.launch import settle
from galaxynet.sweeps.worker import WARM_VARIABLE, warm_up

settle()
# A plugin's import may take for ever; afterwards, this process ends by itself with the last that uses it.
stop_watching = end_with_parent(grace_s=0)
warm_up(list(filter(None, os.environ.get(WARM_VARIABLE, "").split(","))))
stop_watching()
