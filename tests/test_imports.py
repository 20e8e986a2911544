"""Who imports whom: the layers, and no private name of another package."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parent.parent
PACKAGES = [ROOT / "galaxynet", *sorted(path.parent for path in ROOT.glob("plugins/*/__init__.py"))]
PUBLIC_UNDERSCORES = {"_asdict", "_exit", "_fields", "_replace"}
"""Documented names of the standard library."""


def test_contracts(capsys: pytest.CaptureFixture[str]) -> None:
    """Imports go down the layers and have no cycles; the core imports no plugin."""
    status = lint_imports(config_filenames=(str(ROOT / "pyproject.toml"),), no_cache=True, no_logo=True)
    assert status == 0, capsys.readouterr().out


def test_every_package_is_under_contract() -> None:
    """A new plugin joins the contracts."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert linter["root_packages"] == [package.name for package in PACKAGES]


def _private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in PUBLIC_UNDERSCORES | {"_"}


def _defined(tree: ast.AST) -> set[str]:
    """Names that a module defines itself, as variables, functions, classes, arguments or attributes."""
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                names.add(name)
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
    return names


def private_names(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and name of each private name that a module uses but does not define."""
    tree = ast.parse(source)
    own = _defined(tree)
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=module, names=aliases):
                parts = [*(module or "").split("."), *(alias.name for alias in aliases)]
            case ast.Import(names=aliases):
                parts = [part for alias in aliases for part in alias.name.split(".")]
            case ast.Attribute(attr=name) if name not in own:
                parts = [name]
            case ast.Call(
                func=ast.Name(id="getattr" | "hasattr" | "setattr"), args=[_, ast.Constant(value=name), *_]
            ) if name not in own:
                parts = [str(name)]
            case ast.Subscript(value=ast.Call(func=ast.Name(id="vars")), slice=ast.Constant(value=name)):
                parts = [str(name)]
            case ast.Subscript(value=ast.Attribute(attr="__dict__"), slice=ast.Constant(value=name)):
                parts = [str(name)]
            case _:
                continue
        yield from ((node.lineno, part) for part in parts if _private(part))


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_no_private_name_of_another_module(package: Path) -> None:
    """A module uses no underscore name that it does not define, neither in code nor through a string."""
    assert [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sorted(package.rglob("*.py"))
        for line, name in private_names(path.read_text("utf-8"))
    ] == []


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("from a import _b", ["_b"]),
        ("import a._b.c", ["_b"]),
        ("a._b()", ["_b"]),
        ("getattr(a, '_b', None)", ["_b"]),
        ("vars(a)['_b']", ["_b"]),
        ("a.__dict__['_b']", ["_b"]),
        ("class A:\n    def f(self):\n        self._b = self._b + 1", []),
        ("import os\nos._exit(1)\nfor _ in a: a.__class__", []),
    ],
)
def test_private_names_are_found(source: str, names: list[str]) -> None:
    """The check sees each way to a private name, and none where there is none."""
    assert [name for _, name in private_names(source)] == names
