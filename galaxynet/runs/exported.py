"""The file of exported weights, read only if its digest is right (no torch)."""

from __future__ import annotations

import hashlib

from galaxynet import untrusted
from galaxynet.errors import RunError
from galaxynet.runs.folder import Run, reason


def verified_weights(run: Run) -> bytes:
    """The content of `weights.safetensors` of an exported run.

    Raises:
        RunError: If it is missing, cannot be read, or its digest is not the one in the record.
    """
    path, exported = run.weights_path(), run.record.exported
    assert exported is not None
    try:
        content = untrusted.read_bytes(path, max(exported.size, 1))
    except OSError as error:
        raise RunError(f"{path} cannot be read: {reason(error)}.") from None
    if hashlib.sha256(content).hexdigest() != exported.sha256:
        raise RunError(f"{path} is damaged: its SHA-256 digest is not the one in the record.")
    return content
