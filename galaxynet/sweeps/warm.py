"""Imported by the process from which workers are forked: it does the slow imports once for all trials."""

from __future__ import annotations

import os

from galaxynet.launch import settle
from galaxynet.sweeps.worker import WARM_VARIABLE, warm_up

settle(started_by_galaxynet=True)
warm_up(list(filter(None, os.environ.get(WARM_VARIABLE, "").split(","))))
