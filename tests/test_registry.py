from __future__ import annotations

from typing import Any

import pytest

from galaxynet import registry
from galaxynet.errors import PluginError, UsageError
from galaxynet.training.config import Components

MODEL = """
    from galaxynet.plugin import ModelSpec, Options, option

    class NetOptions(Options):
        {flag}: int = option(3, "units")

    SPEC = ModelSpec(
        name="{name}", summary="a net", options=NetOptions, module="{module}:Net", dataset="galaxy-sim"{more}
    )
"""


def model(name: str, module: str, flag: str = "hidden", more: str = "") -> str:
    return MODEL.format(name=name, module=module, flag=flag, more=more)


def points(**models: str) -> dict[str, dict[str, str]]:
    return {"galaxynet.models": models}


def test_a_strangers_plugin_is_found(distribution: Any) -> None:
    """A package with an entry point is found without galaxynet knowing of it."""
    distribution("my-net", {"my_net": model("net", "my_net")}, points(net="my_net:SPEC"), version="2.3")
    plugin = registry.find("model", "net")
    assert (plugin.distribution, plugin.version) == ("my-net", "2.3")
    assert plugin.load().options().hidden == 3


def test_listing_imports_no_plugin(distribution: Any) -> None:
    """Plugins are listed without importing any of them, so that a slow or broken one costs nothing."""
    distribution("bomb", {"bomb": "raise SystemExit('imported')"}, points(bomb="bomb:SPEC"))
    assert "bomb" in [plugin.name for plugin in registry.plugins("model")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import no_such_module", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("1 / 0", "ZeroDivisionError"),
        ("SPEC = 3", "points at a int"),
        ("OTHER = 3", "has no SPEC"),
    ],
)
def test_a_broken_plugin_is_named_with_the_way_out(distribution: Any, text: str, message: str) -> None:
    """A plugin that does not import is reported with its distribution and how to remove it."""
    distribution("bad-net", {"bad_net": text}, points(bad="bad_net:SPEC"))
    with pytest.raises(PluginError) as caught:
        registry.find("model", "bad").load()
    assert message in caught.value.message
    assert "bad-net 1.0" in caught.value.message
    assert "pip uninstall bad-net" in caught.value.hint


@pytest.mark.promise("Strangers' files")
def test_a_broken_plugin_leaves_the_others_alone(distribution: Any) -> None:
    """A broken plugin does not affect the others."""
    distribution("bad-net", {"bad_net": "1 / 0"}, points(bad="bad_net:SPEC"))
    assert registry.find("model", "galaxy_alexnet").load().name == "galaxy_alexnet"


def test_two_packages_with_one_name(distribution: Any) -> None:
    """A name that two packages offer is an error naming both; distribution:name tells them apart."""
    distribution("first", {"first_net": model("net", "first_net")}, points(net="first_net:SPEC"))
    distribution("second", {"second_net": model("net", "second_net")}, points(net="second_net:SPEC"))
    with pytest.raises(UsageError, match=r"first 1\.0 and second 1\.0.*first:net or second:net"):
        registry.find("model", "net")
    assert registry.find("model", "second:net").distribution == "second"
    assert [p.distribution for p in registry.conflicts("model")["net"]] == ["first", "second"]


def test_a_spec_that_is_too_new_says_so(distribution: Any) -> None:
    """A spec for a later contract asks for an upgrade, whatever else is in it."""
    text = model("net", "new_net", more=", contract=99")
    distribution("new-net", {"new_net": text}, points(net="new_net:SPEC"))
    with pytest.raises(PluginError, match=r"version 99 .*pip install --upgrade galaxynet"):
        registry.find("model", "net").load()


def test_a_spec_with_another_name_is_refused(distribution: Any) -> None:
    """A spec whose name differs from its entry point's is an error, as its runs could not be found."""
    distribution("odd-net", {"odd_net": model("other", "odd_net")}, points(net="odd_net:SPEC"))
    with pytest.raises(PluginError, match="calls itself 'other'"):
        registry.find("model", "net").load()


@pytest.mark.parametrize("flag", ["epochs", "crop", "dataset"])
def test_a_flag_that_is_used_twice_is_an_error(distribution: Any, flag: str) -> None:
    """A model's flag that the trainer, the dataset or the command has too is refused, naming both."""
    distribution("dup-net", {"dup_net": model("net", "dup_net", flag=flag)}, points(net="dup_net:SPEC"))
    with pytest.raises(PluginError, match=rf"--{flag} is used twice: by .* and by .*dup-net|galaxy-sim"):
        Components.load("net")


def test_an_unknown_name_tells_the_nearest() -> None:
    """A typing error gets the nearest name."""
    with pytest.raises(UsageError, match=r"no model 'galaxy_alexnt'.*Did you mean 'galaxy_alexnet'\?"):
        registry.find("model", "galaxy_alexnt")


def test_the_variable_limits_what_is_seen(distribution: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """GALAXYNET_PLUGINS names the plugins, or the distributions, that are seen."""
    distribution("my-net", {"my_net": model("net", "my_net")}, points(net="my_net:SPEC"))
    for allowed in ("net", "my-net", "my-net:net, nothing"):
        monkeypatch.setenv("GALAXYNET_PLUGINS", allowed)
        assert [plugin.name for plugin in registry.plugins("model")] == ["net"]


def test_without_plugins_the_core_says_how_to_get_some(monkeypatch: pytest.MonkeyPatch) -> None:
    """With every plugin hidden there is nothing to list, and the message says why."""
    monkeypatch.setenv("GALAXYNET_PLUGINS", "")
    assert registry.plugins("model") == registry.plugins("dataset") == []
    with pytest.raises(UsageError, match="GALAXYNET_PLUGINS hides every model plugin"):
        registry.find("model", "galaxy_alexnet")
