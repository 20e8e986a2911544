"""The generated page of commands."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mkdocs")
GENERATOR = Path(__file__).parents[2] / "docs" / "generate_cli.py"


@pytest.fixture(scope="module")
def generator() -> Any:
    """The module docs/generate_cli.py, which is no package's."""
    spec = importlib.util.spec_from_file_location("generate_cli", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def every(command: Any, name: str, parent: Any = None) -> list[Any]:
    context = command.context_class(command, info_name=name, parent=parent)
    contexts = [context]
    for child in command.list_commands(context) if hasattr(command, "list_commands") else ():
        build = getattr(command, "build", None)
        sub = build(child, []) if build else command.get_command(context, child)
        contexts += every(sub, child, context)
    return contexts


def test_every_command_and_flag_is_in_the_reference(generator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page of commands has every command with every flag, its help and its default."""
    from galaxynet.cli.main import root

    monkeypatch.setenv("GALAXYNET_PLUGINS", "galaxynet")
    sections = re.split(r"^#+ `(galaxynet[^`]*)`$", generator.reference(), flags=re.MULTILINE)
    texts = dict(zip(sections[1::2], sections[2::2], strict=True))
    contexts = every(root(), "galaxynet")
    assert set(texts) == {context.command_path for context in contexts}
    assert {"galaxynet train galaxy_alexnet", "galaxynet runs remove"} <= set(texts)
    for context in contexts:
        text = texts[context.command_path]
        for parameter in context.command.params:
            if parameter.param_type_name == "option":
                row = next(line for line in text.splitlines() if f"`{parameter.opts[0]}`" in line)
                described = re.sub(r"\s+", " ", parameter.help).replace("|", "\\|").replace("<", "&lt;")
                assert described in row.replace("<", "&lt;")
                value = parameter.default
                if value is not None and value is not False and value != "" and parameter.show_default:
                    shown = parameter.show_default if isinstance(parameter.show_default, str) else value
                    if value is True:  # the name of the flag that is on
                        shown = parameter.opts[0].lstrip("-")
                    assert f"| `{shown}` |" in row


def test_a_strangers_plugin_is_not_in_the_reference(
    generator: Any, toys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is the same whatever other plugins the builder has installed."""
    assert "train toynet" not in generator.reference()
