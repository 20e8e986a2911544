"""The environment variables by which Lightning and PyTorch learn how they were launched."""

from __future__ import annotations

import ast
import re

HARMLESS = {
    "OMP_NUM_THREADS": "a number of threads, set by the user",
    "POSSIBLE_USER_WARNINGS": "warnings, which are silenced anyway",
    "FREEZE_REQUIREMENTS": "read by Lightning's own setup",
    "USE_LIBUV": "which of two stores PyTorch uses",
    "RUN_ONLY_CUDA_TESTS": "Lightning's own tests",
    "BITSANDBYTES_NOWELCOME": "of a precision that galaxynet does not offer",
    "XLA_USE_F16": "of an accelerator that galaxynet does not offer",
    "XLA_USE_BF16": "of an accelerator that galaxynet does not offer",
    "PT_XLA_DEBUG": "of an accelerator that galaxynet does not offer",
    "PYTORCH_NVML_BASED_CUDA_CHECK": "set by Lightning, not read",
    "CUBLAS_WORKSPACE_CONFIG": "set by Lightning, not read",
    "CUDA_VISIBLE_DEVICES": "which GPUs there are, set by the user or a scheduler",
    "CUDA_DEVICE_ORDER": "how they are numbered",
    "DISABLE_MPS": "whether there is an Apple GPU",
}
"""What Lightning and PyTorch read and may: why it does no harm."""


TORCHRUN = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "h", "MASTER_PORT": "29500"}


SLURM = {
    **{"SLURM_JOB_ID": "1", "SLURM_JOB_NAME": "x", "SLURM_NTASKS": "1", "SLURM_NNODES": "1"},
    **{"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"},
}


_NAME = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")


def names_in(source: str, *, everything: bool) -> set[str]:
    """The variables that a module's source reads from `os.environ`; `everything`: all that look like one."""

    def is_environ(node: ast.AST) -> bool:
        return isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")

    names: list[ast.AST] = []
    for node in ast.walk(ast.parse(source)):
        if everything:
            names.append(node)
        elif isinstance(node, ast.Subscript) and is_environ(node.value):
            names.append(node.slice)
        elif isinstance(node, ast.Compare) and any(map(is_environ, node.comparators)):
            names.append(node.left)
        elif isinstance(node, ast.Call) and any(
            map(is_environ, (node.func, *ast.iter_child_nodes(node.func)))
        ):
            names.extend(node.args[:1])
    values = (node.value for node in names if isinstance(node, ast.Constant))
    return {value for value in values if isinstance(value, str) and _NAME.fullmatch(value)}
